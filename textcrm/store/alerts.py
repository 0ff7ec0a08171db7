"""Alerts: what people want to be told of, and what was told."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from textcrm.errors import NotFoundError
from textcrm.store.codec import Document

What = Literal["volume", "net", "topic", "intent"]
WHATS: tuple[What, ...] = ("volume", "net", "topic", "intent")


@dataclass(frozen=True)
class Rule:
    """What to watch: all messages, the net sentiment, topics or intents (one, or any), of a channel or all.

    ``mails`` and ``hook``, the name of a webhook, are told beside the page.
    """

    id: str
    what: What
    key: str | None
    channel: str | None
    mails: tuple[str, ...]
    hook: str | None
    by: str
    problem: str = ""


@dataclass(frozen=True)
class Alert:
    """Something moved: messages and net sentiment of the week and of four weeks before it; ``key`` '' is all."""

    id: str
    rule: str
    what: What
    key: str
    channel: str | None
    measure: Literal["volume", "net"]
    before: float
    after: float
    since: datetime
    until: datetime
    at: datetime


class Alerts:
    """The rules and the alerts."""

    def __init__(self, database: Database[Document], now: Callable[[], datetime]) -> None:
        self._rules = database["alert_rules"]
        self._told = database["alerts"]
        self._now = now

    def add(
        self, what: What, *, key: str | None, channel: str | None, mails: Sequence[str], hook: str | None, by: str
    ) -> Rule:
        """Keep a rule."""
        document: Document = {
            "_id": f"a{secrets.token_hex(4)}",
            "what": what,
            "key": key,
            "channel": channel,
            "mails": list(mails),
            "hook": hook,
            "by": by,
            "at": self._now(),
            "checked": None,
            "problem": "",
        }
        self._rules.insert_one(document)
        return _rule(document)

    def remove(self, rule_id: str) -> None:
        """Watch no longer.

        Raises
        ------
        NotFoundError
            There is no such rule.
        """
        if not self._rules.delete_one({"_id": {"$eq": rule_id}}).deleted_count:
            raise NotFoundError(f"There is no alert rule {rule_id[:32]!r}", hint="See: textcrm alerts list.")

    def rules(self) -> tuple[Rule, ...]:
        """Return the rules, oldest first."""
        return tuple(_rule(d) for d in self._rules.find().sort("at", 1))

    def due(self, every: timedelta) -> Rule | None:
        """Take a rule that was not checked for so long; of several that ask, one gets it."""
        now = self._now()
        late = {"$or": [{"checked": None}, {"checked": {"$lt": now - every}}]}
        found = self._rules.find_one_and_update(late, {"$set": {"checked": now}}, sort=[("checked", 1)])
        return None if found is None else _rule(found)

    def note(self, rule_id: str, problem: str) -> None:
        """Keep what went wrong at the last try to tell; '' for nothing."""
        self._rules.update_one({"_id": rule_id}, {"$set": {"problem": problem}})

    def tell(self, rule: Rule, key: str, measure: str, **fields: Any) -> Alert | None:
        """Keep an alert; None where the same was told of a week that this one overlaps."""
        since: datetime = fields["since"]
        same = {"rule": rule.id, "key": key, "measure": measure, "until": {"$gt": since}}
        if self._told.find_one(same) is not None:
            return None
        document: Document = {
            "_id": f"{rule.id}.{secrets.token_hex(6)}",
            "rule": rule.id,
            "what": rule.what,
            "key": key,
            "channel": rule.channel,
            "measure": measure,
            "at": self._now(),
            **fields,
        }
        try:
            self._told.insert_one(document)
        except DuplicateKeyError:
            return None
        return _alert(document)

    def told(self, *, limit: int = 50) -> tuple[Alert, ...]:
        """Return the alerts, newest first."""
        return tuple(_alert(d) for d in self._told.find().sort([("at", -1), ("_id", -1)]).limit(limit))


def _rule(d: Document) -> Rule:
    return Rule(d["_id"], d["what"], d["key"], d["channel"], tuple(d["mails"]), d["hook"], d["by"], d["problem"])


def _alert(d: Document) -> Alert:
    return Alert(
        d["_id"],
        d["rule"],
        d["what"],
        d["key"],
        d["channel"],
        d["measure"],
        d["before"],
        d["after"],
        d["since"],
        d["until"],
        d["at"],
    )
