"""A short run of the mail fuzzer; the long one is ``python -m tests.tools.fuzz_mail --minutes 10``."""

from __future__ import annotations

from tests.tools.fuzz_mail import run


def test_mutated_mails_break_nothing() -> None:
    tried, failures = run(seconds=20, seed=20260901, at_most=300)
    assert tried
    assert [why for why, _ in failures] == []
