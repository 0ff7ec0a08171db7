"""A message finds its customer: exact identifiers decide, names never do alone.

Identifiers come in three ranks. What the message says of its author (customer number, From, Reply-To, phone, handle,
or, of a forwarded mail, its original author) identifies. What stands in the signature identifies where nothing
stronger speaks. What stands in the text may be about somebody else: it identifies only together with the name.
"""

from __future__ import annotations

import hashlib
import html
import math
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Literal

from textcrm.link import normalise
from textcrm.link.names import names_agree
from textcrm.records import CleanText, Customer, EntitySpan, Evidence, Link, Message, name_at_domain

Origin = Literal[
    "customer_number", "from", "reply_to", "forwarded_from", "phone", "handle", "signature", "order", "text", "name"
]
# Likelihood ratio in bits of an exact agreement by chance against truth, by kind. A mail address or a number that is
# issued once is shared by about one pair in a million people; a phone by households and switchboards.
_BITS = {"number": 20.0, "email": 20.0, "handle": 18.0, "phone": 14.0, "order": 17.0, "company": 8.0}
_AUTHOR: frozenset[str] = frozenset({"customer_number", "from", "reply_to", "forwarded_from", "phone", "handle"})
_LABELS = {
    "EMAIL": "email",
    "PHONE": "phone",
    "CUSTOMER": "number",
    "CUSTOMER_NUMBER": "number",
    "CUSTOMER_ID": "number",
    "ORDER": "order",
    "ORDER_NUMBER": "order",
    "ORDER_ID": "order",
}
_FORWARD_SUBJECT = re.compile(r"\s{0,5}(?:fwd?|wg|tr|rv|enc|vs|i|doorst)\s?:", re.IGNORECASE)
_FROM_LINE = re.compile(
    r"^[>|*_\s]{0,10}(?:from|von|de|da|van|från|fra|od|от|差出人|发件人)[*_\s]{0,4}:[*_\s]{0,4}(?P<who>[^\n]{3,300})",
    re.IGNORECASE | re.MULTILINE,
)
_TAG = re.compile(r"<(?!mailto:)[a-z/!][^<>@]{0,400}>", re.IGNORECASE)
_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}")


@dataclass(frozen=True, slots=True)
class IdentityKey:
    """An exact identifier found in a message: ``key`` as the store has it (``email:ann@example.com``), and where."""

    key: str
    origin: Origin

    @property
    def kind(self) -> str:
        """``email``, ``phone``, ``handle``, ``number`` or ``order``."""
        return self.key.partition(":")[0]

    @property
    def value(self) -> str:
        """The identifier without its kind."""
        return self.key.partition(":")[2]


def keys_of(
    message: Message, clean: CleanText, entities: Sequence[EntitySpan], *, region: str, ours: Collection[str] = ()
) -> tuple[IdentityKey, ...]:
    """Return the identifiers of a message's author, the strong ones first.

    Role addresses (``info@``) are left out: they identify nobody. Of a forwarded mail, From is left out. The name with
    the domain of a company's mail comes last: it names who may be meant, and never links.

    Parameters
    ----------
    ours
        The company's own addresses, or ``@domain``: they identify nobody either.
    """
    author = message.author
    found: list[tuple[str, str | None, Origin]] = []
    if author.customer_number and author.customer_number.strip():
        found.append(("number", author.customer_number.strip().casefold(), "customer_number"))
    original = original_author(message, clean)
    if original is not None:
        found.append(("email", original, "forwarded_from"))
    else:
        found.append(("email", normalise.email(author.email), "from"))
        found.append(("email", normalise.email(author.reply_to), "reply_to"))
        found.append(("phone", normalise.phone(author.phone, region), "phone"))
        if author.handle and author.handle.strip(" @"):
            found.append(("handle", normalise.handle(author.handle), "handle"))
    found += _written(message, clean, entities, region=region, forwarded=original is not None)
    domain = (normalise.email(author.email) or "").partition("@")[2]
    if original is None and domain and domain not in normalise.FREE_MAIL:
        found.append(("company", name_at_domain(author.name, f"@{domain}"), "name"))
    keys: dict[str, IdentityKey] = {}
    for kind, value, origin in found:
        own = value is not None and (value in ours or f"@{value.rpartition('@')[2]}" in ours)
        if value and not (kind == "email" and (own or normalise.is_role_address(value))):
            key = f"{kind}:{value}"
            keys.setdefault(key, IdentityKey(key, origin))
    return tuple(keys.values())


def _written(
    message: Message, clean: CleanText, entities: Sequence[EntitySpan], *, region: str, forwarded: bool
) -> Iterable[tuple[str, str | None, Origin]]:
    """Yield what the signature and the own text say, the signature first."""
    own: list[tuple[str, str | None, Origin]] = []
    ours = {normalise.email(address) for address in message.to}
    for span in entities:
        kind = _LABELS.get(span.label)
        part = next((p.kind for p in clean.parts if p.start <= span.start < p.end), "own")
        if kind is None or (part not in ("own", "closing", "signature") and not (forwarded and part == "forwarded")):
            continue
        value: str | None = span.value or span.text
        if kind == "email":
            value = normalise.email(value)
        elif kind == "phone":
            value = normalise.phone(value, region)
        else:
            value = (value or "").strip().lstrip("#").casefold()
        if value in ours:
            continue
        if kind == "order":
            own.append((kind, value, "order"))
        elif part in ("signature", "closing") and not forwarded:
            yield kind, value, "signature"
        else:
            own.append((kind, value, "text"))
    yield from own


def original_author(message: Message, clean: CleanText) -> str | None:
    """Return the address of who wrote the mail that *message* forwards, or None.

    A customer who forwards what a shop's robot sent is the author all the same: a role address is no original author.
    """
    if message.channel != "email":
        return None
    parts = [p for p in clean.parts if p.kind == "forwarded"]
    if not parts and not (_FORWARD_SUBJECT.match(message.subject or "") and not clean.text.strip()):
        return None
    stretches = [message.text[p.start : p.end] for p in parts] or [clean.quoted]
    for stretch in stretches:
        head = stretch[:6000]
        if message.content_type == "text/html":
            head = html.unescape(_TAG.sub("\n", head)).replace("\xa0", " ")
            head = re.sub(r":\s{1,40}", ": ", head)
        match = _FROM_LINE.search(head)
        address = normalise.email(parseaddr(match["who"])[1]) if match else None
        if match and address is None:
            inside = _ADDRESS.search(match["who"])
            address = normalise.email(inside[0]) if inside else None
        if address is not None:
            return None if normalise.is_role_address(address) else address
    return None


def decide(
    message: Message, keys: Sequence[IdentityKey], candidates: Sequence[Customer]
) -> tuple[Link, Customer | None]:
    """Decide whose message it is.

    Parameters
    ----------
    keys
        What `keys_of` found.
    candidates
        The customers that carry any of *keys*, and any others that may be meant (by name).

    Returns
    -------
    The link with its evidence, and the provisional customer to keep where the author is a stranger.
    """
    hits = _hits(keys, candidates)
    for rank in (_AUTHOR, frozenset({"signature"}), frozenset({"order", "text"})):
        known = {k: found for k, found in hits.items() if k.origin in rank}
        if not known:
            continue
        named = author_name(message, keys)
        chosen = _agreed(list(known.values()), named)
        evidence = _evidence(hits, chosen, named)
        if len(chosen) != 1:
            rule = "conflicting_identifiers" if not chosen else "shared_identifier"
            return _review(hits, rule, evidence), None
        customer = chosen[0]
        if _contradicted(hits, customer):
            return _review(hits, "conflicting_identifiers", evidence), None
        first = next(k for k, found in known.items() if customer in found)
        if not _enough(first, keys, named, customer):
            return _review(hits, f"only_{first.kind}_in_{first.origin}", evidence), None
        outcome: Literal["linked", "provisional"] = "provisional" if customer.provisional else "linked"
        link = Link(
            customer_id=customer.id,
            outcome=outcome,
            confidence=_confidence(evidence),
            rule=f"{first.kind}_{first.origin}" if first.origin != first.kind else first.kind,
            evidence=evidence,
            candidates=(customer.id,),
        )
        return link, None
    similar = [c for c in candidates if not c.provisional and names_agree(author_name(message, keys), _name(c))]
    if similar:
        company = any(key.kind == "company" for key in hits)
        evidence = (Evidence(field="name", level="similar", weight=6.0), *(_evidence(hits, (), normalise.Name())))
        ids = tuple(c.id for c in similar)
        rule = "name_and_company" if company else "name_only"
        return Link(
            customer_id=None, outcome="review", confidence=0.5, rule=rule, evidence=evidence, candidates=ids
        ), None
    return _stranger(message, keys)


def _enough(first: IdentityKey, keys: Sequence[IdentityKey], named: normalise.Name, customer: Customer) -> bool:
    """Tell whether the strongest identifier that hit may decide.

    A phone may be a switchboard, and a text or a signature may name a colleague: beside a mail address of the author's
    own that no customer has, they need the name, and a phone the same name letter by letter.
    """
    theirs = _name(customer)
    if first.origin in ("order", "text"):
        return names_agree(named, theirs)
    other_address = any(k.kind == "email" and k.origin in _AUTHOR for k in keys) and first.kind != "email"
    if first.origin == "signature" and (other_address or any(k.origin in _AUTHOR for k in keys)):
        return named.full == theirs.full != "" if first.kind == "phone" else names_agree(named, theirs)
    if first.kind == "phone" and other_address:
        return not named.family or names_agree(named, theirs)
    return True


def author_name(message: Message, keys: Sequence[IdentityKey]) -> normalise.Name:
    """Return the author's name; of a forwarded mail nothing is known, since the name on it is the forwarder's."""
    if any(key.origin == "forwarded_from" for key in keys):
        return normalise.Name()
    return normalise.name(message.author.name)


def _name(customer: Customer) -> normalise.Name:
    return normalise.name(customer.name)


def _hits(keys: Sequence[IdentityKey], candidates: Sequence[Customer]) -> dict[IdentityKey, list[Customer]]:
    """Return for each key the customers that carry it; real ones hide provisional ones."""
    carriers: dict[str, list[Customer]] = {}
    for customer in candidates:
        for identifier in identifiers(customer):
            carriers.setdefault(identifier, []).append(customer)
    found: dict[IdentityKey, list[Customer]] = {}
    for key in keys:
        all_ = carriers.get(key.key, [])
        real = [c for c in all_ if not c.provisional]
        if real or all_:
            found[key] = real or all_
    return found


def identifiers(customer: Customer) -> Iterable[str]:
    """Yield the exact identifiers of a customer as keys: ``email:ann@example.com``."""
    yield from (f"email:{value}" for value in customer.emails)
    yield from (f"phone:{value}" for value in customer.phones)
    yield from (f"handle:{value}" for value in customer.handles)
    if customer.number:
        yield f"number:{customer.number.casefold()}"
    yield from (f"company:{value}" for email in customer.emails if (value := name_at_domain(customer.name, email)))
    yield from (f"order:{value.casefold()}" for field, value in customer.fields if field == "order")


def _agreed(found: Sequence[Sequence[Customer]], named: normalise.Name) -> list[Customer]:
    """Return the customers that all identifiers allow; where several share them, the one whose name is the author's."""
    common = [c for c in found[0] if all(c in others for others in found[1:])]
    if len(common) < 2:
        return common
    called = [c for c in common if names_agree(named, _name(c))]
    return called if len(called) == 1 else common


def _contradicted(hits: dict[IdentityKey, list[Customer]], customer: Customer) -> bool:
    """Tell whether another identifier of a kind that is never shared names somebody else."""
    return any(
        customer not in found and any(not c.provisional for c in found)
        for key, found in hits.items()
        if key.kind == "number" or (key.kind == "email" and key.origin != "text")
    )


def _evidence(
    hits: dict[IdentityKey, list[Customer]], chosen: Sequence[Customer], named: normalise.Name
) -> tuple[Evidence, ...]:
    customer = chosen[0] if len(chosen) == 1 else None
    rows = []
    for key, found in hits.items():
        shared = max(0, len(found) - 1)
        agrees = customer is None or customer in found
        weight = (_BITS[key.kind] - 4.0 * shared) if agrees else -_BITS[key.kind] / 2
        level = f"exact ({key.origin})" if agrees else f"names another customer ({key.origin})"
        rows.append(Evidence(field=key.kind, level=level, weight=weight, left=key.value, right=key.value))
    if customer is not None and named.full and customer.name:
        agree = names_agree(named, _name(customer))
        level, weight = ("agrees", 6.0) if agree else ("differs", -4.0)
        rows.append(Evidence(field="name", level=level, weight=weight, left=named.full, right=_name(customer).full))
    return tuple(rows)


def _confidence(evidence: Sequence[Evidence]) -> float:
    """Return the probability of a match: prior odds of one in a thousand candidates, times the likelihood ratios."""
    bits = max(-40.0, min(40.0, sum(e.weight for e in evidence) - 10.0))
    return round(1.0 / (1.0 + math.exp(-bits * math.log(2.0))), 6)


def _review(hits: dict[IdentityKey, list[Customer]], rule: str, evidence: tuple[Evidence, ...]) -> Link:
    ids = tuple(dict.fromkeys(c.id for found in hits.values() for c in found))
    return Link(
        customer_id=None, outcome="review", confidence=round(1 / max(2, len(ids)), 6), rule=rule, evidence=evidence,
        candidates=ids,
    )  # fmt: skip


def _stranger(message: Message, keys: Sequence[IdentityKey]) -> tuple[Link, Customer | None]:
    """Return the provisional customer of an author whom no record knows."""
    own = [k for k in keys if k.origin in _AUTHOR] or [k for k in keys if k.origin == "signature" and k.kind != "order"]
    if not own:
        role = bool(message.author.email)
        return Link(
            customer_id=None, outcome="none", confidence=0.0, rule="role_address" if role else "no_identity"
        ), None
    strongest = own[0]
    customer = Customer(
        id=provisional_id(strongest.key),
        number=next((k.value for k in own if k.kind == "number"), None),
        name=message.author.name if strongest.origin != "forwarded_from" else None,
        emails=tuple(k.value for k in own if k.kind == "email"),
        phones=tuple(k.value for k in own if k.kind == "phone"),
        handles=tuple(k.value for k in own if k.kind == "handle"),
        provisional=True,
    )
    link = Link(
        customer_id=customer.id,
        outcome="provisional",
        confidence=1.0,
        rule=f"new_{strongest.kind}",
        evidence=(Evidence(field=strongest.kind, level=f"unknown ({strongest.origin})", weight=0.0),),
        candidates=(),
    )
    return link, customer


def provisional_id(key: str) -> str:
    """Return the id of the stranger with the identifier *key*: always the same one."""
    return "p-" + hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:20]
