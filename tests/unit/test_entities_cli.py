from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typer
from typer.testing import CliRunner

from textcrm.cli import entities


def run(*arguments: str, given: bytes = b"") -> tuple[int, list[Any], str]:
    app = typer.Typer()
    entities.register(app)
    result = CliRunner().invoke(app, list(arguments), input=given)
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()], result.stderr


def test_one_line_out_for_each_line_in(tmp_path: Path) -> None:
    file = tmp_path / "in.jsonl"
    file.write_bytes(b'{"text": "\xf0\x9f\x98\x80 joe@example.com"}\nbroken\n{"text": "nothing", "id": 1}\n')
    code, lines, remarks = run("entities", str(file), "--json", "--no-spacy")
    assert code == 1
    assert "line 2" in remarks
    assert [list(line) for line in lines] == [["entities"], ["error", "line"], ["entities"]]
    (mail,) = lines[0]["entities"]
    assert (mail["start"], mail["end"], mail["label"], mail["text"]) == (2, 17, "EMAIL", "joe@example.com")


def test_mask_reads_standard_input(tmp_path: Path) -> None:
    given = b'{"text": "joe@example.com, 4111 1111 1111 1111"}\n'
    options = [
        "--json",
        "--no-spacy",
        "--policy",
        "CARD=partial",
        "--policy",
        "EMAIL=pseudonym",
        "--keys",
        str(tmp_path),
    ]
    code, lines, _ = run("mask", "-", *options, given=given)
    assert code == 0
    text = str(lines[0]["text"])
    assert text.startswith("[EMAIL_")
    assert text.endswith("], ****1111")
    assert run("mask", "-", *options, given=given)[1] == lines
    token = text[: text.index("]") + 1]
    code, (told,), _ = run("reveal", token, "--keys", str(tmp_path), "--json")
    assert (code, told) == (0, [{"pseudonym": token, "original": "joe@example.com"}])


def test_wrong_usage_is_said() -> None:
    for arguments in (
        ["mask", "-", "--use", "print"],
        ["mask", "-", "--policy", "CARD"],
        ["entities", "no/such.jsonl"],
    ):
        app = typer.Typer()
        entities.register(app)
        error = CliRunner().invoke(app, arguments).exception
        assert error is not None
        assert type(error).__name__ == "UsageError"
