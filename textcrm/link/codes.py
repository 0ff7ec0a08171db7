"""Countries and currencies as their ISO codes, from codes, names in many languages and signs."""

from __future__ import annotations

from functools import cache, lru_cache

from textcrm.link.normalise import fold

_LANGUAGES = "en de fr es it nl pt pl sv da nb fi cs tr ru zh ja ko".split()
# What people write beside the names and codes that the CLDR lists.
_COUNTRY_WORDS = {
    "uk": "GB", "great britain": "GB", "england": "GB", "scotland": "GB", "wales": "GB", "northern ireland": "GB",
    "britain": "GB", "usa": "US", "u s a": "US", "u s": "US", "united states of america": "US", "america": "US",
    "holland": "NL", "the netherlands": "NL", "czech republic": "CZ", "south korea": "KR", "north korea": "KP",
    "republic of korea": "KR", "russian federation": "RU", "viet nam": "VN", "uae": "AE", "turkey": "TR",
    "republic of ireland": "IE", "eire": "IE", "brd": "DE", "peoples republic of china": "CN", "ivory coast": "CI",
    "grossbritannien": "GB", "gran bretana": "GB", "grande bretagne": "GB", "holanda": "NL", "hollande": "NL",
}  # fmt: skip
# Signs that stand for one currency; "$" alone may be twenty of them and is left to the country.
_SIGNS = {"€": "EUR", "£": "GBP", "us$": "USD", "ca$": "CAD", "c$": "CAD", "a$": "AUD", "au$": "AUD", "nz$": "NZD",
          "hk$": "HKD", "r$": "BRL", "₹": "INR", "₩": "KRW", "₽": "RUB", "₺": "TRY", "₴": "UAH", "₪": "ILS",
          "zł": "PLN", "kč": "CZK", "฿": "THB", "₫": "VND", "₱": "PHP", "元": "CNY", "円": "JPY"}  # fmt: skip


@lru_cache(maxsize=8192)
def country(value: str) -> str | None:
    """Return the ISO 3166-1 alpha-2 code of a country, or None where *value* names none.

    Codes of two and three letters and names in eighteen languages are read.

    References
    ----------
    ISO 3166-1; the names and aliases are those of the Unicode CLDR, as the package babel ships them.
    """
    text = value.strip()
    if not text or len(text) > 100:
        return None
    codes, names = _territories()
    return codes.get(text.upper()) or names.get(fold(text))


@lru_cache(maxsize=4096)
def currency(value: str) -> str | None:
    """Return the ISO 4217 code of a currency, or None where *value* names none, or may name several (``$``).

    References
    ----------
    ISO 4217; the names are those of the Unicode CLDR, as the package babel ships them.
    """
    text = value.strip()
    if not text or len(text) > 100:
        return None
    codes, names = _currencies()
    return (text.upper() if text.upper() in codes else None) or _SIGNS.get(text.casefold()) or names.get(fold(text))


@cache
def _territories() -> tuple[dict[str, str], dict[str, str]]:
    from babel import Locale
    from babel.core import get_global

    listed = map(str, Locale.parse("en").territories)
    two = {code for code in listed if len(code) == 2 and code.isalpha()} - {"EU", "EZ", "UN", "QO", "ZZ", "XA", "XB"}
    codes = {code: code for code in two}
    for alias, found in get_global("territory_aliases").items():
        if len(found) == 1 and found[0] in two:
            codes.setdefault(alias, found[0])
    names: dict[str, str] = {}
    for language in _LANGUAGES:
        for code, name in Locale.parse(language).territories.items():
            if code in two:
                names.setdefault(fold(str(name)), str(code))
    return codes, names | _COUNTRY_WORDS


@cache
def _currencies() -> tuple[frozenset[str], dict[str, str]]:
    from babel import Locale
    from babel.numbers import list_currencies

    codes = frozenset(list_currencies()) - {"XXX", "XTS"}
    names: dict[str, str] = {}
    for language in _LANGUAGES:
        for code, name in Locale.parse(language).currencies.items():
            names.setdefault(fold(name), code)
    return codes, {**names, "euros": "EUR", "us dollars": "USD", "pound sterling": "GBP", "pounds sterling": "GBP"}
