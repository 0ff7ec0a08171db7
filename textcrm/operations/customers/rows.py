"""One row of a table becomes a customer: identifiers and types in one form, nothing lost."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from phonenumbers import SUPPORTED_REGIONS

from textcrm.link import codes, normalise
from textcrm.link.dates import iso_date
from textcrm.records import Customer
from textcrm.sources.structured import TYPED, Mapped

MOST_FIELD = 4000
_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_SPLIT = re.compile(r"[;|\n]|,(?=\s{0,3}[^\s,]{1,64}@)")
DATES = ("birth_date", "created_at", "updated_at")


@dataclass(frozen=True)
class RowOptions:
    """How values are read.

    ``region`` is the ISO 3166 code of the country of phone numbers without a country code, where the row names no
    country. ``provider_rules``: fold what mail providers ignore (plus tags, dots at Gmail). ``day_first`` are the
    columns of dates in which ``3/4/1990`` is in April.
    """

    region: str = "US"
    provider_rules: bool = False
    day_first: frozenset[str] = frozenset()


@dataclass
class RowReader:
    """Makes customers of rows with the same columns. What it could not read is counted in ``remarks``, by field."""

    columns: Mapped
    options: RowOptions = RowOptions()
    remarks: dict[str, int] = field(default_factory=dict)
    normalised: dict[str, int] = field(default_factory=dict)
    """Values of typed columns that were brought into another form, by field."""

    def __post_init__(self) -> None:
        self._numbers = self.columns.get("number", ())
        self._handled = {c for name, group in self.columns.items() if name not in TYPED for c in group}
        self._typed = {c: name for name, group in self.columns.items() if name in TYPED for c in group}
        self._forms = {column: self._form(name, column) for column, name in self._typed.items()}
        self._countries = self.columns.get("country", ())
        options = self.options
        if options.provider_rules:
            self._email: Callable[[str], str | None] = lambda v: normalise.email(v, provider_rules=True)
        else:
            self._email = normalise.email

    def read(self, cells: Mapping[str, str]) -> Customer | None:
        """Return the customer that a row describes; None where it names nobody.

        Values that are no valid address or number are kept among the other fields.
        """
        columns = self.columns
        kept: list[tuple[str, str]] = []
        others: list[tuple[str, str]] = []
        region = self.options.region
        for column, raw in cells.items():
            if column in self._handled or not raw:
                continue
            value = clean(raw)
            if not value:
                continue
            if column in self._typed:
                value = self._in_form(column, value)
                if column in self._countries and value in SUPPORTED_REGIONS:
                    region = value
            others.append((column[:200], value))
        emails = self._many("email", cells, self._email, kept)
        phones = self._many("phone", cells, lambda value: normalise.phone(value, region), kept)
        handles = self._many("handle", cells, _handle, kept)
        names = [spaced(self._one("name", cells) or "")] if "name" in columns else []
        if not any(names):
            names = [spaced(self._one(part, cells) or "") for part in ("given_name", "family_name")]
        name = " ".join(filter(None, names)) or None
        number = self._one("number", cells)
        if not (number or emails or phones or handles or name):
            return None
        orders = [("order", value) for c in columns.get("order", ()) if (value := clean(cells.get(c)))]
        seed = number or next(iter((*emails, *phones, *handles)), None)
        return Customer(
            id=customer_id(number, seed or repr(sorted(cells.items()))),
            number=number,
            name=name,
            emails=emails,
            phones=phones,
            handles=handles,
            company=self._one("company", cells),
            segment=self._one("segment", cells),
            fields=(*orders, *kept, *others),
        )

    def id_of(self, cells: Mapping[str, str]) -> str | None:
        """Return the id of the customer that a row describes, as `read` gives it; None where it names nobody."""
        for column in self._numbers:
            if number := clean(cells.get(column)):
                return customer_id(number, number)
        customer = self.read(cells)
        return None if customer is None else customer.id

    def _one(self, name: str, cells: Mapping[str, str]) -> str | None:
        for column in self.columns.get(name, ()):
            if value := clean(cells.get(column)):
                return value
        return None

    def _many(
        self,
        name: str,
        cells: Mapping[str, str],
        make: Callable[[str], str | None],
        kept: list[tuple[str, str]],
    ) -> tuple[str, ...]:
        found: list[str] = []
        for column in self.columns.get(name, ()):
            value = clean(cells.get(column))
            if not value:
                continue
            for piece in pieces(value):
                made = make(piece)
                if made is not None:
                    found.append(made)
                else:
                    self.remarks[name] = self.remarks.get(name, 0) + 1
                    kept.append((column, piece.strip()))
        return tuple(dict.fromkeys(found)) if len(found) > 1 else tuple(found)

    def _in_form(self, column: str, value: str) -> str:
        """Return the value of a typed column in its form; as it stands where it has none."""
        made = self._forms[column](value)
        name = self._typed[column]
        if made is None:
            self.remarks[name] = self.remarks.get(name, 0) + 1
            return value
        if made != value:
            self.normalised[name] = self.normalised.get(name, 0) + 1
        return made

    def _form(self, name: str, column: str) -> Callable[[str], str | None]:
        if name in DATES:
            day_first = column in self.options.day_first
            return lambda value: iso_date(value, day_first=day_first)
        return _FORMS.get(name, spaced)


def pieces(value: str) -> list[str]:
    """Return the values of a cell that may hold several: apart by semicolon, bar or line, and commas before a mail."""
    return [piece for piece in _SPLIT.split(value) if piece.strip()]


def customer_of_row(
    cells: Mapping[str, str], columns: Mapped, *, region: str, remarks: dict[str, int] | None = None
) -> Customer | None:
    """Return the customer that a single row describes (see `RowReader`)."""
    return RowReader(columns, RowOptions(region), remarks if remarks is not None else {}).read(cells)


def customer_id(number: str | None, seed: str) -> str:
    """Return the id of a customer: its number where that can stand in an address, else a digest of *seed*."""
    if number and _SAFE_ID.match(number) and not number.startswith("p-"):
        return number
    return "c-" + hashlib.sha256(seed.encode("utf-8", "surrogatepass")).hexdigest()[:20]


def clean(value: str | None) -> str:
    """Return a cell without what the database cannot hold (lone surrogates, NUL), blanks at the ends cut."""
    if not value:
        return ""
    text = value.strip()[:MOST_FIELD]
    if text.isascii():
        return text.replace("\0", "") if "\0" in text else text
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def spaced(value: str) -> str:
    """Return words apart by one blank, in composed letters (NFC)."""
    if value.isascii() and "  " not in value and value.isprintable():
        return value
    return " ".join(unicodedata.normalize("NFC", value).split())


def _handle(value: str) -> str | None:
    return normalise.handle(value) if value.strip(" @") else None


def _postcode(value: str) -> str:
    return spaced(value).upper()


_FORMS: dict[str, Callable[[str], str | None]] = {
    "country": codes.country,
    "currency": codes.currency,
    "postcode": _postcode,
}
