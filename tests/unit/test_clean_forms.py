"""Forms of many programs and languages: heads of quotes, footers, device lines, hashtags; with near misses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from textcrm.clean import Cleaner
from textcrm.clean.social import split_hashtag
from textcrm.records import Author, CleanText, Message, Source

OWN = "The kettle leaks."
ADA = "Ada Byron <ada@shop.example>"


@pytest.fixture(scope="module")
def cleaner() -> Cleaner:
    return Cleaner()


def own(cleaner: Cleaner, text: str, **fields: Any) -> CleanText:
    values: dict[str, Any] = {
        "id": "m",
        "channel": "email",
        "text": text,
        "received_at": datetime(2024, 3, 13, tzinfo=UTC),
        "source": Source(kind="eml"),
    }
    return cleaner.clean(Message(**(values | fields)))


@pytest.mark.parametrize(
    "head",
    [
        f"-----{ADA} wrote: -----\n\nTo: me@x.example\nFrom: Ada\nSubject: Kettle",
        f"-----{ADA} schrieb: -----\n\nAn: me@x.example\nVon: Ada\nBetreff: Kessel",
        f"--- On Tue, 12/3/24, {ADA} wrote:",
        f"‐‐‐‐‐‐‐ Original Message ‐‐‐‐‐‐‐\n{ADA} wrote:",
        "Ada Byron ---12/03/2024 09:41:12---Which model is it?",
        "----- Repassado por Ada Byron/Loja em 12/03/2024 09:41 -----",
        "----- Réacheminé par Ada Byron/Magasin le 12/03/2024 09:41 -----",
        "Ada Byron\nMar 12, 2024 09:41 AM\n\nTo: me@x.example\ncc:\nSubject: Kettle",
        f"From: {ADA} Sent: Tuesday, March 12, 2024 9:41 AM To: Me <me@x.example> Subject: Kettle",
        f"Kimden: {ADA}\nGönderilme: 12 Mart 2024 09:41\nKime: ben\nKonu: Ketıl",
        f"من: {ADA}\nتم الإرسال: 12/03/2024 09:41\nإلى: أنا\nالموضوع: غلاية",
        "______________\n## - Please type your reply above this line - ##",
        "##- Bitte geben Sie Ihre Antwort über dieser Zeile ein -##",
        "##- Veuillez saisir votre réponse au-dessus de cette ligne -##",
        "##- Por favor, escriba su respuesta por encima de esta línea -##",
        "##- Por favor, digite sua resposta acima desta linha -##",
        "##- Inserisci la tua risposta sopra questa riga -##",
        "##- Typ je antwoord boven deze regel -##",
        "##- Wpisz swoją odpowiedź powyżej tej linii -##",
        "##- Пожалуйста, введите ответ выше этой строки -##",
        "##- 请在此行上方输入您的回复 -##",
        "##- この行より上に返信を入力してください -##",
        "-------- Please respond above this line --------",
    ],
)
def test_a_head_ends_the_own_text(cleaner: Cleaner, head: str) -> None:
    assert own(cleaner, f"{OWN}\n\n{head}\n\nWhich model is it?\n").text == OWN
    assert own(cleaner, f"{OWN}\n{head}\nWhich model is it?\n").text == OWN


@pytest.mark.parametrize(
    "head",
    [
        f"בתאריך יום ג׳, 12 במרץ 2024 ב-9:41 מאת {ADA}:",
        f"في الثلاثاء، 12 مارس 2024 في 9:41 ص كتب {ADA}:",
        f"2024년 3월 12일 (화) 오전 9:41, {ADA}님이 작성:",
    ],
)
def test_heads_of_other_scripts_stand_above_quotes(cleaner: Cleaner, head: str) -> None:
    assert own(cleaner, f"{OWN}\n\n{head}\n\n> Which?\n").text == OWN


@pytest.mark.parametrize(
    "text",
    [
        "I wrote my answer above this line of the form, and nothing happened.",
        "-- Ada and I wrote to you twice.\n-- Nobody answered.\nWhy?",
        "From: Berlin To: Hamburg Date: 3 May. I booked this trip and it was cancelled.",
        "The display shows --- at 12:30 --- and then nothing.",
    ],
)
def test_what_only_looks_like_a_head_stays(cleaner: Cleaner, text: str) -> None:
    assert own(cleaner, text).text == text


@pytest.mark.parametrize(
    "line",
    [
        "Sent from my iPad, please excuse any typos",
        "Sent from a phone - sorry for typos",
        "[Sent from my iPhone]",
        "~ Sent from my iPhone ~",
        "Sent from Mail<https://go.example/fwlink/?LinkId=1> for Windows",
        "Sent from [Proton Mail](https://proton.example), encrypted email",
        "Get BlueMail for Android",
        "Von Samsung Mobile gesendet",
        "iPhone'umdan gönderildi",
    ],
)
def test_a_device_line_is_found_with_what_it_carries(cleaner: Cleaner, line: str) -> None:
    assert own(cleaner, f"{OWN}\n\n{line}\n").text == OWN


@pytest.mark.parametrize(
    "line",
    [
        "If you are not the intended recipient, please delete this message.",
        "If you have received this e-mail in\nerror please notify the sender.",
        "NOTICE: This e-mail may contain confidential information.",
        "HINWEIS: Diese E-Mail kann vertrauliche Informationen enthalten.",
        "P Please consider the environment before printing this e-mail",
        "Any views or opinions presented are solely those of the author.",
        "Wenn Sie nicht der richtige Adressat sind, löschen Sie bitte diese E-Mail.",
        "Si vous avez reçu ce message par erreur, merci d'en avertir l'expéditeur.",
        "Si ha recibido este correo por error, le rogamos lo comunique al remitente.",
        "Se recebeu esta mensagem por engano, por favor elimine-a.",
        "Se avete ricevuto questo messaggio per errore, vi preghiamo di cancellarlo.",
        "Indien u niet de geadresseerde bent, verzoeken wij u dit bericht te verwijderen.",
        "Jeżeli nie jest Pan adresatem tej wiadomości, prosimy o jej usunięcie.",
        "Если вы получили это письмо по ошибке, сообщите отправителю.",
        "如果您错收了本邮件，请立即删除本邮件。",
        "本メールを誤って受信された場合は、破棄してください。",
        "Questa e-mail è stata controllata per individuare virus con Avast antivirus.",
        "Fernhill Ltd, registered in England, registered office: 1 High Street, Fernhill, FH1 1AA, "
        "company number 01234567, VAT no 123.",
    ],
)
def test_a_footer_of_lawyers_and_scanners_goes(cleaner: Cleaner, line: str) -> None:
    assert own(cleaner, f"{OWN}\n\n{line}\nAnd a second line of it.\n").text == OWN


@pytest.mark.parametrize(
    "text",
    [
        "Hello,\n\nIf you have received this email before, sorry for the repeat.",
        "Hi,\n\nthis message was intended for your repair team. Could you pass it on?",
        "Hi,\n\nIf you have received my parcel by mistake, send it back.",
        "Hi,\n\nThis email had a virus in it, please tell your people.",
        "Hi,\n\nplease put our VAT number on the bill.",
    ],
)
def test_what_only_looks_like_a_footer_stays(cleaner: Cleaner, text: str) -> None:
    assert own(cleaner, text).text == text


@pytest.mark.parametrize(
    "line",
    [
        "[EXTERNAL]",
        "*** This email is from an external source ***",
        "You don't often get email from ada@shop.example. Learn why this is important",
        "Sie erhalten nicht häufig E-Mails von ada@shop.example. Erfahren Sie, warum dies wichtig ist",
        "ACHTUNG: Diese E-Mail stammt von einem externen Absender.",
        "ATTENTION : Ce courriel provient de l'extérieur. Ne cliquez pas sur les liens.",
        "ATENCIÓN: Este correo procede de fuera de la organización.",
    ],
)
def test_a_gateways_warning_goes(cleaner: Cleaner, line: str) -> None:
    assert own(cleaner, f"{line}\n\n{OWN}\n").text == OWN


@pytest.mark.parametrize(
    "line",
    ["Ada Byron | 020 7946 0018 | ada@shop.example", "Ada Byron, 020 7946 0018", "Ada Byron, CEO"],
)
def test_a_signature_of_one_line(cleaner: Cleaner, line: str) -> None:
    assert own(cleaner, f"{OWN}\n\n{line}\n").signature == line


@pytest.mark.parametrize(
    "text",
    [
        "My new address:\n\nAda Byron\n12 High Street\nLondon SW1A 1AA",
        "Please contact my colleague:\n\nBob Smith\nbob@shop.example\n+44 20 7946 0018",
        "Here are my details:\nAda Byron\n+44 20 7946 0018\nada@shop.example",
        "The part I need:\n\nKettle K4, 220 V",
    ],
)
def test_what_a_colon_announces_is_no_signature(cleaner: Cleaner, text: str) -> None:
    found = own(cleaner, text, author=Author(name="Ada Byron"))
    assert found.text == text
    assert not found.signature


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("fußball", "fußball"),
        ("café", "café"),
        ("ÜberUns", "Über Uns"),
        ("БольшойПриз", "Большой Приз"),
        ("USAToday", "USA Today"),
        ("snake_Case", "snake Case"),
        ("COVID19", "COVID 19"),
    ],
)
def test_hashtags_are_split_at_capitals_of_any_script(tag: str, words: str) -> None:
    assert split_hashtag(tag) == words


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("#StopIt#Now", "Stop It Now"),
        ("a &amp;amp; b&nbsp;c", "a & b c"),
        ("rt @shop: leaks", "leaks"),
        ("C# and R&D, issue a#1", "C# and R&D, issue a#1"),
    ],
)
def test_posts(cleaner: Cleaner, raw: str, words: str) -> None:
    assert own(cleaner, raw, channel="social").text == words
