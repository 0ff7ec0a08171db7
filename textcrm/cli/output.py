"""What the commands print: JSON or tables on standard output, progress and remarks on standard error."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

LEAST_CUT, LEAST_FIXED = 20, 6  # characters that the column that gives way keeps, and that others keep after it
EXIT_DONE, EXIT_SOME_FAILED, EXIT_USAGE = 0, 1, 2


def console() -> Console:
    """Return the console on standard output."""
    return Console(highlight=False)


def err() -> Console:
    """Return the console on standard error."""
    return Console(stderr=True, highlight=False)


def say(text: str) -> None:
    """Print one remark for a person on standard error. Nothing in it is read as markup."""
    err().print(Text(text))


def log_to_stderr() -> None:
    """Send what the program logs to standard error: time, level, text. Logs hold ids, never texts."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")


def print_json(value: Any) -> None:
    """Print one JSON value on one line. Lone surrogates are escaped, so that the line is always valid UTF-8."""
    line = json.dumps(value, ensure_ascii=False, default=str, allow_nan=False)
    try:
        line.encode("utf-8")
    except UnicodeEncodeError:
        line = json.dumps(value, ensure_ascii=True, default=str, allow_nan=False)
    sys.stdout.write(line + "\n")


def print_table(
    title: str, columns: Iterable[str], rows: Iterable[Iterable[object]], *, cut: str | None = None
) -> None:
    """Print a table. Cells are plain text, never markup. The column *cut* gives way where the terminal is narrow."""
    names = list(columns)
    cells = [[c if isinstance(c, Text) else Text(_visible(str(c))) for c in row] for row in rows]
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=SIMPLE_HEAD)
    screen = console()
    widths = [max([len(name), *(row[i].cell_len for row in cells)]) for i, name in enumerate(names)]
    if cut is not None:
        widths = _fitted(widths, names.index(cut), screen.width - 3 * len(names))
    for name, width in zip(names, widths, strict=True):
        if cut is None:
            table.add_column(name, overflow="fold")
        else:
            table.add_column(name, no_wrap=True, overflow="ellipsis", width=width)
    for row in cells:
        table.add_row(*row)
    screen.print(table)


def _fitted(widths: list[int], cut: int, room: int) -> list[int]:
    """Return widths that fit into *room*: the column *cut* gives way first, then the widest of the others."""
    fitted = list(widths)
    while sum(fitted) > room:
        others = [i for i in range(len(fitted)) if i != cut]
        widest = max(others, key=lambda i: fitted[i], default=cut)
        gives = cut if fitted[cut] > LEAST_CUT or fitted[widest] <= LEAST_FIXED else widest
        if fitted[gives] <= 1:
            break
        fitted[gives] -= 1
    return fitted


def _visible(text: str) -> str:
    """Replace control characters, so that a message cannot drive the terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)


@contextmanager
def progress(label: str, total: int | None = None) -> Iterator[ProgressStep]:
    """Show a progress bar on standard error; quiet where that is not a terminal."""
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=err(),
        transient=True,
    )
    with bar:
        task = bar.add_task(label, total=total)
        yield ProgressStep(bar, task)


class ProgressStep:
    """Callable given to operations: ``step(n)`` says that *n* more items are done."""

    def __init__(self, bar: Progress, task: Any) -> None:
        self._bar = bar
        self._task = task

    def __call__(self, advance: int = 1, *, total: int | None = None) -> None:
        """Advance the bar by *advance* items; *total* corrects the length."""
        if total is not None:
            self._bar.update(self._task, total=total)
        self._bar.advance(self._task, advance)


def fail(code: int) -> typer.Exit:
    """Return the exit to raise with *code*."""
    return typer.Exit(code)
