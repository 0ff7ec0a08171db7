"""Answers about the service itself: models, trends, quarantine, keys, health."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from textcrm.records import Channel
from textcrm_api.answers.base import Answer


class ModelOut(Answer):
    """One version of a model. ``scores`` are its figures on its own held-out data."""

    name: str
    version: str
    active: bool
    task: str
    labels: list[str]
    scores: dict[str, float]


class ModelsOut(Answer):
    """All models."""

    items: list[ModelOut]


class PipelineOut(Answer):
    """How messages of a channel are analysed. ``fingerprint`` names everything that makes an insight."""

    name: str
    channel: Channel
    languages: list[str]
    models: dict[str, str]
    fingerprint: str


class PipelinesOut(Answer):
    """All pipelines that are loaded."""

    items: list[PipelineOut]


class PointOut(Answer):
    """Messages of one period and channel by sentiment; ``net`` in [-1, 1]."""

    start: datetime
    channel: str
    negative: int
    neutral: int
    positive: int
    unknown: int
    total: int
    net: float | None


class TrendsOut(Answer):
    """Points, oldest first."""

    by: Literal["day", "week", "month"]
    items: list[PointOut]


class QuarantinedOut(Answer):
    """One item that could not be taken."""

    id: str
    reason: str
    detail: str
    source: str
    place: int | None
    channel: str
    size: int
    at: datetime
    status: str


class QuarantineOut(Answer):
    """Items in quarantine, newest first."""

    items: list[QuarantinedOut]


class KeyOut(Answer):
    """A key, without its secret."""

    id: str
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    per_second: float | None
    per_day: int | None


class KeysOut(Answer):
    """All keys, newest first."""

    items: list[KeyOut]


class NewKeyOut(Answer):
    """A new key. ``secret`` is shown this once."""

    key: KeyOut
    secret: str


class RotatedKeyOut(Answer):
    """A new key in the place of another. ``secret`` is shown this once; ``old`` works until it expires."""

    key: KeyOut
    secret: str
    old: KeyOut


class AuditEntryOut(Answer):
    """One entry of the audit log. ``about``: ids of what was written, or of the messages whose text was read."""

    number: int
    at: datetime
    who: str
    kind: Literal["read", "write", "alarm"]
    action: str
    about: list[str]
    request_id: str
    mac: str


class AuditOut(Answer):
    """A page of the audit log, newest first; ``next`` is the cursor of the page after."""

    items: list[AuditEntryOut]
    next: str | None


class CheckOut(Answer):
    """One check of the readiness."""

    name: str
    ok: bool
    detail: str


class HealthOut(Answer):
    """The process is alive."""

    status: Literal["ok"]
    version: str


class ReadyOut(Answer):
    """The service can answer. ``waiting``: messages that are stored and not yet analysed."""

    status: Literal["ready"]
    checks: list[CheckOut]
    waiting: int


class ProblemKindOut(Answer):
    """A code that problems carry."""

    code: str
    status: int
    title: str


class ProblemKindsOut(Answer):
    """All codes."""

    items: list[ProblemKindOut]
