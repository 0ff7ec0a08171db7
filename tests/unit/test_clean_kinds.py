"""Kinds of mail by their words, where no header tells: each with a request that uses the same words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from textcrm.clean.kinds import kind_of
from textcrm.records import Author, Message, Source


def kind(text: str, subject: str = "Re: Kettle", sender: str | None = None, **fields: tuple[str, ...]) -> str:
    message = Message.model_validate(
        {
            "id": "m",
            "channel": "email",
            "text": text,
            "subject": subject,
            "author": Author(email=sender),
            "received_at": datetime(2024, 3, 13, tzinfo=UTC),
            "source": Source(kind="eml"),
        }
        | fields
    )
    return kind_of(message, text)[0]


@pytest.mark.parametrize(
    "text",
    [
        "Thank you for your email. I am on annual leave until 3 May.",
        "I'm OOO until Monday",
        "I'll be on vacation from July 1 to July 15 and will reply when I return.",
        "Vielen Dank für Ihre Nachricht. Ich bin bis zum 12. Mai nicht im Büro.",
        "Ich befinde mich bis 3.5. im Urlaub. Ihre Mail wird nicht weitergeleitet.",
        "Merci pour votre message. Je serai absente jusqu'à lundi.",
        "Estaré fuera de la oficina hasta el lunes.",
        "Estarei ausente do escritório até segunda.",
        "Sarò assente fino a lunedì.",
        "Ik ben met vakantie tot 3 mei.",
        "Przebywam na urlopie do 15 sierpnia.",
        "Меня не будет в офисе до понедельника.",
        "我目前正在休假，将于5月3日返回。",
        "您好，我现在不在办公室。",
        "ただいま休暇をいただいております。5月3日に戻ります。",
    ],
)
def test_absence(text: str) -> None:
    assert kind(text) == "out_of_office"


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("I am on leave next week, please deliver on Monday instead.", "Delivery"),
        ("We are on vacation in Spain and the booking is wrong! Please call us.", "Booking"),
        ("Ich bin im Urlaub und möchte meine Buchung stornieren.", "Storno"),
        ("Estou de férias e a reserva está errada. Podem corrigir?", "Reserva"),
        ("I was away from my desk when the courier came.", "Missed delivery"),
        ("Your automatic reply says two days, it is now ten.", "Re: Automatic reply"),
        ("When will you be back?", "Re: Out of office: Kettle"),
        ("My message to you was returned as undeliverable.", "Undeliverable mail?"),
        ("Nobody rang. I want my money.", "Delivery failure: parcel 4711"),
        ("Your courier rejected my parcel.", "Rejected parcel"),
        ("I want to unsubscribe, it does not work.", "Unsubscribe"),
        ("You cancelled the event. Refund?", "Cancelled event"),
    ],
)
def test_requests_with_the_same_words(text: str, subject: str) -> None:
    assert kind(text, subject) == "request"


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Out of Office: Kettle", "out_of_office"),
        ("Automatic reply: out of office", "out_of_office"),
        ("Automatische Antwort: Abwesend", "out_of_office"),
        ("Vacation reply", "out_of_office"),
        ("[Auto-Reply] Kettle", "auto_reply"),
        ("Auto: Kettle", "auto_reply"),
        ("Autoodpowiedź: Czajnik", "auto_reply"),
        ("【自動返信】お問い合わせ", "auto_reply"),
        ("Undelivered Mail Returned to Sender", "bounce"),
        ("Nie można dostarczyć: Czajnik", "bounce"),
        ("Не удается доставить: Чайник", "bounce"),
        ("无法送达: 水壶", "bounce"),
        ("配信不可能: やかん", "bounce"),
        ("Zusage: Termin", "calendar"),
        ("Canceled event: Kettle", "calendar"),
        ("Convite: Chaleira", "calendar"),
        ("已接受: 水壶", "calendar"),
    ],
)
def test_subjects(subject: str, expected: str) -> None:
    assert kind("Thanks, got it.", subject) == expected


@pytest.mark.parametrize(
    ("text", "subject", "expected"),
    [
        ("Could not be delivered.\nbob@x.example: 550 5.1.1 user unknown", "Message blocked", "bounce"),
        ("This is the mail system at host mx.x.example.\n\nYour message could not be delivered.", "Kettle", "bounce"),
        ("BEGIN:VCALENDAR\nMETHOD:REQUEST\nEND:VCALENDAR", "Kettle", "calendar"),
        ("20 % off!\nView this email in your browser\nUnsubscribe", "Lamps", "newsletter"),
        ("-20 %\nVersion en ligne\nVous recevez cet e-mail car vous êtes inscrit.", "Lampes", "newsletter"),
        ("View this email in your browser\nUnsubscribe\nThis link is broken", "Re: Lamps", "request"),
    ],
)
def test_texts(text: str, subject: str, expected: str) -> None:
    assert kind(text, subject) == expected
