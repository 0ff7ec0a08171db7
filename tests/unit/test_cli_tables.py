"""Tables in the terminal: one line a row, whatever the width."""

from __future__ import annotations

import pytest

from textcrm.cli import output


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_a_row_stays_on_its_line(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    rows = [("f7849439", "critical", "a product that is defective", "Dana Ruiz of Harbour Kitchen", "word " * 40)] * 3
    output.print_table("Messages", ("id", "urgency", "wants", "customer", "message"), rows, cut="message")
    lines = capsys.readouterr().out.rstrip().splitlines()
    assert len(lines) == 3 + 4  # title, an empty line, the head, its rule
    assert max(map(len, lines)) <= width
    assert all("word word" in line for line in lines[4:])


def test_control_characters_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table("Messages", ("id", "message"), [("1", "a\x1b[2Jb")], cut="message")
    assert "\x1b" not in capsys.readouterr().out
