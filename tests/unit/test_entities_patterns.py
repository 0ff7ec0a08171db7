"""Tables of what each pattern recogniser finds, with near misses: one wrong digit, one missing cue."""

from __future__ import annotations

import pytest

from textcrm.entities.found import THRESHOLD, Found, Options
from textcrm.entities.merge import join_names, merge
from textcrm.entities.patterns import PATTERNS


def found(name: str, text: str, *, label: str | None = None, region: str = "US") -> list[str]:
    spans = merge(PATTERNS[name](text, Options(region=region)))
    if name in {"person", "person_names"}:
        spans = join_names(text, spans)
    return [text[s.start : s.end] for s in spans if label is None or s.label == label]


def values(name: str, text: str, **options: str) -> list[str | None]:
    return [s.value for s in merge(PATTERNS[name](text, Options(**options)))]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("write to anna.b+news@example.co.uk, please", ["anna.b+news@example.co.uk"]),
        ("(joe@example.com)", ["joe@example.com"]),
        ("<joe@example.com>;<ann@example.org>", ["joe@example.com", "ann@example.org"]),
        ("mail joe@example.com.Then call", ["joe@example.com"]),
        ("jörg@müller.de schrieb", ["jörg@müller.de"]),
        ("x@1.2.3.4 and joe@ example.com", []),
        ("joe@example", []),
        ("@joe and a@b", []),
        ("joe@-example.com", []),
        ("joe@example.c0m", []),
    ],
)
def test_email(text: str, expected: list[str]) -> None:
    assert found("email", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see https://shop.example.com/a?b=1&c=(2).", ["https://shop.example.com/a?b=1&c=(2)"]),
        ("(www.example.org)", ["www.example.org"]),
        ("on example.com, or Example.COM/cart", ["example.com", "Example.COM/cart"]),
        ("ftp://files.example.net/x,", ["ftp://files.example.net/x"]),
        ("joe@example.com", []),
        ("it broke.It works", []),
        ("version 2.0.1 of file.txt", []),
        ("the end.In the beginning", []),
    ],
)
def test_url(text: str, expected: list[str]) -> None:
    assert found("url", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from 192.168.0.1:8080", ["192.168.0.1"]),
        ("net 10.0.0.0/8", ["10.0.0.0/8"]),
        ("2001:db8::8a2e:370:7334 is down", ["2001:db8::8a2e:370:7334"]),
        ("::1", ["::1"]),
        ("256.1.1.1", []),
        ("1.2.3", []),
        ("1.2.3.4.5", []),
        ("firmware version 1.2.3.4", []),
        ("at 12:30:45", []),
        ("std::vector", []),
        ("10.0.0.0/33", []),
    ],
)
def test_ip(text: str, expected: list[str]) -> None:
    assert found("ip", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("DE89 3704 0044 0532 0130 00", ["DE89 3704 0044 0532 0130 00"]),
        ("pay GB82WEST12345698765432!", ["GB82WEST12345698765432"]),
        ("gb82west12345698765432", ["gb82west12345698765432"]),
        ("FR14 2004 1010 0505 0001 3M02 606.", ["FR14 2004 1010 0505 0001 3M02 606"]),
        ("code GB83WEST12345698765432", []),
        ("my IBAN GB83WEST12345698765432", ["GB83WEST12345698765432"]),
        ("GB82WEST123456987654321", []),
        ("XX82WEST12345698765432", []),
    ],
)
def test_iban(text: str, expected: list[str]) -> None:
    assert found("iban", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4111 1111 1111 1111", ["4111 1111 1111 1111"]),
        ("card 5500-0000-0000-0004.", ["5500-0000-0000-0004"]),
        ("340000000000009", ["340000000000009"]),
        ("4111 1111 1111 1112", []),
        ("my card 4111111111111112", []),
        ("41111111111111111111111", []),
        ("0000000000000000", []),
        ("7000000000000005", []),
    ],
)
def test_card(text: str, expected: list[str]) -> None:
    assert found("card", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SSN 536-90-4399", "us_ssn:536904399"),
        ("NINO AB 12 34 56 C", "uk_nino:AB123456C"),
        ("NHS number 943 476 5919", "uk_nhs:9434765919"),
        ("meine Steuer-ID 36 574 261 809", "de_idnr:36574261809"),
        ("n° sécu 2 95 10 99 126 111 93", "fr_nir:295109912611193"),
        ("DNI 54362315K", "es_dni:54362315K"),
        ("NIE X2482300W", "es_nie:X2482300W"),
        ("codice fiscale RCCMNL83S18D969H", "it_codice_fiscale:RCCMNL83S18D969H"),
        ("BSN 111222333", "nl_bsn:111222333"),
        ("身份证 11010519491231002X", "cn_ric:11010519491231002X"),
        ("my driver's license number is D1234567", "driving_licence:D1234567"),
        ("passport no. C01X00T47 expired", "passport:C01X00T47"),
    ],
)
def test_national_id(text: str, expected: str) -> None:
    assert expected in values("national_id", text)


@pytest.mark.parametrize(
    "text",
    [
        "SSN 000-12-3456",
        "SSN 666-90-4399",
        "NHS number 943 476 5918",
        "DNI 54362315A",
        "NIE X2482300A",
        "codice fiscale RCCMNL83S18D969A",
        "BSN 111222334",
        "order 111222333",
        "身份证 110105194912310021",
        "my passport photo is lost",
    ],
)
def test_national_id_near_misses(text: str) -> None:
    assert values("national_id", text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("USt-IdNr. DE136695976", ["vat:DE136695976"]),
        ("VAT GB 980 7806 84", ["vat:GB980780684"]),
        ("EIN 91-1144442", ["us_ein:911144442"]),
        ("USt-IdNr. DE136695978", []),
        ("part 91-1144442", []),
    ],
)
def test_tax(text: str, expected: list[str]) -> None:
    assert values("tax", text) == expected


@pytest.mark.parametrize(
    ("text", "region", "expected"),
    [
        ("(201) 555-0123", "US", ["(201) 555-0123"]),
        ("call 201-555-0123 ext. 12", "US", ["201-555-0123 ext. 12"]),
        ("+44 20 7946 0958", "US", ["+44 20 7946 0958"]),
        ("Tel. 030 901820", "DE", ["030 901820"]),
        ("ruf mich an: 0171/2345678", "DE", ["0171/2345678"]),
        ("mobile: 06 12 34 56 78", "FR", ["06 12 34 56 78"]),
        ("my phone is 99 554321", "US", ["99 554321"]),
        ("Phone:201-555-0123, ext: 5", "US", ["201-555-0123, ext: 5"]),
        ("Fax 201.555.0123 #45", "US", ["201.555.0123 #45"]),
        ("we are at 9816 214 Harbour Rise", "US", []),
        ("at 12:30 1234567", "US", []),
        ("2024-01-15", "US", []),
        ("15.01.2024", "DE", []),
        ("order 123456789", "US", []),
        ("in 2019-2020", "US", []),
        ("it costs 1,234,567", "US", []),
        ("192.168.10.10", "US", []),
    ],
)
def test_phone(text: str, region: str, expected: list[str]) -> None:
    assert found("phone", text, region=region) == expected


def test_phone_value_is_e164_where_the_country_is_certain() -> None:
    assert values("phone", "+44 20 7946 0958") == ["+442079460958"]
    assert values("phone", "020 7946 0958", region="GB") == ["+442079460958"]


@pytest.mark.parametrize(
    ("text", "label", "expected"),
    [
        ("order #12345", "ORDER", ["12345"]),
        ("my order number is AB-99812", "ORDER", ["AB-99812"]),
        ("Bestellnummer: 4711-0815", "ORDER", ["4711-0815"]),
        ("commande n° 88123", "ORDER", ["88123"]),
        ("заказ № 778812", "ORDER", ["778812"]),
        ("invoice INV-2024-0042", "INVOICE", ["INV-2024-0042"]),
        ("Rechnung Nr. 2024/117", "INVOICE", ["2024/117"]),
        ("ticket #CS-10042", "TICKET", ["CS-10042"]),
        ("1Z999AA10123456784", "TRACKING", ["1Z999AA10123456784"]),
        ("RR473124829GB", "TRACKING", ["RR473124829GB"]),
        ("RR473124828GB", "TRACKING", []),
        ("customer number 100234", "CUSTOMER_NUMBER", ["100234"]),
        ("in order to win", "ORDER", []),
        ("order 12", "ORDER", []),
        ("I ordered in 2023", "ORDER", []),
    ],
)
def test_order(text: str, label: str, expected: list[str]) -> None:
    assert found("order", text, label=label) == expected


def test_order_formats_are_the_users() -> None:
    options = Options(formats={"ORDER": "ORD-####@"})
    spans = [s for s in PATTERNS["order"]("got ORD-1234X, not ORD-123X or (ORD-1234X)", options) if s.score > 0.9]
    assert [s.value for s in spans] == ["ORD-1234X", "ORD-1234X"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$1,299.00", "USD 1299.00"),
        ("1.299,00 €", "EUR 1299.00"),
        ("£5", "GBP 5"),
        ("EUR 49,90", "EUR 49.90"),
        ("20 dollars", "USD 20"),
        ("3 000 zł", "PLN 3000"),
        ("CHF 1'200.50", "CHF 1200.50"),
    ],
)
def test_money(text: str, expected: str) -> None:
    assert values("money", text) == [expected]


@pytest.mark.parametrize("text", ["49.90", "5 stars", "room 20", "100 %", "pounding 3 times"])
def test_money_near_misses(text: str) -> None:
    assert values("money", text) == []


@pytest.mark.parametrize(
    ("text", "region", "expected"),
    [
        ("2024-03-05", "US", "2024-03-05"),
        ("2018-01-14 03:07:43", "US", "2018-01-14T03:07:43"),
        ("3/5/2024", "US", "2024-03-05"),
        ("3/5/2024", "GB", "2024-05-03"),
        ("05.03.2024", "US", "2024-03-05"),
        ("25/12/2023", "US", "2023-12-25"),
        ("March 5th, 2024", "US", "2024-03-05"),
        ("5 March 2024", "US", "2024-03-05"),
        ("5. März 2024", "DE", "2024-03-05"),
        ("le 5 mars 2024", "FR", "2024-03-05"),
        ("5 de marzo de 2024", "ES", "2024-03-05"),
        ("2024年3月5日", "CN", "2024-03-05"),
        ("Tuesday, March 5, 2024 at 3:15 pm", "US", "2024-03-05T15:15"),
        ("in 1998", "US", "1998"),
        ("March 2024", "US", "2024-03"),
        ("at 3:15 pm", "US", "15:15"),
        ("12 am", "US", "00:00"),
    ],
)
def test_dates(text: str, region: str, expected: str) -> None:
    assert expected in values("date", text, region=region)


@pytest.mark.parametrize(
    "text", ["1.2.3", "10 out of 10", "31/31/2024", "I may 3 times", "2024 people", "$2024", "24/7"]
)
def test_dates_near_misses(text: str) -> None:
    assert [v for v in values("date", text) if v] == []


@pytest.mark.parametrize(
    "address",
    [
        "12 High Street, Leeds LS1 4AP",
        "1600 Pennsylvania Avenue NW, Washington, DC 20500",
        "221B Baker Street",
        "45 N 5th Ave, Apt 12, Phoenix, AZ 85003",
        "P.O. Box 4455, Austin, TX 78765",
        "PSC 1437, Box 3833\nAPO AA 66791",
        "Bahnhofstraße 5a, 80335 München, Germany",
        "Hauptstr. 12, 10115 Berlin",
        "12 bis rue de la Paix, 75002 Paris, France",
        "Calle de Alcalá 45, 28014 Madrid, Spain",
        "Via Garibaldi 12, 00184 Roma",
        "Keizersgracht 123, 1015 CJ Amsterdam",
        "ul. Długa 7, 31-147 Kraków, Poland",
        "Koivukatu 12, 20100 Turku, Finland",
        "100 Queen Street West, Toronto, ON M5H 2N2",
    ],
)
def test_an_address_is_one_entity(address: str) -> None:
    assert found("address", f"Please send it to {address}.") == [address]


@pytest.mark.parametrize(
    "text",
    [
        "Windows 10 is slow",
        "Order 66",
        "I have 12 children",
        "the street was empty",
        "Chapter 12",
        "on March 5",
        "iPhone 12 Pro",
    ],
)
def test_address_near_misses(text: str) -> None:
    assert found("address", text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hi Jorun,\nmy parcel", ["Jorun"]),
        ("Dear Ms. Okonkwo-Bell,", ["Okonkwo-Bell"]),
        ("Sehr geehrte Frau Zörgiebel,", ["Zörgiebel"]),
        ("It broke.\n\nKind regards,\nTamsin O'Dowd\nHead of sales", ["Tamsin O'Dowd"]),
        ("Mit freundlichen Grüßen\nJens-Uwe Knoll", ["Jens-Uwe Knoll"]),
        ("my name is Zebedee Quill.", ["Zebedee Quill"]),
        ("Je m'appelle Aurore Vasselin", ["Aurore Vasselin"]),
        ("Name: Dov Ber Katz", ["Dov Ber Katz"]),
        ("Hi there,\nmy parcel", []),
        ("Dear Sir or Madam,", []),
        ("Hello Support,", []),
        ("Thanks,\nThe parcel came", []),
        ("I am Sorry", []),
        ("I am German", []),
    ],
)
def test_person(text: str, expected: list[str]) -> None:
    assert found("person", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("we spoke to Anna Kowalska yesterday", ["Anna Kowalska"]),
        ("Szilvia J. Keresztes wrote", ["Szilvia J. Keresztes"]),
        ("Ask Rebecca.", ["Rebecca"]),
        ("The Parcel Was Late", []),
        ("Smith Street is closed", []),
        ("Anna's parcel", ["Anna"]),
    ],
)
def test_person_names(text: str, expected: list[str]) -> None:
    assert found("person_names", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I work for Quibbleware Ltd.", ["Quibbleware Ltd."]),
        ("Müller & Söhne GmbH hat", ["Müller & Söhne GmbH"]),
        ("my job at Fentonbridge", ["Fentonbridge"]),
        ("I paid with PayPal", ["PayPal"]),
        ("my account with Quibbly was closed", ["Quibbly"]),
        ("our supplier Dunmarrow is late", ["Dunmarrow"]),
        ("Company name: Credit Harbour", ["Credit Harbour"]),
        ("I work for 12 Oaks Foundry", ["12 Oaks Foundry"]),
        ("She works at Booking.com in Leeds", ["Booking.com"]),
        ("a letter from Harlow, Brandt and Pym.", ["Harlow, Brandt and Pym"]),
        ("Quibbly denied my claim", ["Quibbly"]),
        ("the team at Anna is late", []),
        ("our supplier Is late", []),
        ("Can the app wait?", []),
        ("the company limited it", []),
        ("I work at night", []),
    ],
)
def test_organisation(text: str, expected: list[str]) -> None:
    assert found("organisation", text) == expected


@pytest.mark.parametrize(
    ("text", "label", "expected"),
    [
        ("We live in Brazil", "GPE", ["Brazil"]),
        ("based in Quarrenbach", "GPE", ["Quarrenbach"]),
        ("a French shop", "NORP", ["French"]),
        ("chinaware and turkeys", "GPE", []),
    ],
)
def test_place(text: str, label: str, expected: list[str]) -> None:
    assert found("place", text, label=label) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I'm 31 years old", ["31"]),
        ("a 42 year old man", ["42"]),
        ("she just turned 60", ["60"]),
        ("for 31 years", []),
        ("he turned 360 degrees", []),
    ],
)
def test_age(text: str, expected: list[str]) -> None:
    assert found("age", text, label="AGE") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("thanks @shop_help!", ["@shop_help"]), ("mail a@b.com", []), ("@ home", []), ("@123", []), ("@@x", [])],
)
def test_handle(text: str, expected: list[str]) -> None:
    assert found("handle", text) == expected


def test_merge_does_not_depend_on_the_order() -> None:
    spans = [
        Found(0, 5, "A", 0.5, "x"),
        Found(3, 9, "B", 0.9, "y"),
        Found(8, 12, "C", 0.6, "z"),
        Found(20, 21, "D", THRESHOLD - 0.01, "z"),
        Found(12, 14, "E", 0.5, "x"),
        Found(12, 14, "E", 0.5, "a"),
    ]
    expected = [Found(3, 9, "B", 0.9, "y"), Found(12, 14, "E", 0.5, "a")]
    assert merge(spans) == merge(spans[::-1]) == expected
