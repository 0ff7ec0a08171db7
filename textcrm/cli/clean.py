"""``textcrm clean``: the author's own new text of mail files, and where everything else went."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from textcrm.cli.output import EXIT_SOME_FAILED, console, fail, print_json, say

if TYPE_CHECKING:
    from textcrm.operations.texts.cleaning import CleanedFile
    from textcrm.records import CleanText, Message

# Colours of the parts, and what each is.
STYLES = {
    "own": ("bold", "own new text"),
    "closing": ("bold green", "closing"),
    "signature": ("magenta", "signature"),
    "device": ("magenta dim", "added by a phone or program"),
    "header": ("yellow", "head of a quote"),
    "quoted": ("cyan", "quoted"),
    "forwarded": ("blue", "forwarded"),
    "footer": ("red dim", "footer"),
    "markup": ("bright_black dim", "markup"),
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="clean")(clean)


def clean(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help=".eml, .html or .txt (a plain mail body).")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a file.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Show the parts in colour, with their rules.")] = False,
    author: Annotated[
        str | None, typer.Option("--from", metavar="NAME", help='Author of bodies without From: "Name <address>".')
    ] = None,
) -> None:
    """Show the author's own new text, apart from quotes, signatures and footers."""
    from textcrm.clean import Cleaner  # the language model loads with it
    from textcrm.operations.texts.cleaning import clean_files

    failed = False
    for result in clean_files(files, cleaner=Cleaner(), author=author):
        if result.error is not None or result.clean is None or result.message is None:
            failed = True
            say(f"{result.path}: {result.error}")
            if as_json and result.error is not None:
                print_json({"path": str(result.path), "error": result.error.code, "detail": str(result.error)})
        elif as_json:
            print_json(as_record(result, result.clean))
        else:
            _show(result.path, result.message, result.clean, explain=explain)
    if failed:
        raise fail(EXIT_SOME_FAILED)


def as_record(result: CleanedFile, cleaned: CleanText) -> dict[str, Any]:
    """Return what ``--json`` prints of one file."""
    return {
        "path": str(result.path),
        "text": cleaned.text,
        "closing": cleaned.closing,
        "signature": cleaned.signature,
        "quoted": cleaned.quoted,
        "language": cleaned.language.code,
        "kind": cleaned.kind,
        "flags": list(cleaned.flags),
    }


def _show(path: Path, message: Message, cleaned: CleanText, *, explain: bool) -> None:
    out = console()
    out.rule(Text(f"{path.name}  {cleaned.kind}  {cleaned.language.code}"), align="left")
    if not explain:
        out.print(Text(cleaned.text))
        return
    body = Text()
    for part in cleaned.parts:
        body.append(_printable(message.text[part.start : part.end]), style=STYLES[part.kind][0])
    out.print(body)
    out.rule(style="dim")
    for kind, rule in dict.fromkeys((part.kind, part.rule) for part in cleaned.parts):
        style, words = STYLES[kind]
        out.print(Text.assemble((f"{words:<28}", style), f" rule: {rule}"))
    for flag in cleaned.flags:
        out.print(Text(f"flag: {flag}", style="yellow"))


def _printable(text: str) -> str:
    """Control characters of a mail must not drive the terminal."""
    return "".join(char if char.isprintable() or char in "\n\t" else "\N{REPLACEMENT CHARACTER}" for char in text)
