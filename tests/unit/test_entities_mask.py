from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from textcrm.entities import EntityRecogniser
from textcrm.entities.mask import POLICIES, Masker
from textcrm.entities.pseudonym import PSEUDONYM_FILE, REVEAL_FILE, create_keys, read_keys, reveal
from textcrm.errors import SettingsError, UsageError
from textcrm.operations.texts.entities import entities_of, mask_texts, masked
from textcrm.records import EntitySpan

TEXT = "Jorun Vik, card 4111 1111 1111 1111, jorun@example.com; call Jorun Vik."


def span(text: str, piece: str, label: str, value: str | None = None) -> EntitySpan:
    start = text.index(piece)
    return EntitySpan(start=start, end=start + len(piece), label=label, text=piece, source="t", score=0.9, value=value)


SPANS = (
    span(TEXT, "Jorun Vik", "PERSON"),
    span(TEXT, "4111 1111 1111 1111", "CARD"),
    span(TEXT, "jorun@example.com", "EMAIL"),
)


@pytest.fixture(scope="module")
def patterns() -> EntityRecogniser:
    return EntityRecogniser(spacy=False)


def test_each_action() -> None:
    text, spans = Masker({"PERSON": "redact", "CARD": "partial"}).mask(TEXT, SPANS)
    assert text == "[PERSON], card ****1111, jorun@example.com; call [PERSON]."
    assert [(s.label, s.text, text[s.start : s.end]) for s in spans] == [
        ("PERSON", "[PERSON]", "[PERSON]"),
        ("CARD", "****1111", "****1111"),
        ("EMAIL", "jorun@example.com", "jorun@example.com"),
        ("PERSON", "[PERSON]", "[PERSON]"),
    ]
    assert all(s.value is None for s in spans)


def test_a_short_number_is_not_half_given_away() -> None:
    assert Masker({"*": "partial"}).mask("pin 12345", (span("pin 12345", "12345", "TERM"),))[0] == "pin ****"


def test_star_stands_for_the_labels_that_are_not_named() -> None:
    assert Masker({"*": "redact", "EMAIL": "keep"}).mask(TEXT, SPANS)[0].count("[") == 3


def test_overlapping_spans_leave_nothing_behind() -> None:
    spans = (span(TEXT, "Jorun Vik, card", "ORG"), span(TEXT, "Vik, card 4111", "PERSON"))
    assert Masker({"PERSON": "redact"}).mask(TEXT, spans)[0].startswith("Jorun [PERSON] 1111")


def test_a_mark_that_a_customer_wrote_hides_nothing() -> None:
    text = "****4111111111111111"
    assert "1111" not in Masker({"CARD": "redact"}).mask(text, (span(text, "4111111111111111", "CARD"),))[0]


def test_pseudonyms_are_consistent_and_come_back_with_the_second_key(tmp_path: Path) -> None:
    vault: dict[str, str] = {}
    create_keys(tmp_path)
    keys = read_keys(tmp_path / PSEUDONYM_FILE, vault=vault)
    masker = Masker({"PERSON": "pseudonym"}, keys=keys)
    one, _ = masker.mask(TEXT, SPANS)
    two, _ = masker.mask("From Jorun Vik", (span("From Jorun Vik", "Jorun Vik", "PERSON"),))
    token = one.split("_")[1].split("]")[0]
    assert one.count(token) == 2
    assert token in two
    assert reveal(token, vault, tmp_path / REVEAL_FILE) == "jorun vik"
    assert "jorun" not in json.dumps(vault).lower()


def test_keys_are_private_kept_and_told_apart(tmp_path: Path) -> None:
    keys = create_keys(tmp_path)
    assert keys.secret.hex() not in repr(keys)
    for name in (PSEUDONYM_FILE, REVEAL_FILE):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    with pytest.raises(SettingsError, match="already"):
        create_keys(tmp_path)
    with pytest.raises(SettingsError, match="does not hold"):
        read_keys(tmp_path / REVEAL_FILE)
    (tmp_path / PSEUDONYM_FILE).chmod(0o644)
    with pytest.raises(SettingsError, match="open to other"):
        read_keys(tmp_path / PSEUDONYM_FILE)


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    vault: dict[str, str] = {}
    token = create_keys(tmp_path / "a")._replace(vault=vault).token("PERSON", "x")
    create_keys(tmp_path / "b")
    with pytest.raises(UsageError, match="does not open"):
        reveal(token, vault, tmp_path / "b" / REVEAL_FILE)
    with pytest.raises(UsageError, match="does not know"):
        reveal("nothing", vault, tmp_path / "a" / REVEAL_FILE)


@pytest.mark.parametrize("policy", [{"PERSON": "hide"}, {"PERSON": "pseudonym"}])
def test_policies_that_cannot_be(policy: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        Masker(policy)


def test_masking_again_changes_nothing(patterns: EntityRecogniser) -> None:
    masker = Masker(POLICIES["export"])
    texts = ["Hi Anna,\ncall 201-555-0123 or mail a@b.com.\nThanks,\nMr. Tom Ford", "12 High Street, Leeds LS1 4AP"]
    once = mask_texts(texts, patterns, masker)
    assert [text for text, _ in mask_texts([text for text, _ in once], patterns, masker)] == [text for text, _ in once]
    assert all(text[s.start : s.end] == s.text for text, spans in once for s in spans)


def test_a_line_comes_out_for_each_line(patterns: EntityRecogniser) -> None:
    lines = [
        '{"text": "a@b.com"}',
        "no json",
        '{"text": 5}',
        "[]",
        '{"text": ""}',
        "[" * 100_000,
        '{"text": "\\ud800 x@y.com"}',
    ]
    results = list(entities_of(lines, patterns))
    assert [r.place for r in results] == list(range(1, 8))
    assert [bool(r.error) for r in results] == [False, True, True, True, False, True, False]
    assert [e.label for e in results[6].entities] == ["EMAIL"]
    assert [r.error for r in masked(lines, patterns, Masker({"*": "redact"}))] == [r.error for r in results]


def test_lists_of_the_user() -> None:
    recogniser = EntityRecogniser(
        spacy=False, products=["Aqua Pump 3000", "Aqua Pump"], allow=["help@example.com"], deny=["Project Heron"]
    )
    text = "The AQUA  PUMP 3000 and the aqua pump from help@example.com, see project heron; aquapump"
    found = [(e.label, e.text, e.value) for e in recogniser.recognise([text])[0]]
    assert found == [
        ("PRODUCT", "AQUA  PUMP 3000", "Aqua Pump 3000"),
        ("PRODUCT", "aqua pump", "Aqua Pump"),
        ("TERM", "project heron", "Project Heron"),
    ]


def test_unknown_pattern_and_wrong_number_of_languages(patterns: EntityRecogniser) -> None:
    with pytest.raises(UsageError, match="No pattern"):
        EntityRecogniser(patterns=["nope"])
    with pytest.raises(UsageError, match="languages"):
        patterns.recognise(["a"], languages=[])


def test_small_letters_and_shouting_are_read_like_names() -> None:
    recogniser = EntityRecogniser(spacy=False)
    for text in ("my name is tamsin kowalska", "MY NAME IS TAMSIN KOWALSKA AND I AM ANGRY"):
        (person,) = (e for e in recogniser.recognise([text])[0] if e.label == "PERSON")
        assert person.text.lower() == "tamsin kowalska"
        assert person.text in text
