"""Structured records: the rows of a table of customers in any format, and which column holds what."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from textcrm.errors import DependencyError, NotFoundError, UsageError
from textcrm.records import Source
from textcrm.sources.discover import TABLES, kind_of
from textcrm.sources.rejected import Rejected
from textcrm.sources.tabular import Row, table_rows

EXCEL = frozenset({".xlsx", ".xlsm"})
FIELDS = (
    "number",
    "name",
    "given_name",
    "family_name",
    "email",
    "phone",
    "handle",
    "company",
    "segment",
    "order",
    "country",
    "currency",
    "birth_date",
    "created_at",
    "updated_at",
    "street",
    "postcode",
    "city",
)
TYPED = frozenset({"country", "currency", "birth_date", "created_at", "updated_at", "street", "postcode", "city"})
"""Fields whose values are brought into one form, and stay under the names of their columns."""
SEVERAL = frozenset({"email", "phone", "handle", "order", "country", "currency", "street"})
"""Fields that may come from several columns."""

# Words of a column's name that tell its field, compared without case, blanks, dashes and underscores.
_NAMES: dict[str, tuple[str, ...]] = {
    "number": (
        "customernumber", "customerno", "customerid", "custid", "clientid", "clientnumber", "accountnumber",
        "accountid", "accountno", "contactid", "memberid", "userid", "crmid", "kundennummer", "kundennr",
        "numeroclient", "numerocliente", "number", "id", "recid", "recordid", "uuid",
    ),
    "given_name": (
        "givenname", "firstname", "fname", "forename", "first", "given", "vorname", "prenom", "nombre", "voornaam",
        "imie",
    ),
    "family_name": (
        "familyname", "surname", "lastname", "lname", "last", "family", "nachname", "nomdefamille", "apellido",
        "apellidos", "cognome", "achternaam", "nazwisko",
    ),
    "name": (
        "name", "fullname", "customername", "contactname", "displayname", "clientname", "contact", "nom", "nome",
        "naam",
    ),
    "email": (
        "email", "emailaddress", "mail", "emails", "primaryemail", "workemail", "privateemail", "secondaryemail",
        "email1", "email2", "emailaddress2", "contactemail", "customeremail", "courriel", "correo",
    ),
    "phone": (
        "phone", "phonenumber", "telephone", "tel", "mobile", "mobilephone", "cell", "cellphone", "phone1", "phone2",
        "workphone", "homephone", "phones", "telefon", "telefono", "telefonnummer", "handy", "mobil", "msisdn",
    ),
    "handle": ("handle", "handles", "twitter", "twitterhandle", "instagram", "screenname", "socialhandle", "username"),
    "company": (
        "company", "companyname", "organisation", "organization", "organizationname", "employer", "firma",
        "unternehmen", "societe", "entreprise", "empresa", "azienda", "bedrijf", "accountname",
    ),
    "segment": ("segment", "customersegment", "tier", "plan", "category", "type", "customertype", "contract", "status"),
    "order": ("order", "ordernumber", "orderid", "orderno", "lastorder", "orders", "bestellnummer"),
    "country": (
        "country", "countrycode", "countryname", "nation", "land", "pays", "pais", "paese", "kraj", "billingcountry",
        "shippingcountry", "mailingcountry", "addresscountry",
    ),
    "currency": ("currency", "currencycode", "waehrung", "währung", "devise", "moneda", "valuta", "waluta"),
    "birth_date": (
        "birthdate", "dateofbirth", "dob", "birthday", "bday", "born", "geburtsdatum", "datedenaissance",
        "fechadenacimiento", "geboortedatum",
    ),
    "created_at": (
        "createdat", "created", "createddate", "datecreated", "customersince", "membersince", "since", "signupdate",
        "signedup", "registered", "registeredat", "registrationdate", "joined", "joindate", "subscriptiondate",
    ),
    "updated_at": (
        "updatedat", "updated", "lastmodified", "lastmodifieddate", "modified", "modifiedat", "changed", "changedat",
        "lastupdate", "lastupdated", "dateupdated",
    ),
    "street": (
        "street", "streetaddress", "address", "address1", "addressline1", "address2", "addressline2", "strasse",
        "straße", "adresse", "rue", "direccion", "indirizzo", "adres", "mailingstreet", "billingstreet",
    ),
    "postcode": (
        "postcode", "postalcode", "zip", "zipcode", "plz", "codepostal", "codigopostal", "cap", "mailingpostalcode",
        "billingpostalcode",
    ),
    "city": (
        "city", "town", "ort", "stadt", "ville", "ciudad", "citta", "città", "plaats", "miasto", "mailingcity",
        "billingcity",
    ),
}  # fmt: skip
_EVENT_NAMES: dict[str, tuple[str, ...]] = {
    "customer": (
        "customerid", "customernumber", "customerno", "customer", "custid", "clientid", "clientnumber", "accountid",
        "accountnumber", "userid", "memberid", "contactid", "buyerid", "kundennummer", "kundennr", "numeroclient",
    ),
    "email": ("email", "emailaddress", "mail", "customeremail", "buyeremail", "contactemail"),
    "number": (
        "ordernumber", "orderid", "orderno", "order", "invoicenumber", "invoiceno", "invoiceid", "transactionid",
        "bookingnumber", "bookingid", "ticketnumber", "bestellnummer", "rechnungsnummer", "number", "eventid", "id",
    ),
    "at": (
        "at", "orderdate", "orderedat", "purchasedate", "purchasedat", "invoicedate", "transactiondate", "eventtime",
        "eventdate", "createdat", "timestamp", "datetime", "date", "time", "bestelldatum", "datum",
    ),
    "kind": ("kind", "eventtype", "event", "type", "action", "art"),
    "amount": (
        "amount", "totalamount", "orderamount", "total", "ordertotal", "grandtotal", "totalprice", "price", "value",
        "ordervalue", "revenue", "sum", "betrag", "montant", "importe",
    ),
    "currency": _NAMES["currency"],
}  # fmt: skip
_LOOSE = re.compile(r"[\s_\-.:/()']")
_SAMPLE_ROWS = 200
Mapped = dict[str, tuple[str, ...]]
"""Field to the columns that hold it."""
Columns = Mapping[str, str | Sequence[str]]
"""The same as a user gives it: one column, or several."""


@dataclass(frozen=True)
class Schema:
    """What rows are (``Customers``), the names of the columns of each field, and the fields with several columns."""

    what: str
    fields: tuple[str, ...]
    names: Mapping[str, tuple[str, ...]]
    several: frozenset[str] = frozenset()


CUSTOMERS = Schema("Customers", FIELDS, _NAMES, SEVERAL)
EVENTS = Schema("Events", tuple(_EVENT_NAMES), _EVENT_NAMES)


def structured_rows(path: Path) -> Iterator[Row | Rejected]:
    """Yield the rows of a table: CSV, TSV, JSON Lines, JSON, Parquet or Excel.

    Raises
    ------
    NotFoundError
        There is no such file.
    UsageError
        The file is no table.
    DependencyError
        The reader of Excel files is not installed.
    """
    if not path.is_file():
        raise NotFoundError(f"There is no file {path}", hint="Check the path; quote names with spaces.")
    if path.suffix.lower() in EXCEL:
        return _excel(path)
    kind = kind_of(path)
    if kind not in TABLES:
        raise UsageError(
            f"{path.name} is no table",
            hint="Name it by its kind.",
            options=(".csv", ".tsv", ".jsonl", ".json", ".parquet", ".xlsx"),
        )
    return table_rows(path, str(kind))


def guess_fields(columns: Sequence[str], schema: Schema = CUSTOMERS) -> Mapped:
    """Guess by their names which columns hold what; ``name`` is left out where given and family name are there."""
    loose: dict[str, str] = {}
    for column in columns:
        loose.setdefault(_LOOSE.sub("", column.casefold()), column)
    found: Mapped = {}
    taken: set[str] = set()
    for field, names in schema.names.items():
        if field == "name" and "given_name" in found and "family_name" in found:
            continue
        chosen = [loose[name] for name in names if name in loose and loose[name] not in taken]
        if chosen:
            found[field] = tuple(chosen) if field in schema.several else (chosen[0],)
            taken.update(found[field])
    return {field: found[field] for field in schema.fields if field in found}


def fields_of(path: Path, mapping: Columns | None = None, *, guess: bool = True, schema: Schema = CUSTOMERS) -> Mapped:
    """Return the columns of each field in the file *path*: the user's *mapping*, and the guess for the rest.

    Raises
    ------
    UsageError
        *mapping* names a field or a column that does not exist.
    """
    return complete_fields(columns_in(path), mapping, guess=guess, schema=schema)


def columns_in(path: Path) -> list[str]:
    """Return the names of the columns of a table, from its first rows."""
    head = itertools.islice(structured_rows(path), _SAMPLE_ROWS)
    return list(dict.fromkeys(name for row in head if not isinstance(row, Rejected) for name in row[1]))


def complete_fields(
    columns: Sequence[str], mapping: Columns | None = None, *, guess: bool = True, schema: Schema = CUSTOMERS
) -> Mapped:
    """Return the user's *mapping* as columns by field, with the guess for what it leaves out if *guess*.

    Raises
    ------
    UsageError
        *mapping* names a field or a column that does not exist.
    """
    given = {field: (used,) if isinstance(used, str) else tuple(used) for field, used in (mapping or {}).items()}
    for field, used in given.items():
        if field not in schema.fields:
            what = f"{schema.what} have no field {field[:32]!r}"
            raise UsageError(what, hint="Write FIELD=COLUMN.", options=schema.fields)
        if any(column not in columns for column in used):
            raise UsageError(
                f"No column for the field {field} has the name that was given",
                hint="Check the header of the file.",
                options=[name[:60] for name in columns[:40]],
            )
    taken = {column for used in given.values() for column in used}
    guessed = guess_fields([column for column in columns if column not in taken], schema) if guess else {}
    if "name" in given:
        guessed.pop("given_name", None)
        guessed.pop("family_name", None)
    return {field: given.get(field) or guessed[field] for field in schema.fields if field in given or field in guessed}


def kind_of_table(path: Path) -> str:
    """Return ``excel``, ``csv``, ``tsv``, ``jsonl``, ``json`` or ``parquet``."""
    return "excel" if path.suffix.lower() in EXCEL else str(kind_of(path))


def _excel(path: Path) -> Iterator[Row | Rejected]:
    """Yield the rows of the first sheet; the first row that is not empty names the columns."""
    try:
        import openpyxl
    except ImportError as error:
        raise DependencyError("The reader of Excel files is missing", hint="pip install 'textcrm[tables]'") from error
    source = Source(kind="excel", name=path.name)
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except Exception as error:  # noqa: BLE001  (the library raises whatever its parsers raise: zip, XML, KeyError)
        detail = f"This is no Excel file that can be read ({type(error).__name__})."
        yield Rejected(path.read_bytes(), "unreadable", detail, source)
        return
    columns: list[str] = []
    try:
        for place, cells in enumerate(book.worksheets[0].iter_rows(values_only=True), start=1):
            values = [_cell(value) for value in cells]
            if not any(values):
                continue
            if not columns:
                columns = [value.strip() or str(index) for index, value in enumerate(values, start=1)]
                continue
            row = dict(zip(columns, values, strict=False))
            yield place, row, json.dumps(row, ensure_ascii=True).encode()
    finally:
        book.close()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == value.time().min else value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
