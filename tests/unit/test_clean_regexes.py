"""No line of a mail makes a rule slow: adversarial input through each function that holds a regex, in linear time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.growth import LINEAR, growth
from textcrm.clean import (
    Cleaner,
    boilerplate,
    closings,
    contacts,
    footers,
    header_blocks,
    kind_words,
    separators,
    social,
)
from textcrm.clean.html_tags import tokens
from textcrm.clean.offsets import Mapped
from textcrm.records import Message, Source
from textcrm.sources import headers, readers

SEEDS = (
    *"a A 0 - _ = > < : , . @ ( \" ' * & # é я 中 あ".split(),
    *("a ", "A ", "0 ", "a@", "a.", "www.", "http://a", "+1 ", "- ", "-- ", "> ", "A. ", "the ", "On ", "wrote: "),
    *("schrieb ", "=?utf-8?q?a?=", "=?utf-8?q?", "From: ", "thanks, ", "regards ", "this message ", "1/2/2003 10:10 "),
    *("&#", "&a", "<a ", '<div style="', "<!--", "<title>", "RT @", "#a", "\u200d\U0001f600", "sent from my ", "rue a"),
)


def _title(text: str) -> object:
    return list(tokens(text))


def _mail(text: str) -> Message:
    return Message(
        id="x",
        channel="email",
        text=text,
        subject=text[:1_000],
        received_at=datetime(2024, 1, 1, tzinfo=UTC),
        source=Source(kind="eml"),
    )


FUNCTIONS: dict[str, Callable[[str], object]] = {
    "separator": separators.separator,
    "attribution": lambda text: separators.attribution([text], quote_follows=True),
    "attribution_lines": lambda text: separators.attribution([text[:390]], quote_follows=False),
    "label": header_blocks.label,
    "header_block": lambda text: header_blocks.header_block([text, text], 0),
    "notes_block": lambda text: header_blocks.notes_block([text, text], 0),
    "closing": closings.closing,
    "name": closings.looks_like_name,
    "contact": contacts.is_contact,
    "place": contacts.is_place,
    "role": contacts.is_role,
    "signature_like": contacts.signature_like,
    "device": boilerplate.is_device,
    "legal": lambda text: footers.is_legal(text[:2_000], text[:2_000]),
    "list": lambda text: footers.is_list(text[:2_000]),
    "banner": footers.is_banner,
    "kind": lambda text: kind_words.kind_by_words(_mail(text), text),
    "tags": _title,
    "social": lambda text: social.normalise(Mapped.verbatim(text)),
    "words": headers.words,
    "mail": lambda text: readers.looks_like_mail(text.encode()[:8192]),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_linear(name: str) -> None:
    assert {seed: ratio for seed in SEEDS if (ratio := growth(FUNCTIONS[name], seed, end="!")) > LINEAR} == {}


@pytest.mark.parametrize("content_type", ["text/plain", "text/html"])
def test_a_hostile_text_is_cleaned_in_time_linear_in_its_length(content_type: str) -> None:
    cleaner = Cleaner()

    def clean(text: str) -> None:
        cleaner.clean(_mail(text).model_copy(update={"subject": "", "content_type": content_type}))

    assert {seed: ratio for seed in SEEDS if (ratio := growth(clean, seed)) > LINEAR} == {}
