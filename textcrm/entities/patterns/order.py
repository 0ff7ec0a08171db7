"""Numbers of a business: order, invoice, ticket, tracking, customer and contract, in eleven languages.

A number is told by the word before it, or by a shape of its own: the postal unions' tracking numbers, UPS's, and the
shapes that the user sets (``formats``).

References
----------
UPU S10-12 (two letters, nine digits with a check digit, country); UPS ``1Z`` numbers (16 characters, last a check digit).
"""

# ruff: noqa: E501 (lists of words inside patterns read better unbroken)
from __future__ import annotations

import re
from collections.abc import Iterator

from textcrm.entities.found import Found, Options
from textcrm.entities.letters import AFTER, BEFORE, DIGIT

_LINK = (
    r"[ \t]{0,3}(?:(?i:number|numbers|num|no|nr|n°|nº|№|id|ref|reference|code|nummer|numéro|número|numero|numer|номер|n|is|was|号码?|號碼?|单号|單號|编号|番号)(?![^\W\d_])"
    r"[.:]?[ \t]{0,3}|[#:：=.は为][ \t]{0,3}){0,4}"
)
_BODY = rf"(?P<number>[A-Z0-9](?:[-/_.]?[A-Z0-9]){{2,24}}){AFTER}"
_GROUPS = rf"(?P<number>\d{{4}}(?: \d{{2,4}}){{2,6}}|[A-Z0-9](?:[-/_.]?[A-Z0-9]){{2,24}}){AFTER}"
_WORDS = {
    "ORDER": r"orders?|purchase order|PO|confirmation|booking|reservation|bestell(?:ung|nummer|nr)?|auftrag(?:s?nummer|snr)?|commande|pedido|ordine|"
    r"bestelling|bestelnummer|zamówieni[ea]|заказ[а]?|订单|訂單|注文",
    "INVOICE": r"invoices?|bill|rechnung(?:s?nummer|snr)?|facture|factura|fatura|fattura|factuur(?:nummer)?|faktur[ay]|счет|счёт|发票|請求書",
    "TICKET": r"ticket|case|incident|support request|complaint|claim|vorgang(?:snummer)?|fall(?:nummer)?|dossier|incidencia|caso|chamado|zgłoszeni[ea]|"
    r"тикет|обращени[ея]|工单|お問い合わせ",
    "TRACKING": r"tracking|shipment|parcel|package|consignment|waybill|sendungs?(?:nummer|verfolgung|nr)?|paket(?:nummer)?|colis|suivi|seguimiento|envío|"
    r"rastreio|tracciamento|spedizione|track(?:\s?&\s?|-and-)trace|zending|przesyłk[ia]|трек|отправлени[ея]|快递|运单|追跡",
    "CUSTOMER_NUMBER": r"customer|client|member(?:ship)?|kunden?(?:nummer|nr)|kunde|client|cliente|klant(?:nummer)?|klient[a]?|contract|policy|vertrag(?:s?nummer)?|"
    r"account",
}
_LED = {
    label: re.compile(rf"{BEFORE}(?i:{words}){_LINK}{_GROUPS if label == 'TRACKING' else _BODY}")
    for label, words in _WORDS.items()
}
# Numbers that tell what they are by their first letters: of purchases, invoices and tickets, and of carriers (DHL, SF,
# Amazon, the US post).
_PREFIXED = {
    "ORDER": re.compile(rf"{BEFORE}(?<![-/])(?:PO|SO|ORD|ORDER)-?\d{{4,12}}{AFTER}(?![-/]\w)"),
    "INVOICE": re.compile(rf"{BEFORE}(?<![-/])INV(?:OICE)?-?\d{{3,12}}(?:[-/]\d{{1,8}}){{0,2}}{AFTER}(?![-/]\w)"),
    "TICKET": re.compile(rf"{BEFORE}(?<![-/])(?:INC|RITM|REQ|CHG|TKT|TICKET)-?\d{{4,12}}{AFTER}(?![-/]\w)"),
    "TRACKING": re.compile(
        rf"{BEFORE}(?<![-/])(?:(?:JJD|JVGL)\d{{10,20}}|TBA\d{{9,15}}|SF\d{{12,15}}|9[2-5]\d{{20}}){AFTER}(?![-/]\w)"
    ),
}
_UPS = re.compile(r"(?<![\w])1Z[ ]?[0-9A-Z]{3}[ ]?[0-9A-Z]{3}[ ]?\d{2}[ ]?\d{4}[ ]?\d{4}(?![\w])", re.IGNORECASE)
_S10 = re.compile(r"(?<![\w])[A-Z]{2}[ ]?\d{3}[ ]?\d{3}[ ]?\d{3}[ ]?[A-Z]{2}(?![\w])")
_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)
_SHAPE = {"#": r"\d", "@": "[A-Za-z]", "*": "[A-Za-z0-9]"}


def find(text: str, options: Options) -> Iterator[Found]:
    """Yield the numbers; their value is the number without blanks, in upper case."""
    for label, shape in options.formats.items():
        for match in _compile(shape).finditer(text):
            yield _found(match, 0, label, 0.95)
    if not DIGIT.search(text):
        return
    for match in _UPS.finditer(text):
        yield _found(match, 0, "TRACKING", 0.93)
    for match in _S10.finditer(text):
        digits = [int(c) for c in match.group() if c.isdigit()]
        check = 11 - sum(d * w for d, w in zip(digits, _WEIGHTS, strict=False)) % 11
        if digits[8] == {10: 0, 11: 5}.get(check, check):
            yield _found(match, 0, "TRACKING", 0.95)
    for label, pattern in _PREFIXED.items():
        for match in pattern.finditer(text):
            yield _found(match, 0, label, 0.88)
    for label, pattern in _LED.items():
        for match in pattern.finditer(text):
            number = match.group("number")
            digits_in = sum(c.isdigit() for c in number)
            if digits_in >= 3 and digits_in * 3 >= len(number):
                joined = any(c in "#:№°" for c in text[match.start() : match.start("number")]) or not number.isdigit()
                year = len(number) == 4 and number[:2] in {"19", "20"}
                yield _found(match, match.re.groupindex["number"], label, 0.3 if year else 0.85 if joined else 0.7)


def _found(match: re.Match[str], group: int, label: str, score: float) -> Found:
    value = match.group(group).replace(" ", "").upper()
    return Found(match.start(group), match.end(group), label, score, "order", value)


def _compile(shape: str) -> re.Pattern[str]:
    """Turn a shape such as ``ORD-######`` into a pattern; ``re`` keeps the last few hundred that it compiled."""
    return re.compile(r"(?<![\w-])" + "".join(_SHAPE.get(c, re.escape(c)) for c in shape) + r"(?![\w-])")
