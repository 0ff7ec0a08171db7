"""Entities in the notations of many countries, with near misses."""

from __future__ import annotations

import pytest

from textcrm.entities.found import Options
from textcrm.entities.merge import merge
from textcrm.entities.patterns import PATTERNS

CASES = [
    ("phone", "手机13812345678", ["13812345678"]),
    ("phone", "携帯090-1234-5678です", ["090-1234-5678"]),
    ("phone", "serial 4711-0815-22", []),
    ("card", "5555.5555.5555.4444", ["5555.5555.5555.4444"]),
    ("card", "5555.5555.5555.4445", []),
    ("card", "10.67.168.100.124.11", []),
    ("national_id", "DNI 12.345.678-Z", ["12.345.678-Z"]),
    ("national_id", "DNI 12.345.678-A", []),
    ("national_id", "NINO QQ123456C", ["QQ123456C"]),
    ("national_id", "part QQ123456C", []),
    ("national_id", "NHS number 943 476 5919", ["943 476 5919"]),
    ("national_id", "Ausweisnummer L01X00T471", ["L01X00T471"]),
    ("national_id", "身份证号11010519491231002X谢谢", ["11010519491231002X"]),
    ("national_id", "身份证号110105194912310021谢谢", []),
    ("order", "ordine n. 4711", ["4711"]),
    ("order", "我的订单号：2024031247，谢谢", ["2024031247"]),
    ("order", "fattura n. 123/2024", ["123/2024"]),
    ("order", "PO-12345 and INC0012345 and INV-2024-001", ["PO-12345", "INC0012345", "INV-2024-001"]),
    ("order", "a PO box, INC. and REQ-12", []),
    ("order", "tracking number 9400 1000 0000 0000 0000 00", ["9400 1000 0000 0000 0000 00"]),
    ("order", "快递单号 SF1234567890123", ["SF1234567890123"]),
    ("order", "JJD0123456789", ["JJD0123456789"]),
    ("money", "99,90 zł i 99,- € und 20 Pfund", ["99,90 zł", "99,- €", "20 Pfund"]),
    ("money", "1500 руб. или kr 299", ["1500 руб", "kr 299"]),
    ("money", "共100元", ["100元"]),
    ("money", "20 pfoten, kr. und 5 parts", []),
    ("email", "ann(at)shop.de or ann [at] shop [dot] com", ["ann(at)shop.de", "ann [at] shop [dot] com"]),
    ("email", "meet (at) noon. OK", []),
    ("date", "вчера, 昨天, gisteren", ["вчера", "昨天", "gisteren"]),
    ("date", "Guten Morgen, alles gut", []),
    ("date", "last Monday and nächsten Montag", ["last Monday", "nächsten Montag"]),
    ("date", "um 14 Uhr, 10.30 Uhr, 上午10点", ["14 Uhr", "10.30 Uhr", "上午10点"]),
    ("date", "vor drei Tagen, il y a 3 jours, hace 3 días", ["vor drei Tagen", "il y a 3 jours", "hace 3 días"]),
    ("date", "vor der Tür, 24 Uhren", []),
    ("date", "expires 12/2027, page 13/2027", ["12/2027"]),
    ("address", "Meine Adresse: Am Alten Markt 12, 50667 Köln, danke", ["Am Alten Markt 12, 50667 Köln"]),
    ("address", "C/ Mayor 5, 2º B, 28013 Madrid", ["C/ Mayor 5, 2º B, 28013 Madrid"]),
    ("address", "Rua das Flores 12, 1200-195 Lisboa", ["Rua das Flores 12, 1200-195 Lisboa"]),
    ("address", "Flat 3, 12 Park Road, Bristol BS1 5TR", ["Flat 3, 12 Park Road, Bristol BS1 5TR"]),
    ("address", "我住北京市朝阳区建国路88号，谢谢", ["北京市朝阳区建国路88号"]),
    ("address", "住所：東京都千代田区丸の内1-1-1", ["東京都千代田区丸の内1-1-1"]),
    ("address", "路上5号", []),
    ("person", "我叫王伟。", ["王伟"]),
    ("person", "田中太郎と申します。", ["田中太郎"]),
    ("person", "お客様、皆様", []),
    ("person", "Mijn naam is Jan de Vries.", ["Jan de Vries"]),
    ("person", "In Jan Berlin was cold.", []),
    ("organisation", "株式会社トヨタ", ["株式会社トヨタ"]),
]


@pytest.mark.parametrize(("pattern", "text", "expected"), CASES)
def test_notations(pattern: str, text: str, expected: list[str]) -> None:
    assert [text[span.start : span.end] for span in merge(PATTERNS[pattern](text, Options()))] == expected
