"""One row of a table becomes a ``Message``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_tz

from textcrm.records import CHANNELS, Author, Channel, Message, Source, message_key
from textcrm.sources.charsets import usable
from textcrm.sources.rejected import Rejected

_NUMERIC = re.compile(
    r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?:[ T,]{1,2}(\d{1,2}):(\d{2})(?::(\d{2}))?(?: ?([AaPp])\.?[Mm]\.?)?)?"
)
_TAGS = re.compile(r"<(?:br|p|div|span|b|i|a|ul|li|table|html|body)\b[^<>]{0,500}>", re.IGNORECASE)
_EPOCH = re.compile(r"\d{10}(?:\d{3})?(?:\.\d{1,9})?")
_MOST_EXTRA = 200


def to_message(
    row: Mapping[str, str],
    mapping: Mapping[str, str],
    *,
    raw: bytes,
    channel: Channel,
    received_at: datetime,
    source: Source,
) -> Message | Rejected:
    """Return the message of a row, or why it is none.

    ``raw`` are the bytes of the row, for the quarantine. Columns that are mapped to no field go to ``extra``.
    """
    warnings: list[str] = []

    def value(field: str) -> str | None:
        column = mapping.get(field)
        found = (row.get(column) or "").strip() if column is not None else ""
        return usable(found, warnings) or None

    text = usable(row.get(mapping.get("text", "")) or "", warnings)
    if not text.strip():
        return Rejected(raw, "no_text", "The row has no text in the column that holds it.", source)
    claimed = (value("channel") or "").lower()
    its_channel = claimed if claimed in CHANNELS else channel
    sent_at = when(value("sent_at"), warnings)
    mapped = set(mapping.values())
    extra = [(usable(name), usable(cell)) for name, cell in row.items() if cell and name not in mapped][:_MOST_EXTRA]
    for field in ("language",) if sent_at or not value("sent_at") else ("language", "sent_at"):
        if (kept := value(field)) is not None:
            extra.append((field, kept))
    author = Author(
        name=value("author_name"),
        email=(value("author_email") or "").lower() or None,
        phone=value("phone"),
        handle=value("handle"),
        customer_number=value("customer_number"),
    )
    external = value("external_id")
    identity = [text, value("subject") or "", author.model_dump_json(exclude_none=True)]
    if external is None:  # without an id of its own, a row is what it says: the same words of another day are another
        identity += [value("sent_at") or "", value("product") or "", *(cell for _, cell in extra)]
    return Message(
        id=message_key(its_channel, external_id=external, content="\n".join(identity)),
        channel=its_channel,
        text=text,
        content_type="text/html" if len(_TAGS.findall(text[:2000])) >= 3 else "text/plain",
        subject=value("subject"),
        author=author,
        sent_at=sent_at,
        received_at=received_at,
        source=source.model_copy(update={"external_id": external}),
        product=value("product"),
        extra=tuple(extra),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def when(value: str | None, warnings: list[str] | None = None) -> datetime | None:
    """Return the moment that *value* names, in UTC, or None.

    ISO 8601, seconds or milliseconds since 1970, mail dates, ``31.12.2024``, ``12/31/2024`` and ``31/12/2024``. Where
    day and month may be either, slashes are read month first and ``date_ambiguous`` is added to *warnings*; what is
    no date adds ``date_unreadable``. A time without a zone is taken as UTC.
    """
    if not value:
        return None
    warnings = warnings if warnings is not None else []
    text = value.strip()[:80]
    try:
        if _EPOCH.fullmatch(text):
            number = float(text)
            return datetime.fromtimestamp(number / 1000 if number > 1e11 else number, UTC)
        try:
            return _utc(datetime.fromisoformat(text.removesuffix(" UTC")))
        except ValueError:
            pass  # not ISO 8601: the other forms
        match = _NUMERIC.match(text)
        if match:
            return _numeric(match, warnings)
        parsed = parsedate_tz(text)
        if parsed:
            moment = datetime(*parsed[:6], tzinfo=UTC).timestamp() - (parsed[9] or 0)
            return datetime.fromtimestamp(moment, UTC)
    except (ValueError, OverflowError, OSError, TypeError):
        pass  # said below
    warnings.append("date_unreadable")
    return None


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _numeric(match: re.Match[str], warnings: list[str]) -> datetime:
    first, second, year = int(match[1]), int(match[3]), int(match[4])
    day_first = match[2] in ".-" or first > 12
    if match[2] == "/" and first <= 12 and second <= 12 and first != second:
        warnings.append("date_ambiguous")
    day, month = (first, second) if day_first else (second, first)
    hour = int(match[5] or 0)
    if match[8]:
        hour = hour % 12 + (12 if match[8] in "Pp" else 0)
    return datetime(year, month, day, hour, int(match[6] or 0), int(match[7] or 0), tzinfo=UTC)
