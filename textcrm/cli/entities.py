"""``textcrm entities`` and ``textcrm mask``: what the lines of a file name, and the lines with it masked."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from textcrm.cli import output
from textcrm.cli.arguments import JSON_HELP, pairs
from textcrm.errors import UsageError
from textcrm.settings import read_settings

if TYPE_CHECKING:
    from textcrm.entities import EntityRecogniser
    from textcrm.entities.pseudonym import PseudonymKeys
    from textcrm.operations.texts.entities import Line

_FILE = Annotated[
    str, typer.Argument(help='JSONL, {"text": ...} a line, perhaps with "language"; - is standard input.')
]
_REGION = Annotated[str | None, typer.Option(help="Country whose phone and date habits apply, e.g. GB.")]
_PRODUCTS = Annotated[Path | None, typer.Option(help="Names of your products, one a line.")]
_FORMAT = Annotated[
    list[str] | None,
    typer.Option(
        "--format", help="LABEL=SHAPE of your own numbers, e.g. ORDER=ORD-######: # a digit, @ a letter, * either."
    ),
]
_NO_SPACY = Annotated[bool, typer.Option("--no-spacy", help="Patterns only: fast, without the language model.")]
_JSON = Annotated[bool, typer.Option("--json", help=JSON_HELP)]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("entities")(entities)
    app.command("mask")(mask)
    app.command("reveal")(reveal)


def entities(
    file: _FILE,
    region: _REGION = None,
    products: _PRODUCTS = None,
    formats: _FORMAT = None,
    no_spacy: _NO_SPACY = False,
    json: _JSON = False,
) -> None:
    """Find names, addresses, numbers, dates and the like in each line of a file."""
    from textcrm.operations.texts.entities import entities_of

    recogniser = _recogniser(region, products, formats, spacy=not no_spacy)
    with _lines(file) as lines:
        _print(entities_of(lines, recogniser), as_json=json, with_text=False)


def mask(
    file: _FILE,
    policy: Annotated[
        list[str] | None,
        typer.Option(help="LABEL=ACTION: keep, redact, partial or pseudonym; * is for all other labels."),
    ] = None,
    use: Annotated[str, typer.Option(help="What the masked text is for: export, answers, storage or logs.")] = "export",
    keys: Annotated[Path | None, typer.Option(help="Folder of the pseudonym keys; made if it is empty.")] = None,
    region: _REGION = None,
    products: _PRODUCTS = None,
    formats: _FORMAT = None,
    no_spacy: _NO_SPACY = False,
    json: _JSON = False,
) -> None:
    """Mask what must not be seen in each line of a file."""
    from textcrm.entities.mask import POLICIES, Masker
    from textcrm.operations.texts.entities import masked

    if use not in POLICIES:
        raise UsageError(f"There is no use {use[:32]!r}", options=sorted(POLICIES))
    masker = Masker({**POLICIES[use], **pairs(policy or [], option="--policy")}, keys=_keys(keys))
    recogniser = _recogniser(region, products, formats, spacy=not no_spacy)
    with _lines(file) as lines:
        _print(masked(lines, recogniser, masker), as_json=json, with_text=True)


def reveal(
    tokens: Annotated[list[str], typer.Argument(help="Pseudonyms, as [PERSON_k3x...] or the part behind the _.")],
    keys: Annotated[Path | None, typer.Option(help="Folder with reveal.key and originals.txt.")] = None,
    json: _JSON = False,
) -> None:
    """Turn pseudonyms back; only who holds reveal.key can."""
    from textcrm.entities import pseudonym
    from textcrm.entities.rules import KEYS_FOLDER

    folder = keys or read_settings().home / KEYS_FOLDER
    vault = pseudonym.Vault(folder)
    rows = [
        (t, pseudonym.reveal(t.strip("[]").rpartition("_")[2], vault, folder / pseudonym.REVEAL_FILE)) for t in tokens
    ]
    if json:
        output.print_json([{"pseudonym": token, "original": original} for token, original in rows])
    else:
        output.print_table("Pseudonyms", ("pseudonym", "original"), rows)


def _recogniser(
    region: str | None, products: Path | None, formats: list[str] | None, *, spacy: bool
) -> EntityRecogniser:
    from textcrm.entities import EntityRecogniser

    names: list[str] = []
    if products is not None:
        try:
            names = [line.strip() for line in products.read_text(encoding="utf-8").splitlines() if line.strip()]
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"The list {products.name} cannot be read", hint="UTF-8, one name a line.") from error
    chosen = (region or read_settings().region).upper()
    return EntityRecogniser(spacy=spacy, region=chosen, products=names, formats=pairs(formats or [], option="--format"))


def _keys(folder: Path | None) -> PseudonymKeys | None:
    from textcrm.entities.pseudonym import PSEUDONYM_FILE, Vault, create_keys, read_keys

    if folder is None:
        return None
    if not (folder / PSEUDONYM_FILE).exists():
        output.say(f"New pseudonym keys in {folder}; keep reveal.key where only those are who may turn tokens back.")
        create_keys(folder)
    return read_keys(folder / PSEUDONYM_FILE, vault=Vault(folder))


@contextmanager
def _lines(file: str) -> Iterator[Iterable[str]]:
    """Open *file* (``-``: standard input) as lines of UTF-8; bytes that are none become U+FFFD."""
    if file == "-":
        yield io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig", errors="replace", newline="\n")
        return
    path = Path(file)
    if not path.is_file():
        raise UsageError(f"There is no file {path.name}", hint="Name a JSONL file, or - for standard input.")
    with path.open(encoding="utf-8-sig", errors="replace", newline="\n") as stream:
        yield stream


def _print(lines: Iterable[Line], *, as_json: bool, with_text: bool) -> None:
    failed = 0
    with output.progress("Reading") as step:
        for line in lines:
            if line.error:
                failed += 1
                output.say(f"line {line.place}: {line.error}")
            if as_json:
                output.print_json(_as_dict(line, with_text=with_text))
            elif line.error is None:
                _show(line, with_text=with_text)
            step(1)
    if failed:
        output.say(f"{failed:,} lines could not be read.")
        raise output.fail(output.EXIT_SOME_FAILED)


def _as_dict(line: Line, *, with_text: bool) -> dict[str, Any]:
    if line.error:
        return {"error": line.error, "line": line.place}
    found = [
        {"start": e.start, "end": e.end, "label": e.label, "text": e.text, "source": e.source, "score": e.score}
        | ({"value": e.value} if e.value is not None else {})
        for e in line.entities
    ]
    return {"text": line.text, "entities": found} if with_text else {"entities": found}


def _show(line: Line, *, with_text: bool) -> None:
    if with_text:
        output.print_table(f"Line {line.place}", ("text",), [(line.text,)])
    else:
        rows = [(e.label, e.text, e.value or "", e.source, f"{e.score:.2f}") for e in line.entities]
        output.print_table(f"Line {line.place}", ("kind", "text", "value", "found by", "score"), rows)
