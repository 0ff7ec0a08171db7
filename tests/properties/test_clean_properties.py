"""Laws of cleaning: parts lose nothing, offsets lead back to the same characters, same input, same output."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from textcrm.clean import Cleaner
from textcrm.errors import InputError
from textcrm.records import Message, Source
from textcrm.sources.mailbox import parse_mail

MOMENT = datetime(2024, 3, 13, tzinfo=UTC)
CLEANER = Cleaner()
PIECES = st.sampled_from(
    [
        "The kettle leaks.", "", "> quoted", "> ", "On Mon, 3 Jun 2024 at 10:00, Ada <a@b.example> wrote:", "Thanks,",
        "Alex", "-- ", "Sent from my iPhone", "From: Ada <a@b.example>", "Sent: Monday", "To: me", "Subject: x",
        "-----Original Message-----", "  indented\u00a0words ", "Zeile\u200b mit \u00adStrich",
        "e\u0301t\u00e9", "\U0001f600\U0001f1e9\U0001f1ea",
        "<p>para</p>", "<br>", "<blockquote>q</blockquote>", "&amp; &nbsp; &#8364;",
        "<div class=\"gmail_quote\">", "</div>", "<b",
        "P.S. more", "________________", "你好", "Tel. +44 20 7946 0018",
    ]
)  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=300),
    st.lists(PIECES, max_size=14).flatmap(
        lambda lines: st.sampled_from(["\n", "\r\n"]).map(lambda end: end.join(lines))
    ),
)


def _mail(text: str, content_type: Literal["text/plain", "text/html"], channel: Literal["email", "social"]) -> Message:
    return Message(
        id="m", channel=channel, text=text, content_type=content_type, received_at=MOMENT, source=Source(kind="eml")
    )


@given(TEXTS, st.sampled_from(["text/plain", "text/html"]), st.sampled_from(["email", "social"]))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_parts_cover_the_message_and_offsets_lead_back(
    text: str, content_type: Literal["text/plain", "text/html"], channel: Literal["email", "social"]
) -> None:
    message = _mail(text, content_type, channel)
    cleaned = CLEANER.clean(message)
    assert cleaned == CLEANER.clean(message)
    position = 0
    for part in cleaned.parts:
        assert part.start == position
        assert part.end > part.start
        position = part.end
    assert position == len(text)
    for clean_start, raw_start, raw_end in cleaned.offsets.segments:
        assert 0 <= raw_start <= raw_end <= len(text)
        assert 0 <= clean_start <= len(cleaned.text)
    starts = [segment[0] for segment in cleaned.offsets.segments]
    assert starts == sorted(set(starts))
    if channel == "email" and content_type == "text/plain":
        for at, char in enumerate(cleaned.text):
            start, end = cleaned.offsets.to_raw(at, at + 1)
            if char.isascii() and char.isalnum():
                assert text[start:end] == char


@given(st.binary(max_size=600))
@settings(max_examples=400, deadline=None)
def test_parsing_raises_nothing_but_our_errors(data: bytes) -> None:
    _parsed(data)


HEADS = st.lists(
    st.sampled_from(
        [
            b"From: Ada <a@b.example>", b"Subject: =?utf-8?b?w6k=?=", b"Subject: =?x?q?=ff?=",
            b"Content-Type: multipart/mixed; boundary=x",
            b"Content-Type: text/plain; charset=idna", b"Content-Type: text/html; charset=\"utf-16\"",
            b"Content-Transfer-Encoding: base64",
            b"Content-Transfer-Encoding: quoted-printable", b"Date: Mon, 99 Foo 2024 25:61",
            b"Message-ID: <a@b>", b" folded", b"--x", b"--x--", b"",
            b"Content-Type: message/rfc822", b"Content-Disposition: attachment; filename*=utf-8''%ff",
            b"broken", b"\xff\xfe\x00", b"begin 644 a",
        ]
    ),
    max_size=14,
)  # fmt: skip


@given(HEADS, st.binary(max_size=80))
@settings(max_examples=400, deadline=None)
def test_parsing_mail_like_bytes_raises_nothing_but_our_errors(lines: list[bytes], tail: bytes) -> None:
    _parsed(b"\n".join(lines) + b"\n" + tail)


def _parsed(data: bytes) -> None:
    try:
        message = parse_mail(data, source=Source(kind="eml"), received_at=MOMENT)
    except InputError:
        return
    assert message == parse_mail(data, source=Source(kind="eml"), received_at=MOMENT)
    message.model_dump_json()
    message.text.encode("utf-8")
    assert "\0" not in message.text
    CLEANER.clean(message)
