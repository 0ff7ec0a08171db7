"""Webhooks in: another system posts its messages to ``/v1/hooks/NAME``; what is signed rightly is stored at once.

Three ways to sign, as the sender has them: ``standard`` (Standard Webhooks, as our own results are signed), ``hmac``
(HMAC-SHA-256 of the body in a header, hexadecimal or base64, as GitHub and Shopify do), ``token`` (a header that
holds the secret itself).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from typing import Literal, get_args

from textcrm.errors import NotFoundError, UsageError
from textcrm.operations.access.vault import Vault
from textcrm.operations.intake.ingest import IngestReport, take
from textcrm.operations.intake.sources import check_name
from textcrm.operations.work.push import sign
from textcrm.records import Channel
from textcrm.settings import Settings
from textcrm.sources.mapping import FIELDS
from textcrm.sources.webhook import read_hook
from textcrm.store import Store

Scheme = Literal["standard", "hmac", "token"]
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)
TOLERANCE_SECONDS = 300
MOST_SIGNATURES = 8
_HEADER_CHARS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


def add_hook(
    store: Store,
    name: str,
    *,
    settings: Settings,
    channel: Channel = "chat",
    scheme: Scheme = "standard",
    header: str = "x-signature",
    mapping: Mapping[str, str] | None = None,
    secret: str | None = None,
) -> str:
    """Take what is posted under *name* from now on; return the secret that signs it.

    Parameters
    ----------
    header
        The header that carries the signature (``hmac``) or the secret (``token``).
    mapping
        Message field to path in the JSON, ``{"text": "comment.body"}``; what it leaves out is guessed.
    secret
        What the sender signs with; made here without one.

    Raises
    ------
    UsageError
        The name, the scheme, the header or a field cannot be.
    """
    check_name(name)
    mapping = dict(mapping or {})
    if scheme not in SCHEMES:
        raise UsageError("There is no such way to sign", options=SCHEMES)
    if not 0 < len(header) <= 64 or not set(header.lower()) <= _HEADER_CHARS:
        raise UsageError("The header of the signature has no usable name", hint="For example x-hub-signature-256.")
    if not set(mapping) <= set(FIELDS):
        raise UsageError("There is no such field to map to", hint="Write FIELD=PATH.", options=FIELDS)
    if secret is not None and len(secret) < 16:
        raise UsageError("The secret is shorter than 16 characters", hint="Take a longer one, or have one made.")
    made = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}" if scheme == "standard" else None
    key = secret or made or secrets.token_urlsafe(32)
    config = {"scheme": scheme, "header": header.lower(), "mapping": list(mapping.items())}
    ciphertext = Vault(settings.home).encrypt(json.dumps({"secret": key}))
    store.sources.add(name, kind="webhook", channel=channel, config=config, secret=ciphertext)
    return key


def receive(
    store: Store, name: str, body: bytes, headers: Mapping[str, str], *, settings: Settings
) -> IngestReport | None:
    """Store the messages in a body; None where its signature is not right.

    What is no message goes to the quarantine, so that nothing that was signed rightly is lost.

    Parameters
    ----------
    headers
        Names in lower case.

    Raises
    ------
    NotFoundError
        No webhook of this name was added.
    """
    entry = store.sources.get(name)
    if entry.kind != "webhook":
        raise NotFoundError(f"There is no webhook {name[:64]!r}", hint="A source of this name is of another kind.")
    key: str = json.loads(Vault(settings.home).decrypt(entry.secret))["secret"]
    if not signed(body, headers, scheme=entry.config["scheme"], header=entry.config["header"], secret=key):
        return None
    channel: Channel = entry.channel  # type: ignore[assignment]  # written from a Channel
    mapping = dict(entry.config["mapping"])
    found = list(read_hook(body, name=name, channel=channel, mapping=mapping, received_at=store.now()))
    report = take(store, found, channel=channel, mapping=mapping)
    store.sources.note(name, problem="what came last went to the quarantine" if report.quarantined else "")
    return report


def signed(
    body: bytes,
    headers: Mapping[str, str],
    *,
    scheme: Scheme,
    header: str,
    secret: str,
    now: float | None = None,
) -> bool:
    """Tell whether a body was signed with *secret*, and not long ago where the scheme tells when."""
    if scheme == "token":
        return hmac.compare_digest(headers.get(header, "").encode(), secret.encode())
    if scheme == "hmac":
        digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
        given = headers.get(header, "").strip().removeprefix("sha256=").encode()
        hexadecimal, base = digest.hex().encode(), base64.b64encode(digest)
        return hmac.compare_digest(given.lower(), hexadecimal) | hmac.compare_digest(given, base)
    delivery, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not delivery or not timestamp.isascii() or not timestamp.isdecimal() or len(timestamp) > 12:
        return False
    if abs((time.time() if now is None else now) - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    right = sign(secret, delivery, int(timestamp), body).encode()
    given_ones = headers.get("webhook-signature", "").split(" ")[:MOST_SIGNATURES]
    return any(hmac.compare_digest(one.encode(), right) for one in given_ones)
