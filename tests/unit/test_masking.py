"""Texts and records masked by the rules of their channel."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.factories import message
from textcrm.clean import Cleaner
from textcrm.entities import EntityRecogniser
from textcrm.entities.mask import Purpose
from textcrm.entities.pseudonym import REVEAL_FILE, Vault, reveal
from textcrm.entities.rules import KEYS_FOLDER, Masking
from textcrm.errors import SettingsError
from textcrm.operations.texts.masking import mask_records, mask_stored, mask_text
from textcrm.records import Author, Evidence, Insight, IntentSpan, Language, Link, Message
from textcrm.specs import PipelineSpec

CARD, IBAN, MAIL = "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00", "jorun@example.com"
OWN = f"Please refund my card {CARD} or to {IBAN}. Write to {MAIL}."
REPLY = f"{OWN}\n\nOn Mon, 2 Feb 2026, Desk <desk@example.org> wrote:\n> Was it the card {CARD}?\n"
READER = EntityRecogniser(spacy=False)


def rules(home: Path | None = None, **mask: object) -> Masking:
    spec = PipelineSpec.model_validate({"schema": 1, "name": "mail", "channel": "email", "mask": mask})
    return Masking({"email": (spec, READER)}, home=home)


def known(of: Message) -> Insight:
    """The insight that the engine would make, without its models."""
    clean = Cleaner().clean(of)
    spans = []
    for span in READER.recognise([clean.text])[0]:
        start, end = clean.offsets.to_raw(span.start, span.end)
        spans.append(span.model_copy(update={"start": start, "end": end}))
    start = of.text.index("Write")
    return Insight(
        message_id=of.id,
        channel="email",
        made_at=of.received_at,
        pipeline="p",
        language=Language(code="en", confidence=0.9, supported=True),
        kind="request",
        clean=clean.text,
        entities=tuple(spans),
        predictions=(),
        intents=(IntentSpan(start=start, end=start + 5, label="contact", confidence=0.8),),
        parts=clean.parts,
        link=Link(
            customer_id="c", outcome="linked", confidence=0.9,
            evidence=(Evidence(field="email", level="exact", weight=9.0, left=MAIL, right=MAIL),),
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("purpose", "shown", "hidden"),
    [
        ("storage", (IBAN, MAIL), (CARD,)),
        ("answers", (MAIL,), (CARD, IBAN)),
        ("export", (), (CARD, IBAN, MAIL)),
        ("logs", (), (CARD, IBAN, MAIL)),
    ],
)
def test_each_purpose_hides_its_own(purpose: Purpose, shown: tuple[str, ...], hidden: tuple[str, ...]) -> None:
    text, _ = mask_text(REPLY, (), "email", purpose, masking=rules())
    assert all(value in text for value in shown)
    assert not any(value in text for value in hidden)
    assert mask_text(text, (), "email", purpose, masking=rules())[0] == text


def test_a_channel_adds_rules_by_purpose() -> None:
    masking = rules(answers={"EMAIL": "redact", "IBAN": "keep"})
    text, _ = mask_text(OWN, (), "email", "answers", masking=masking)
    assert text == f"Please refund my card ****1111 or to {IBAN}. Write to [EMAIL]."
    assert MAIL in mask_text(OWN, (), "email", "storage", masking=masking)[0]


def test_offsets_of_the_insight_follow_the_text() -> None:
    before = message(REPLY, channel="email")
    after, insight = mask_records(before, known(before), "answers", masking=rules())
    assert insight is not None
    assert CARD not in after.text + insight.clean
    assert IBAN not in after.text + insight.clean
    assert [after.text[e.start : e.end] for e in insight.entities] == [e.text for e in insight.entities]
    assert {e.label: e.text for e in insight.entities}["CARD"] == "****1111"
    assert all(e.value is None for e in insight.entities if e.label in {"CARD", "IBAN"})
    assert [after.text[i.start : i.end] for i in insight.intents] == ["Write"]
    assert [p.kind for p in insight.parts] == [p.kind for p in known(before).parts]
    assert (insight.parts[0].start, insight.parts[-1].end) == (0, len(after.text))
    assert all(a.end == b.start for a, b in zip(insight.parts, insight.parts[1:], strict=False))
    assert after.text[insight.parts[0].start : insight.parts[0].end].startswith("Please refund my card ****1111")


def test_who_wrote_is_hidden_as_what_they_wrote_but_kept_in_the_database() -> None:
    author = Author(name="Jorun Vik", email=MAIL)
    before = message(OWN, channel="email", author=author, subject=f"Card {CARD}", extra=(("note", CARD),))
    after, insight = mask_records(before, known(before), "export", masking=rules())
    assert after.author == Author(name="[PERSON]", email="[EMAIL]")
    assert after.subject == "Card [CARD]"
    assert after.extra == (("note", "[CARD]"),)
    assert insight is not None
    assert insight.link is not None
    assert (insight.link.evidence[0].left, insight.link.evidence[0].right) == (None, None)
    stored, _ = mask_stored(before, known(before), rules(storage={"EMAIL": "redact"}))
    assert stored.author == author
    assert MAIL not in stored.text


def test_a_page_is_masked_where_its_reader_sees_it_and_behind() -> None:
    page = f'<p>Card <b>4111</b>&nbsp;1111 1111 1111,<br>write to <a href="mailto:{MAIL}">{MAIL}</a></p>'
    text, _ = mask_text(page, (), "email", "export", masking=rules(), html=True)
    assert "1111" not in text
    assert MAIL not in text
    before = message("Card as below", channel="email", html=page)
    after, _ = mask_records(before, None, "storage", masking=rules())
    assert after.html is not None
    assert "4111" not in after.html


def test_the_bytes_of_a_masked_mail_go_unless_the_pipeline_keeps_them() -> None:
    before = message(OWN, channel="email", raw_sha256="ab" * 32)
    assert mask_stored(before, known(before), rules())[0].raw_sha256 is None
    assert mask_stored(before, known(before), rules(keep_original=True))[0].raw_sha256 == "ab" * 32
    harmless = message("Where is my order?, Write soon", channel="email", raw_sha256="ab" * 32)
    assert mask_stored(harmless, known(harmless), rules())[0] is harmless


def test_pseudonyms_are_the_same_everywhere_and_opened_by_the_second_key(tmp_path: Path) -> None:
    masking = rules(tmp_path, answers={"EMAIL": "pseudonym"})
    first, _ = mask_text(f"from {MAIL}", (), "email", "answers", masking=masking)
    again, _ = mask_text(f"{MAIL.upper()} asks", (), "email", "answers", masking=rules(tmp_path, answers={"EMAIL": "pseudonym"}))  # fmt: skip  # noqa: E501
    token = first.removeprefix("from [EMAIL_").removesuffix("]")
    assert again == f"[EMAIL_{token}] asks"
    folder = tmp_path / KEYS_FOLDER
    assert reveal(token, Vault(folder), folder / REVEAL_FILE) == MAIL
    (folder / REVEAL_FILE).unlink()  # where only the masker's key is, nothing is turned back
    with pytest.raises(SettingsError):
        reveal(token, Vault(folder), folder / REVEAL_FILE)


def test_pseudonyms_without_a_place_for_their_keys_are_refused() -> None:
    with pytest.raises(SettingsError):
        rules(None, logs={"EMAIL": "pseudonym"})
