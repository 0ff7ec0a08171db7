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
START |= {
    "waits": Link(customer_id=None, outcome="review", confidence=0.5, candidates=("c0", "c1")),
    "stranger": Link(customer_id="p-1", outcome="provisional", confidence=1.0),
    "nobody": Link(customer_id=None, outcome="none", confidence=0.0),
}
steps = st.lists(
    st.tuples(
        st.sampled_from(KINDS),
        st.sampled_from([*CUSTOMERS, "p-1"]),
        st.sampled_from(CUSTOMERS),
        st.lists(st.sampled_from([*START]), max_size=3, unique=True),
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
        assert (link.customer_id is None) == (link.outcome in ("none", "review"))
        assert link.customer_id is None or link.customer_id in (*CUSTOMERS, "p-1")
    assert state([d.model_copy(update={"undone": True}) for d in decisions]) == START
    standing = Standing(decisions)
    assert all(standing.customer(standing.customer(c)) == standing.customer(c) for c in CUSTOMERS)


@given(steps, st.lists(st.integers(0, 11), max_size=12))
def test_taking_steps_and_taking_them_back_in_any_order(
    taken: list[tuple[str, str, str, list[str], bool]], back: list[int]
) -> None:
    # each step is made; after each, one made before is taken back: only what stands at the end counts
    made_so_far: list[Decision] = []
    for number, step in enumerate(taken):
        made_so_far.append(made((*step[:4], False), number))
        if number < len(back) and back[number] < len(made_so_far):
            place = back[number]
            made_so_far[place] = made_so_far[place].model_copy(update={"undone": True})
            state(made_so_far)
    never = [decision for decision in made_so_far if not decision.undone]
    assert state(made_so_far) == state(never)
    assert state(made_so_far).keys() == START.keys()


@given(steps, st.sampled_from(CUSTOMERS), st.sampled_from(CUSTOMERS))
def test_the_last_merge_joins_its_customers(taken: list[tuple[str, str, str, list[str], bool]], a: str, b: str) -> None:
    decisions = [made(step, number) for number, step in enumerate(taken)]
    standing = Standing([*decisions, made(("merge", a, b, [], False), 99)])
    assert standing.customer(a) == standing.customer(b)
