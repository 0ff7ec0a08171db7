"""Merge, split, confirm, reject and undo, in any order: the state is that of the decisions that were not undone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from textcrm.link.decisions import KINDS, Decision, Standing
from textcrm.records import Link

CUSTOMERS = [f"c{i}" for i in range(5)]
MESSAGES = [f"m{i}" for i in range(8)]
START = {m: Link(customer_id=CUSTOMERS[i % 5], outcome="linked", confidence=0.99) for i, m in enumerate(MESSAGES)}
steps = st.lists(
    st.tuples(
        st.sampled_from(KINDS),
        st.sampled_from(CUSTOMERS),
        st.sampled_from(CUSTOMERS),
        st.lists(st.sampled_from(MESSAGES), max_size=3, unique=True),
        st.booleans(),
    ),
    max_size=12,
)


def made(step: tuple[str, str, str, list[str], bool], number: int) -> Decision:
    kind, customer, other, messages, undone = step
    return Decision.model_validate(
        {
            "id": f"d{number:03}",
            "kind": kind,
            "customer": customer,
            "other": other if kind in ("merge", "split") and other != customer else None,
            "messages": tuple(messages),
            "by": "ann",
            "at": datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number),
            "undone": undone,
        }
    )


def state(decisions: list[Decision]) -> dict[str, Link]:
    standing = Standing(decisions)
    return {message: standing.apply(message, link) for message, link in START.items()}


@given(steps)
def test_undone_steps_leave_no_trace(taken: list[tuple[str, str, str, list[str], bool]]) -> None:
    decisions = [made(step, number) for number, step in enumerate(taken)]
    after = state(decisions)
    assert after == state([d for d in decisions if not d.undone])
    assert after == state(decisions[::-1])  # order of reading does not matter; order of making does


@given(steps)
def test_no_message_is_lost_or_doubled_and_linking_again_changes_nothing(
    taken: list[tuple[str, str, str, list[str], bool]],
) -> None:
    decisions = [made(step, number) for number, step in enumerate(taken)]
    after = state(decisions)
    assert after.keys() == START.keys()
    for link in after.values():
        assert (link.customer_id is None) == (link.outcome == "none")
        assert link.customer_id is None or link.customer_id in CUSTOMERS
    assert state([d.model_copy(update={"undone": True}) for d in decisions]) == START
    standing = Standing(decisions)
    assert all(standing.customer(standing.customer(c)) == standing.customer(c) for c in CUSTOMERS)


@given(steps, st.sampled_from(CUSTOMERS), st.sampled_from(CUSTOMERS))
def test_the_last_merge_joins_its_customers(taken: list[tuple[str, str, str, list[str], bool]], a: str, b: str) -> None:
    decisions = [made(step, number) for number, step in enumerate(taken)]
    standing = Standing([*decisions, made(("merge", a, b, [], False), 99)])
    assert standing.customer(a) == standing.customer(b)
