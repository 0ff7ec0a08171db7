"""Numbers that a state gives to a person: identity, social security, health, passport, driving licence.

The check digits are python-stdnum's. Numbers with a shape of their own (a French NIR, an Italian codice fiscale) stand
alone; runs of eight to eleven digits need a context word, because every ninth or tenth of them passes by chance.

References
----------
python-stdnum, modules ``us.ssn``, ``gb.nhs``, ``de.idnr``, ``fr.nir``, ``es.dni``, ``es.nie``, ``it.codicefiscale``,
``nl.bsn``, ``cn.ric``, ``pl.pesel``, ``be.nn``, ``ch.ssn``; HMRC NIM39110 for the National Insurance number.
"""

# ruff: noqa: E501 (lists of words inside patterns read better unbroken)
from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from typing import NamedTuple

from textcrm.entities import context
from textcrm.entities.found import Found, Options
from textcrm.entities.letters import AFTER, BEFORE, DIGIT


class _Kind(NamedTuple):
    """One kind of number: ``strict`` its shape is its own; ``alone`` and ``about`` its scores without and with context."""

    name: str
    shape: re.Pattern[str]
    module: str
    cues: re.Pattern[str]
    alone: float
    about: float


def _shape(body: str) -> re.Pattern[str]:
    return re.compile(rf"{BEFORE}(?<!-)(?:{body}){AFTER}(?!-\w)", re.IGNORECASE)


_KINDS = (
    _Kind("us_ssn", _shape(r"\d{3}-\d{2}-\d{4}"), "us.ssn", context.words("ssn", "social", "ss#", "security"), 0.75, 0.97),
    _Kind("us_ssn", _shape(r"\d{3} \d{2} \d{4}|\d{9}"), "us.ssn", context.words("ssn", "social s", "ss#"), 0.2, 0.9),
    _Kind("uk_nino", _shape(r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D]"), "", context.words("nino", "national insurance", "ni n"), 0.7, 0.97),
    # HMRC writes examples with prefixes that it gives to nobody (QQ): beside the word they are numbers all the same
    _Kind("uk_nino", _shape(r"[A-Z]{2} ?\d\d ?\d\d ?\d\d ?[A-D]"), "", context.words("nino", "national insurance", "ni n"), 0.2, 0.96),
    _Kind("uk_nhs", _shape(r"\d{3}[ -]?\d{3}[ -]?\d{4}"), "gb.nhs", context.words("nhs", "health"), 0.1, 0.98),
    _Kind("de_idnr", _shape(r"\d{2} ?\d{3} ?\d{3} ?\d{3}"), "de.idnr", context.words("steuer-id", "steuerid", "identifikationsnummer", "idnr", "steuerliche", "tax id"), 0.3, 0.95),
    _Kind("fr_nir", _shape(r"[1-478] ?\d\d ?\d\d ?(?:\d\d|2[AB]) ?\d{3} ?\d{3} ?\d\d"), "fr.nir", context.words("sécu", "secu", "nir", "insee", "assur"), 0.85, 0.97),
    _Kind("es_dni", _shape(r"(?:\d{8}|\d\d\.\d{3}\.\d{3})[ -]?[A-Z]"), "es.dni", context.words("dni", "nif", "documento", "identidad"), 0.75, 0.97),
    _Kind("es_nie", _shape(r"[XYZ][ -]?\d{7}[ -]?[A-Z]"), "es.nie", context.words("nie", "extranjero", "identidad"), 0.8, 0.97),
    _Kind("it_codice_fiscale", _shape(r"[A-Z]{6}\d\d[A-Z]\d\d[A-Z]\d{3}[A-Z]"), "it.codicefiscale", context.words("codice", "fiscale", "c.f."), 0.95, 0.98),
    _Kind("nl_bsn", _shape(r"\d{9}|\d{4}[. ]\d{2}[. ]\d{3}|\d{3}[. ]\d{3}[. ]\d{3}"), "nl.bsn", context.words("bsn", "burgerservice", "sofi"), 0.2, 0.95),
    _Kind("cn_ric", _shape(r"\d{17}[\dX]"), "cn.ric", context.words("身份证", "id card", "resident", "id number"), 0.85, 0.98),
    _Kind("pl_pesel", _shape(r"\d{11}"), "pl.pesel", context.words("pesel"), 0.3, 0.97),
    _Kind("be_nn", _shape(r"\d\d\.\d\d\.\d\d-\d{3}\.\d\d"), "be.nn", context.words("rijksregister", "national", "registre"), 0.85, 0.97),
    _Kind("ch_ahv", _shape(r"756\.\d{4}\.\d{4}\.\d\d"), "ch.ssn", context.words("ahv", "avs"), 0.9, 0.98),
)  # fmt: skip

_NUMBER = r"(?=[A-Z0-9 -]{0,20}?\d)([A-Z0-9](?:[ -]?[A-Z0-9]){4,19})(?![A-Z0-9])"
_LINK = r"(?:'?s)?\.?[ \t]{0,2}(?:(?i:number|num|no|nr|id|is|was)\b\.?[ \t]{0,2}|[#:=][ \t]{0,2}){0,4}"
_DOCUMENTS = (
    (
        "passport",
        re.compile(
            rf"\b(?i:passport|passeport|(?:reise)?pass(?:nummer|nr)|reisepass|pasaporte|passaporto|paspoort(?:nummer)?|паспорт){_LINK}{_NUMBER}"
        ),
    ),
    (
        "identity_card",
        re.compile(
            rf"\b(?i:identity card|id card|(?:personal)?ausweis(?:es|nummer|nr)?|carte d['’]identité|carta d['’]identità|identiteitskaart|dow[oó]d(?:u)? osobist(?:y|ego)){_LINK}{_NUMBER}"
        ),
    ),
    ("driving_licence", re.compile(rf"\b(?i:driver'?s?|driving)[ ](?i:licen[sc]e|permit){_LINK}{_NUMBER}")),
)


def find(text: str, options: Options) -> Iterator[Found]:  # noqa: ARG001 (one signature for all)
    """Yield the numbers; their value is ``kind:number``."""
    if not DIGIT.search(text):
        return
    for kind in _KINDS:
        for match in kind.shape.finditer(text):
            if kind.module and not importlib.import_module(f"stdnum.{kind.module}").is_valid(
                match.group().replace(".", "")
            ):
                continue
            score = kind.about if context.near(text, match.start(), match.end(), kind.cues) else kind.alone
            yield Found(
                match.start(), match.end(), "NATIONAL_ID", score, "national_id", _value(kind.name, match.group())
            )
    for name, pattern in _DOCUMENTS:
        for match in pattern.finditer(text):
            start, end = match.span(1)
            end = start + len(_document(text[start:end]))
            if any(c.isdigit() for c in text[start:end]) and end - start > 4:
                yield Found(start, end, "NATIONAL_ID", 0.98, "national_id", _value(name, text[start:end]))


def _document(found: str) -> str:
    """Cut *found* where its words stop being parts of a number: each must hold a digit or be one or two letters."""
    parts = found.split(" ")
    count = 0
    for part in parts:
        if not any(c.isdigit() for c in part) and len(part) > 2:
            break
        count += 1
    return " ".join(parts[:count])


def _value(kind: str, found: str) -> str:
    return f"{kind}:{''.join(c for c in found if c.isalnum()).upper()}"
