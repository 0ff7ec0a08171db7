"""Threads: by headers first, by subject and customer where there are none; conservative. On the real database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.factories import NOON, insight, message
from textcrm.operations.links.threads import bare_subject, thread_of
from textcrm.records import Link, Message
from textcrm.store import Store


def keep(store: Store, *messages: Message, customer: str | None = "a") -> None:
    """Store messages as analysed."""
    store.messages.add(messages)
    claim = store.messages.claim("test", limit=50, lease=timedelta(minutes=1))
    link = Link(customer_id=customer, outcome="linked" if customer else "none", confidence=0.9)
    store.insights.complete(claim, [insight(m, link=link) for m in claim.messages])


def mail(text: str, day: int = 0, **fields: object) -> Message:
    return message(text, channel="email", sent_at=NOON + timedelta(days=day), **fields)


def members(store: Store, of: Message) -> list[str]:
    return [m.text for m in thread_of(store, of).messages]


def test_headers_join_whatever_the_order_of_arrival(store: Store) -> None:
    first = mail("one", message_id="<1@x>")
    second = mail("two", 1, message_id="<2@x>", in_reply_to=("<1@x>",))
    third = mail("three", 2, message_id="<3@x>", references=("<1@x>", "<2@x>"))
    lost = mail("four", 3, message_id="<4@x>", references=("<0@x>", "<3@x>"))
    other = mail("other", 3, message_id="<9@x>", references=("<8@x>",))
    keep(store, lost, third, other, first, second)
    for of in (first, second, third, lost):
        assert members(store, of) == ["one", "two", "three", "four"]
        assert thread_of(store, of).id == first.id
    assert members(store, other) == ["other"]
    assert thread_of(store, other).rule == "alone"


def test_two_that_name_a_third_are_of_one_thread(store: Store) -> None:
    left, right = (mail(text, message_id=f"<{text}@x>", references=("<gone@x>",)) for text in ("left", "right"))
    keep(store, left, right)
    assert len(members(store, left)) == 2


def test_a_subject_joins_only_replies_of_one_customer_soon_after(store: Store) -> None:
    first = mail("one", subject="Broken kettle lid")
    reply = mail("two", 2, subject="AW: Re: broken  kettle lid")
    anew = mail("three", 4, subject="Broken kettle lid")
    late = mail("four", 60, subject="Re: Broken kettle lid")
    keep(store, first, reply, anew, late)
    keep(store, mail("stranger", 1, subject="Re: Broken kettle lid"), customer="b")
    assert members(store, reply) == ["one", "two"] == members(store, first)
    assert members(store, anew) == ["three"]
    assert members(store, late) == ["four"]


def test_a_short_subject_or_no_customer_joins_nothing(store: Store) -> None:
    keep(store, mail("one", subject="Order"), mail("two", 1, subject="Re: Order"))
    unknown = mail("four", 1, subject="Re: Broken kettle lid")
    keep(store, mail("three", subject="Broken kettle lid"), unknown, customer=None)
    assert members(store, mail("two", 1, subject="Re: Order")) == ["two"]
    assert members(store, unknown) == ["four"]


@pytest.mark.parametrize(
    ("subject", "bare", "replied"),
    [
        ("Re: Order", "order", True),
        ("RE[2]: AW: Order late", "order late", True),
        ("Regarding: order", "regarding: order", False),
        ("Refund", "refund", False),
        (None, "", False),
        ("Re: " * 200, "", True),
    ],
)
def test_what_a_reply_puts_before_a_subject_is_taken_off(subject: str | None, bare: str, replied: bool) -> None:
    assert bare_subject(subject) == (bare, replied)
