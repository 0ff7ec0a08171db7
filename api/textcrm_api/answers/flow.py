"""Answers about what flows in and out: webhooks, jobs, events."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from textcrm_api.answers.base import Answer


class HookTakenOut(Answer):
    """What became of the messages in a body that was posted: all of them are stored, here or in the quarantine."""

    stored: int
    duplicates: int
    quarantined: int


class JobFilterOut(Answer):
    """Which messages a job takes; None: all."""

    channel: str | None
    intent: str | None
    sentiment: str | None
    urgency: str | None
    customer: str | None
    language: str | None
    kind: str | None
    link: str | None
    product: str | None
    since: datetime | None
    until: datetime | None
    stale: bool


class JobOut(Answer):
    """A job. ``matched`` messages fitted at first; ``left`` are still to do, in about ``seconds_left``."""

    id: str
    state: Literal["waiting", "running", "done", "cancelled"]
    filter: JobFilterOut
    by: str
    created_at: datetime
    ended_at: datetime | None
    matched: int
    done: int
    failed: int
    left: int
    seconds_left: float | None


class JobsOut(Answer):
    """Jobs, newest first."""

    items: list[JobOut]


class WebhookOut(Answer):
    """A webhook. ``waiting`` results are not taken yet; ``problem`` is of the last delivery."""

    name: str
    url: str
    created_at: datetime
    waiting: int
    problem: str


class WebhooksOut(Answer):
    """All webhooks by name."""

    items: list[WebhookOut]


class NewWebhookOut(Answer):
    """A new webhook. ``secret`` signs what it is sent, and is shown this once."""

    webhook: WebhookOut
    secret: str


class WebhookTriedOut(Answer):
    """What came of a test delivery. ``status`` is the receiver's; None where it did not answer, and ``problem`` why."""

    taken: bool
    status: int | None
    problem: str
