"""What is taken for the author's own words, form by form, with near misses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from textcrm.clean import Cleaner
from textcrm.records import Author, CleanText, Message, Source


@pytest.fixture(scope="module")
def cleaner() -> Cleaner:
    return Cleaner()


def mail(text: str, **fields: Any) -> Message:
    values: dict[str, Any] = {
        "id": "m",
        "channel": "email",
        "text": text,
        "received_at": datetime(2024, 3, 13, tzinfo=UTC),
        "source": Source(kind="eml"),
    }
    return Message(**(values | fields))


def own(cleaner: Cleaner, text: str, **fields: Any) -> CleanText:
    return cleaner.clean(mail(text, **fields))


OWN = "The kettle leaks."
QUOTE = "> Which model is it?\n> Please tell us."
ATTRIBUTIONS = [
    "On Tue, Mar 12, 2024 at 9:41 AM Ada Byron <ada@shop.example> wrote:",
    "On Tue, Mar 12, 2024 at 9:41 AM Ada Byron\n<ada@shop.example>\nwrote:",
    "On 12.03.24 09:41, Ada Byron wrote:",
    "Am Di., 12. März 2024 um 09:41 Uhr schrieb Ada Byron <ada@shop.example>:",
    "Am 12.03.24 um 09:41 schrieb Ada Byron:",
    "Le mar. 12 mars 2024 à 09:41, Ada Byron <ada@shop.example> a écrit :",
    "El mar, 12 mar 2024 a las 9:41, Ada Byron (<ada@shop.example>) escribió:",
    "Em ter., 12 de mar. de 2024 às 09:41, Ada Byron <ada@shop.example> escreveu:",
    "Il giorno mar 12 mar 2024 alle ore 09:41 Ada Byron <ada@shop.example> ha scritto:",
    "Op di 12 mrt 2024 om 09:41 schreef Ada Byron <ada@shop.example>:",
    "wt., 12 mar 2024 o 09:41 Ada Byron <ada@shop.example> napisał(a):",
    "вт, 12 мар. 2024 г. в 09:41, Ada Byron <ada@shop.example>:",
    '12.03.2024, 09:41, "Ada Byron" <ada@shop.example>:',
    "Ada Byron <ada@shop.example> 于2024年3月12日周二 09:41写道：",
    "2024年3月12日(火) 9:41 Ada Byron <ada@shop.example>:",
    "2024/03/12 9:41、Ada Byron <ada@shop.example>のメール:",
    "Den tis 12 mars 2024 kl 09:41 skrev Ada Byron <ada@shop.example>:",
]
HEADERS = [
    "From: Ada Byron <ada@shop.example>\nSent: Tuesday, March 12, 2024 9:41 AM\nTo: me\nSubject: Kettle",
    "*From:* Ada Byron [mailto:ada@shop.example]\n*Sent:* Tuesday, March 12, 2024\n*To:* me\n*Subject:* Kettle",
    "Von: Ada Byron\nGesendet: Dienstag, 12. März 2024 09:41\nAn: ich\nBetreff: Kessel",
    "De : Ada Byron\nEnvoyé : mardi 12 mars 2024 09:41\nÀ : moi\nObjet : Bouilloire",
    "发件人: Ada Byron\n发送时间: 2024年3月12日 9:41\n收件人: 我\n主题: 水壶",
    "-----Original Message-----\nFrom: Ada\nTo: me\nSubject: Kettle",
    "----- Ursprüngliche Nachricht -----\nVon: Ada",
    "---------- Forwarded message ---------\nFrom: Ada Byron <ada@shop.example>",
    "Begin forwarded message:\n\nFrom: Ada Byron <ada@shop.example>",
    "---------------------- Forwarded by Ada Byron/Shop on 12/03/2024 09:41 AM ---------------------------",
    "Ada Byron\n03/12/2024 09:41 AM\n\nTo:\tme/External\ncc:\t\nSubject:\tKettle",
    "          Ada Byron\n          12.03.2024 09:41\n   An\n          ich\n   Kopie\n\n   Thema\n          Kessel",
]


@pytest.mark.parametrize("head", ATTRIBUTIONS)
def test_an_attribution_and_what_it_announces_are_quoted(cleaner: Cleaner, head: str) -> None:
    assert own(cleaner, f"{OWN}\n\n{head}\n\n{QUOTE}\n").text == OWN


@pytest.mark.parametrize("head", ATTRIBUTIONS)
def test_an_answer_below_the_quote_is_own(cleaner: Cleaner, head: str) -> None:
    assert own(cleaner, f"{head}\n{QUOTE}\n\n{OWN}\n").text == OWN


@pytest.mark.parametrize("head", HEADERS)
def test_a_header_of_another_mail_ends_the_own_text(cleaner: Cleaner, head: str) -> None:
    found = own(cleaner, f"{OWN}\n\n{head}\n\nWhich model is it?\n")
    assert found.text == OWN
    assert "Which model is it?" in found.quoted


@pytest.mark.parametrize(
    "text",
    [
        "One question I had:\n\nLocally, when I run it, nothing happens.",
        "On your remote host you can run:\n\n  telnet 127.0.0.1 52698",
        "From: Berlin\nTo: Hamburg\nDate: 3 May\n\nThis is the trip I booked. It was cancelled.",
        "He wrote: leave it at the door. I never said so.",
        "Sent from my desk, is much easier than my phone.",
        "And here is a fix -- this is not a signature.\n\nPlease try it.",
        "We need:\n-- FOUR lamps\n-- EIGHT bulbs\nby Friday, and nothing else.",
        "Please look at these:\n\nhttps://a.example/one\nhttps://b.example/two",
        "I read your original message twice and still do not know what to do.",
        "Subject: lamps. I have two of them and both are broken.",
    ],
)
def test_near_misses_stay_whole(cleaner: Cleaner, text: str) -> None:
    found = own(cleaner, text)
    assert " ".join(found.text.split()) == " ".join(text.split())
    assert not found.signature
    assert not found.quoted


@pytest.mark.parametrize(
    ("tail", "closing", "signature"),
    [
        ("Thanks,\nAlex", "Thanks,\nAlex", ""),
        ("Kind regards\n\nAlex Moore\nHead of Purchasing\n+44 20 7946 0018", "Kind regards\n\nAlex Moore",
         "Head of Purchasing\n+44 20 7946 0018"),
        ("-- \nAlex Moore\nFernhill Ltd", "", "--\nAlex Moore\nFernhill Ltd"),
        ("Alex Moore\nalex@fernhill.example\n(555) 346-9947", "", "Alex Moore\nalex@fernhill.example\n(555) 346-9947"),
        ("Sent from my iPhone", "", "Sent from my iPhone"),
        ("Von meinem iPhone gesendet", "", "Von meinem iPhone gesendet"),
        ("Mit freundlichen Grüßen\nAlex Moore", "Mit freundlichen Grüßen\nAlex Moore", ""),
        ("С уважением,\nАлекс", "С уважением,\nАлекс", ""),
        ("此致\n敬礼\n李明", "此致\n敬礼\n李明", ""),
    ],
)  # fmt: skip
def test_closing_and_signature(cleaner: Cleaner, tail: str, closing: str, signature: str) -> None:
    found = own(cleaner, f"{OWN}\n\n{tail}\n", author=Author(name="Alex Moore"))
    assert found.closing == closing
    assert found.signature == signature
    assert found.text == (f"{OWN}\n\n{closing}" if closing else OWN)


def test_a_postscript_below_the_signature_is_own(cleaner: Cleaner) -> None:
    assert "P.S. The box is open." in own(cleaner, f"{OWN}\n\nThanks,\nAlex\n\nP.S. The box is open.").text


def test_a_disclaimer_is_a_footer(cleaner: Cleaner) -> None:
    legal = "This e-mail and any attachments are confidential and intended solely for the addressee."
    found = own(cleaner, f"{OWN}\n\nThanks,\nAlex\n\n{legal}\n")
    assert legal not in found.text
    assert [part.kind for part in found.parts] == ["own", "closing", "footer"]


def test_where_nothing_would_remain_the_whole_is_kept_and_flagged(cleaner: Cleaner) -> None:
    found = own(cleaner, QUOTE)
    assert found.flags == ("nothing_left",)
    assert "Which model" in found.text


HTML_QUOTES = [
    '<div class="gmail_quote"><div class="gmail_attr">On Tue Ada wrote:</div><blockquote>Which?</blockquote></div>',
    '<hr id="stopSpelling">From: ada@shop.example<br>Which?',
    '<div id="appendonsend"></div><hr><div id="divRplyFwdMsg"><b>Lähettäjä:</b> Ada</div>Which?',
    "<div style='border:none;border-top:solid #E1E1E1 1.0pt'><p><b>Kimden:</b> Ada<br>"
    "<b>Gön:</b> 12<br><b>Konu:</b> x</p></div>"
    "<p>Which?</p>",
    '<div class="moz-cite-prefix">Ada wrote:</div><blockquote type="cite">Which?</blockquote>',
    '<div class="yahoo_quoted"><div>Which?</div></div>',
]


@pytest.mark.parametrize("quote", HTML_QUOTES)
def test_html_containers_set_quotes_apart(cleaner: Cleaner, quote: str) -> None:
    html = f"<html><head><style>p{{}}</style></head><body><p>The kettle&nbsp;leaks.</p>{quote}</body></html>"
    assert own(cleaner, html, content_type="text/html").text == OWN


def test_an_answer_below_gmails_quote_is_own(cleaner: Cleaner) -> None:
    html = (
        '<div class="gmail_quote"><div class="gmail_attr">On Tue Ada wrote:</div>'
        "<blockquote>Which?</blockquote><div>The kettle leaks.</div></div>"
    )
    assert own(cleaner, html, content_type="text/html").text == OWN


def test_what_is_not_seen_is_not_read(cleaner: Cleaner) -> None:
    html = (
        "<title>x</title>"
        "<div style='display:none'>preheader</div><script>var a;</script><!-- c --><p>The kettle leaks.</p>"
    )
    assert own(cleaner, html, content_type="text/html").text == OWN


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"headers": (("auto-submitted", "auto-replied"),)}, "auto_reply"),
        ({"headers": (("auto-submitted", "no"),)}, "request"),
        ({"headers": (("auto-submitted", "auto-replied"),), "subject": "Out of office: back Monday"}, "out_of_office"),
        ({"subject": "Abwesenheitsnotiz: Rückfrage"}, "out_of_office"),
        ({"subject": "My office chair is out of stock"}, "request"),
        ({"headers": (("report-type", "delivery-status"),)}, "bounce"),
        ({"author": Author(email="mailer-daemon@mx.example")}, "bounce"),
        ({"headers": (("list-id", "<users.list.example>"),)}, "mailing_list"),
        ({"headers": (("list-unsubscribe", "<mailto:u@x.example>"), ("precedence", "bulk"))}, "newsletter"),
        ({"headers": (("content-type", "text/calendar; method=REQUEST"),)}, "calendar"),
        ({"headers": (("x-spam-flag", "YES"),)}, "spam"),
        ({}, "request"),
    ],
)
def test_kinds(cleaner: Cleaner, fields: dict[str, Any], kind: str) -> None:
    assert own(cleaner, OWN, **fields).kind == kind


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("RT @shop: soooo bad!!!!!", "soo bad!!!"),
        ("@shop where is it? https://t.example/x1", "@user where is it? http"),
        ("#NeverAgain #2024Sale #plain", "Never Again 2024 Sale plain"),
        ("love it &amp; you", "love it & you"),
        ("great \U0001f600", "great  grinning"),
        ("mail me at a@b.example", "mail me at a@b.example"),
    ],
)
def test_posts_become_words(cleaner: Cleaner, raw: str, words: str) -> None:
    assert own(cleaner, raw, channel="social").text == words


def test_language_is_undetermined_where_a_text_is_too_short(cleaner: Cleaner) -> None:
    assert own(cleaner, "ok").language.code == "und"
    german = own(cleaner, "Die Lampe ist kaputt, bitte schicken Sie mir eine neue.").language
    assert (german.code, german.supported) == ("de", False)
    assert own(cleaner, "My lamp is broken, please send me a new one.").language.supported
