"""Which messages are one conversation.

The rule is conservative; a message that may be of another thread is left out:

1. Headers decide. Messages are of one thread where one names the other in ``References`` or ``In-Reply-To``, or both
   name a third, followed to the end. Only messages on the channel of the first count.
2. Where a message names nothing that is known, and nothing names it, a subject joins it: it must begin as a reply does
   (``Re:``, ``AW:``), be the same without that as the subject of an earlier message by the same customer (linked, or
   provisional by the same identifier) and come within 30 days of it. A subject of one short word joins nothing.

The thread is named by its oldest message.

References
----------
RFC 5322, 3.6.4 (Message-ID, In-Reply-To, References). J. Zawinski, "message threading", 1997 (subjects as the last
resort).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from textcrm.records import Message
from textcrm.store import Store

MOST_MESSAGES = 200
MOST_IDS = 400
APART = timedelta(days=30)
LEAST_SUBJECT = 8
_REPLY = re.compile(
    r"\s{0,5}(?:re|aw|sv|vs|antw|antwort|rv|res|ref|odp|rif|r)\s?(?:\[\d{1,3}\])?\s?[:\uff1a]", re.IGNORECASE
)


@dataclass(frozen=True)
class Thread:
    """A conversation: ``id`` is that of its oldest message, ``rule`` what joined it, ``messages`` oldest first."""

    id: str
    rule: str
    messages: tuple[Message, ...]


def thread_of(store: Store, message: Message) -> Thread:
    """Return the thread of a stored message; a message alone is a thread of one."""
    found = _by_headers(store, message)
    rule = "headers"
    if len(found) == 1:
        found = _by_subject(store, message)
        rule = "subject"
    messages = tuple(sorted(found.values(), key=lambda m: (_time(m), m.id)))
    return Thread(messages[0].id, rule if len(messages) > 1 else "alone", messages)


def bare_subject(subject: str | None) -> tuple[str, bool]:
    """Return a subject without what a reply puts before it, folded, and whether there was such."""
    rest, replied = (subject or "")[:400], False
    while match := _REPLY.match(rest):
        rest, replied = rest[match.end() :], True
    return " ".join(rest.casefold().split()), replied


def _by_headers(store: Store, message: Message) -> dict[str, Message]:
    found, asked, wanted = {message.id: message}, set[str](), set(_named([message]))
    while wanted - asked and len(found) < MOST_MESSAGES and len(asked) < MOST_IDS:
        step = sorted(wanted - asked)[:100]
        asked |= set(step)
        more = [m for m in store.messages.naming(step, limit=MOST_MESSAGES) if m.channel == message.channel]
        new = [m for m in more if m.id not in found]
        found |= {m.id: m for m in new[: MOST_MESSAGES - len(found)]}
        wanted |= set(_named(new))
    return found


def _named(messages: Iterable[Message]) -> Iterable[str]:
    for message in messages:
        yield from (i for i in (message.message_id, *message.in_reply_to, *message.references[-50:]) if i)


def _by_subject(store: Store, message: Message) -> dict[str, Message]:
    alone = {message.id: message}
    subject, replied = bare_subject(message.subject)
    insight = store.insights.get_many([message.id]).get(message.id)
    customer = insight.link.customer_id if insight is not None and insight.link is not None else None
    if customer is None or len(subject) < LEAST_SUBJECT or " " not in subject:
        return alone
    ids = [i.message_id for i in store.insights.of_customer(customer, limit=MOST_MESSAGES)]
    same = [
        m
        for m in store.messages.get_many(ids).values()
        if m.channel == message.channel and bare_subject(m.subject)[0] == subject and m.id != message.id
    ]
    joined = sorted([*same, message], key=lambda m: (_time(m), m.id))
    # runs of messages of which each but the first is a reply and comes soon after the one before
    run: list[Message] = []
    for m in joined:
        if run and not (bare_subject(m.subject)[1] and _time(m) - _time(run[-1]) <= APART):
            if message.id in {r.id for r in run}:
                break
            run = []
        run.append(m)
    return {m.id: m for m in run} if message.id in {r.id for r in run} and (replied or len(run) > 1) else alone


def _time(message: Message) -> datetime:
    return message.sent_at or message.received_at
