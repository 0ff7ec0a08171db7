"""Which column of a table is what: guessed from names, and from the values where the names say nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from textcrm.errors import UsageError

FIELDS = (
    "text",
    "subject",
    "author_name",
    "author_email",
    "phone",
    "handle",
    "customer_number",
    "sent_at",
    "external_id",
    "product",
    "channel",
    "language",
)
# Names in the order of preference, compared without case, blanks, dashes, underscores and dots.
_NAMES: dict[str, tuple[str, ...]] = {
    "text": (
        "text", "body", "message", "content", "reviewtext", "reviewbody", "review", "comment", "comments", "tweet",
        "fulltext", "post", "description", "feedback", "messagetext", "messagebody", "bodytext", "complaint",
        "narrative", "consumercomplaintnarrative", "utterance", "query", "question", "nachricht", "texte", "mensaje",
        "texto", "testo", "bericht", "tresc", "сообщение", "текст", "内容", "本文",
    ),
    "subject": (
        "subject", "title", "summary", "reviewtitle", "headline", "betreff", "objet", "asunto", "assunto", "oggetto",
        "onderwerp", "temat", "тема", "主题", "件名",
    ),
    "author_email": (
        "email", "authoremail", "useremail", "customeremail", "fromemail", "emailaddress", "mail", "senderemail",
        "from", "sender", "author.email", "courriel", "correo",
    ),
    "author_name": (
        "authorname", "author", "name", "customername", "username", "reviewername", "reviewer", "fullname",
        "displayname", "fromname", "sendername", "customer", "nom", "nombre", "nome", "naam",
    ),
    "phone": ("phone", "phonenumber", "telephone", "mobile", "tel", "telefon", "telefono", "msisdn"),
    "handle": ("handle", "screenname", "userhandle", "twitterhandle", "accounthandle", "nick", "nickname"),
    "customer_number": (
        "customernumber", "customerid", "customerno", "clientid", "accountnumber", "accountid", "kundennummer",
        "crmid",
    ),
    "sent_at": (
        "sentat", "date", "createdat", "created", "timestamp", "time", "datetime", "reviewdate", "sent", "senttime",
        "postedat", "published", "publishedat", "dateadded", "datum", "fecha", "data",
    ),
    "external_id": (
        "externalid", "messageid", "id", "reviewid", "tweetid", "ticketid", "postid", "uuid", "guid", "idstr",
        "caseid", "complaintid",
    ),
    "product": ("product", "productname", "producttitle", "item", "sku", "asin", "productid", "produkt", "produit"),
    "channel": ("channel", "medium", "via"),
    "language": ("language", "lang", "locale", "sprache", "langue", "idioma"),
}  # fmt: skip
_LOOSE = re.compile(r"[\s_\-.:/]")
_ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}\.[A-Za-z]{2,24}")


def guess_mapping(columns: Sequence[str], sample_rows: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Guess which column holds which field.

    Parameters
    ----------
    columns
        The column names, in order.
    sample_rows
        Some rows, by column name.

    Returns
    -------
    Field to column; each column is given once. ``text`` falls to the column with the longest values where no name
    says text, and is missing where no column reads like text.
    """
    loose: dict[str, str] = {}
    for column in columns:
        loose.setdefault(_LOOSE.sub("", column.casefold()), column)
    found: dict[str, str] = {}
    taken: set[str] = set()
    for field, names in _NAMES.items():
        named = (loose.get(_LOOSE.sub("", name), "") for name in names)
        chosen = next((c for c in named if c and c not in taken and _fits(field, c, sample_rows)), None)
        if chosen is not None:
            found[field] = chosen
            taken.add(chosen)
    if "text" not in found:
        lengths = {
            column: sum(len(str(row.get(column) or "")) for row in sample_rows) / len(sample_rows)
            for column in columns
            if sample_rows and column not in taken
        }
        best = max(lengths, key=lambda column: lengths[column], default=None)
        if best is not None and lengths[best] >= 12 and any(" " in str(row.get(best) or "") for row in sample_rows):
            found["text"] = best
    return {field: found[field] for field in FIELDS if field in found}


def _fits(field: str, column: str, rows: Sequence[Mapping[str, str]]) -> bool:
    """A column named "from" is an address only where it holds addresses; a name column must not."""
    values = [str(row.get(column) or "") for row in rows]
    values = [value for value in values if value.strip()]
    if not values:
        return True
    share = sum(_ADDRESS.search(value[:300]) is not None for value in values) / len(values)
    if field == "author_email":
        return share > 0.5
    if field == "author_name":
        return share < 0.5
    if field == "text":
        # a number, a code or a flag is no text, whatever its column is called
        return any(sum(map(str.isalpha, value)) > len(value) / 3 for value in values)
    return True


def complete_mapping(
    mapping: Mapping[str, str] | None, columns: Sequence[str], sample_rows: Sequence[Mapping[str, str]]
) -> dict[str, str]:
    """Return the user's *mapping*, with the guess for the fields that it leaves out.

    Raises
    ------
    UsageError
        A field does not exist, or a column does not.
    """
    mapping = mapping or {}
    for field, column in mapping.items():
        if field not in FIELDS:
            raise UsageError("there is no such field to map to", hint="Write FIELD=COLUMN.", options=FIELDS)
        if column not in columns:
            raise UsageError(
                f"no column for the field {field} has the name that was given",
                hint="Check the header of the file.",
                options=[name[:60] for name in columns[:40]],
            )
    rest = [column for column in columns if column not in mapping.values()]
    guessed = {field: column for field, column in guess_mapping(rest, sample_rows).items() if field not in mapping}
    return {**mapping, **guessed}
