"""What the columns of any table hold, guessed from their names and their values, and their values in one form."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from textcrm.link import normalise
from textcrm.link.dates import date_digits, is_day_first

Kind = Literal[
    "given", "family", "email", "phone", "date", "code", "category", "place", "text", "mail_given", "mail_family"
]

_LOOSE = re.compile(r"[\W_\d]+")
_WORDS: dict[str, tuple[str, ...]] = {
    "given": ("givenname", "firstname", "fname", "forename", "first", "given", "vorname", "prenom", "voornaam", "imie"),
    "family": (
        "surname", "lastname", "lname", "last", "familyname", "family", "nachname", "nomdefamille", "apellido",
        "apellidos", "cognome", "achternaam", "nazwisko", "sname",
    ),
    "name": (
        "name", "fullname", "customername", "contactname", "clientname", "personname", "customer", "contact", "person",
        "nom", "nombre", "nome", "naam",
    ),
    "place": (
        "city", "town", "suburb", "place", "locality", "birthplace", "placeofbirth", "ort", "stadt", "ville", "ciudad",
        "citta", "plaats", "municipality", "village", "hometown", "wohnort",
    ),
    "date": ("dob", "dateofbirth", "birthdate", "birthday", "birth", "born", "geburtsdatum", "datenaissance", "bday"),
    "code": (
        "postcode", "zip", "zipcode", "plz", "postalcode", "postal", "ssn", "socsecid", "socialsecuritynumber",
        "nationalid", "taxid", "passport", "streetnumber", "housenumber", "housenr", "hausnummer",
    ),
}  # fmt: skip
_BIRTH_PARTS: tuple[tuple[str, ...], ...] = (
    ("year", "birthyear", "yearofbirth", "by", "yob", "dobyear", "dobyr", "geburtsjahr", "anneedenaissance"),
    ("month", "birthmonth", "monthofbirth", "bm", "mob", "dobmonth", "dobmon", "geburtsmonat", "moisdenaissance"),
    ("day", "birthday", "dayofbirth", "bd", "dobday", "geburtstag", "jourdenaissance"),
)
_EMAIL = re.compile(r"\S{1,64}@\S{1,200}")
_PHONE = re.compile(r"[+(]?[\d\s().+/-]{6,24}(?:\s?(?:x|ext\.?)\s?\d{1,6})?")
_MISSING = frozenset(
    """na|n a|n/a|#n/a|nan|none|null|nil|unknown|not available|not known|missing|undefined|-|--|.|?|x|xx|xxx|tbd|test
    |no email|unbekannt|inconnu|desconocido|keine angabe""".replace("\n    ", "").split("|")
)


@dataclass(frozen=True, eq=False)
class Column:
    """One column, coded. ``codes`` of shape (n,): index into ``values``; 0 is the missing value."""

    name: str
    kind: Kind
    values: tuple[str, ...]
    codes: NDArray[np.int32]

    @property
    def present(self) -> NDArray[np.bool_]:
        """Which records have a value, shape (n,)."""
        return self.codes > 0


def record_column(names: Sequence[str], rows: Sequence[Mapping[str, str]]) -> str | None:
    """Return the first column whose values are all there and all different, or None."""
    for name in names:
        values = {row.get(name, "").strip() for row in rows}
        if len(values) == len(rows) and "" not in values:
            return name
    return None


def columns_of(names: Sequence[str], rows: Sequence[Mapping[str, str]]) -> tuple[Column, ...]:
    """Return the columns that can be compared, their values normalised.

    A column of full names becomes a given and a family name. What is the same in all records is left out.
    """
    found: list[Column] = []
    names, rows = _dates_joined(names, rows)
    kinds = {name: guess_kind(name, [row.get(name, "") for row in rows]) for name in names}
    split = {"given", "family"} <= set(kinds.values())
    for name in names:
        kind = kinds[name]
        values = [row.get(name, "") for row in rows]
        if kind == "name":
            if split:
                continue  # said again by the columns of its parts
            parts = _names([normalise.name(value) for value in values])
            found.append(coded(f"{name} (given)", "given", [part.given for part in parts]))
            found.append(coded(f"{name} (family)", "family", [part.family for part in parts]))
        else:
            if kind == "date" and is_day_first(values):
                values = [date_digits(value, day_first=True) for value in values]
            form: Callable[[str], str] = _FORMS.get(kind, normalise.fold)
            found.append(coded(name, kind, [form(value) if not is_missing(value) else "" for value in values]))
    return tuple(column for column in found if len(column.values) > 2)


def _names(parts: Sequence[normalise.Name]) -> list[normalise.Name]:
    """Return names in which one word alone is a family name where the others of the column use it as one."""
    given = Counter(part.given for part in parts if part.family)
    family = Counter(part.family for part in parts if part.family)
    return [normalise.Name(family=p.given) if not p.family and family[p.given] > given[p.given] else p for p in parts]


def _dates_joined(
    names: Sequence[str], rows: Sequence[Mapping[str, str]]
) -> tuple[Sequence[str], Sequence[Mapping[str, str]]]:
    """Return the table with year, month and day of birth as one column, where they are three."""
    loose = {_LOOSE.sub("", name.casefold()): name for name in names}
    parts = [next((loose[word] for word in words if word in loose), None) for words in _BIRTH_PARTS]
    year, month, day = parts
    if year is None or month is None or day is None:
        return names, rows
    short = (v for row in rows if (v := row.get(day, "").strip()))
    if not all(len(v) <= 2 for v in short):
        return names, rows
    joined = f"{year}, {month}, {day}"
    kept = [name for name in names if name not in parts]

    def born(row: Mapping[str, str]) -> str:
        values = [row.get(part, "").strip() for part in (year, month, day)]
        return "-".join(v.zfill(2) for v in values) if not any(map(is_missing, values)) else ""

    return [*kept, joined], [{**{name: row.get(name, "") for name in kept}, joined: born(row)} for row in rows]


def coded(name: str, kind: Kind, values: Sequence[str]) -> Column:
    """Return *values* as a column: each value once, and its number per record."""
    known: dict[str, int] = {"": 0}
    codes = np.fromiter((known.setdefault(v, len(known)) for v in values), dtype=np.int32, count=len(values))
    return Column(name, kind, tuple(known), codes)


def is_missing(value: str) -> bool:
    """Tell whether a cell says that nothing is known."""
    return value.strip().lower() in _MISSING or not value.strip()


def guess_kind(name: str, values: Sequence[str]) -> Kind | Literal["name"]:
    """Guess what a column holds: by its values where they speak, else by its name."""
    loose = _LOOSE.sub("", name.casefold())
    sample = [v.strip() for v in values if not is_missing(v)][:2000]
    if not sample:
        return "text"
    spoken = _kind_of_values(sample, loose)
    if spoken is not None:
        return spoken
    worded: tuple[Kind | Literal["name"], ...] = ("given", "family", "name", "place")
    for kind in worded:
        if loose in _WORDS[kind]:
            return kind
    if "name" in loose and not any(w in loose for w in ("company", "user", "product", "account", "file", "street")):
        for kind in worded[:2]:
            if any(word in loose for word in _WORDS[kind] if len(word) > 3):
                return kind
        return "name"
    few = Counter(sample)
    return "category" if len(few) <= min(40, len(sample) // 20) and max(map(len, few)) <= 20 else "text"


def _kind_of_values(sample: Sequence[str], loose: str) -> Kind | None:
    """Return the kind that the values of a column show, *loose* being its name; None where they are words."""

    def share(test: Callable[[str], object]) -> float:
        return sum(map(bool, map(test, sample))) / len(sample)

    if share(lambda v: _EMAIL.fullmatch(v[:300])) > 0.6:
        return "email"
    digital = share(lambda v: sum(c.isdigit() for c in v) >= 0.6 * len(v))
    if loose in _WORDS["date"] or share(lambda v: len(date_digits(v)) == 8) > 0.8:
        return "date"
    long = share(lambda v: 8 <= sum(c.isdigit() for c in v) <= 15 and _PHONE.fullmatch(v[:60]))
    called = loose == "tel" or any(w in loose for w in ("phone", "mobile", "telefon", "cell", "fax", "handy"))
    if (called and digital > 0.5) or (long > 0.7 and share(lambda v: not v.isdigit() or v.startswith("0")) > 0.5):
        return "phone"
    return "code" if digital > 0.8 or loose in _WORDS["code"] else None


def _email(value: str) -> str:
    return value.strip().lower().replace(" ", "")


def _code(value: str) -> str:
    return "".join(c for c in normalise.fold(value) if c.isalnum())


def _phone(value: str) -> str:
    number = normalise.digits(value.partition("x")[0])
    return number if len(set(number)) > 1 else ""


_FORMS: dict[str, Callable[[str], str]] = {"email": _email, "code": _code, "phone": _phone, "date": date_digits}
