"""Answers about what flows in and out: webhooks, jobs, events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from textcrm_api.answers.base import Answer


class HookTakenOut(Answer):
    """What became of the messages in a body that was posted: all of them are stored, here or in the quarantine."""

    stored: int
    duplicates: int
    quarantined: int


class WebhookOut(Answer):
    """A webhook. ``waiting`` results are not taken yet; ``problem`` is of the last delivery."""

    name: str
    url: str
    created_at: datetime
    waiting: int
    problem: str


class WebhooksOut(Answer):
    """All webhooks by name."""

    items: Sequence[WebhookOut]


class NewWebhookOut(Answer):
    """A new webhook. ``secret`` signs what it is sent, and is shown this once."""

    webhook: WebhookOut
    secret: str


class WebhookTriedOut(Answer):
    """What came of a test delivery. ``status`` is the receiver's; None where it did not answer, and ``problem`` why."""

    taken: bool
    status: int | None
    problem: str
