"""Mail headers: the block, encoded words, addresses, dates, ids. Lenient as mail is, linear in the length."""

from __future__ import annotations

import binascii
import re
from datetime import UTC, datetime
from email.message import Message as Fields
from email.policy import compat32
from email.utils import getaddresses, parsedate_tz

from textcrm.records import Author
from textcrm.sources.charsets import decode, known, usable

# RFC 5322, 2.2: a field name is printable ASCII without the colon. Blanks before the colon are obsolete but sent.
_FIELD = re.compile(rb"([!-9;-~]{1,100})[ \t]{0,10}:(.*)", re.DOTALL)
# RFC 2047, 2: =?charset?encoding?text?=, the language of RFC 2231 after a star.
_WORD = re.compile(r"=\?([^?\s*]{1,40})(?:\*[^?\s]{0,20})?\?([BbQq])\?([^?]{0,2000})\?=")
_BETWEEN = re.compile(r"(\?=)[ \t\r\n]{1,20}(?==\?)")
_ID = re.compile(r"<([^<>\s]{1,500})>")
_QP = re.compile(rb"=([0-9A-Fa-f]{2})")
_BLANKS = re.compile(r"\s+")
# Where a date fails for its comment or its weekday, this much of it is still good.
_MOST_PARAMETERS = 8_192
_DATE = re.compile(r"\d{1,2}[ -][A-Za-z]{3}[ -]\d{2,4}[ T]\d{1,2}:\d{2}(?::\d{2})?(?: [+-]\d{4})?")


def split(data: bytes, limit: int) -> tuple[Fields, int, list[str]]:
    """Read the header block at the start of *data*.

    Parameters
    ----------
    data
        A mail or a part of one.
    limit
        Bytes of header that are read at most.

    Returns
    -------
    The fields (values still raw, decoded one to one), where the body starts, and warnings: ``header_cut`` (a field
    beyond *limit* was left out), ``header_broken`` (the block ends in a line that is no field).
    """
    fields = Fields(policy=compat32)
    warnings: list[str] = []
    position, size = 0, len(data)
    name: str | None = None
    lines: list[bytes] = []
    while position < size:
        end = data.find(b"\n", position) + 1 or size
        line = data[position:end] if end - position <= limit else data[position : position + limit]
        stripped = line.rstrip(b"\r\n")
        if not stripped:
            position = end
            break
        if stripped[:1] in (b" ", b"\t") and name is not None:
            lines.append(stripped)
        else:
            match = _FIELD.match(stripped)
            if match is None:
                envelope = position == 0 and (stripped.startswith(b"From ") or stripped.startswith(b">From "))
                if not envelope:
                    if not stripped.strip():
                        position = end
                        break
                    warnings.append("header_broken")
                    break
            else:
                _put(fields, name, lines)
                name, lines = match[1].decode("ascii"), [match[2]]
        position = end
        if position > limit:
            if "header_cut" not in warnings:
                warnings.append("header_cut")
            position = _body(data, position)
            break
    _put(fields, name, lines)
    return fields, position, warnings


def _body(data: bytes, position: int) -> int:
    """Return where the body starts when the rest of the header is skipped."""
    ends = [found + len(gap) for gap in (b"\n\n", b"\n\r\n") if (found := data.find(gap, position - 1)) >= 0]
    return min(ends, default=len(data))


def _put(fields: Fields, name: str | None, lines: list[bytes]) -> None:
    if name is not None:
        raw = b"".join(lines)
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            text = decode(raw)[0]
        # parameters are parsed in quadratic time by the standard library: no honest one is longer than this
        most = _MOST_PARAMETERS if name.lower().startswith("content-") else len(text)
        fields[name] = usable(text.replace("\r", " ").replace("\n", " ").strip()[:most])


def words(value: str) -> str:
    """Return a header value with its encoded words decoded, on one line, blanks single."""
    if "=?" in value:
        value = _WORD.sub(_word, _BETWEEN.sub(r"\1", value))
    return usable(_BLANKS.sub(" ", value).strip())


def _word(match: re.Match[str]) -> str:
    charset, encoding, text = match.groups()
    data = text.encode("latin-1", "replace")
    data = base64(data) if encoding in "Bb" else _quoted(data)
    if known(charset) is None and data.isascii():
        return data.decode("ascii")
    return decode(data, charset)[0]


def _quoted(data: bytes) -> bytes:
    return _QP.sub(lambda match: bytes([int(match[1], 16)]), data.replace(b"_", b" "))


def base64(data: bytes) -> bytes:
    """Return *data* decoded; padding that is missing is added, what no decoder reads is dropped."""
    for candidate in (data, data + b"==", data[: len(data) // 4 * 4]):
        try:
            return binascii.a2b_base64(candidate)
        except binascii.Error:
            continue
    return b""


def addresses(fields: Fields, name: str, most: int = 200) -> list[tuple[str, str]]:
    """Return pairs of display name and address (lower case) in the fields *name*, at most *most*."""
    found: list[tuple[str, str]] = []
    for value in (fields.get_all(name) or [])[:20]:
        # parse first, decode after: an encoded name may hold a comma
        try:
            pairs = getaddresses([str(value)[:16_000]])
        except RecursionError:  # comments within comments within comments
            continue
        for display, address in pairs[:most]:
            clean = address.strip().strip("<>").lower()
            if "@" in clean or (display or clean):
                found.append((words(display).strip("\"' "), usable(clean) if "@" in clean else ""))
    return found[:most]


def author(fields: Fields) -> Author:
    """Return who wrote the mail, by From, Sender and Reply-To."""
    senders = addresses(fields, "from") or addresses(fields, "sender")
    name, email = next(((n, a) for n, a in senders if a), senders[0] if senders else ("", ""))
    if not name and not email and fields.get("from"):
        name = words(str(fields["from"]))[:200]
    reply = next((a for _, a in addresses(fields, "reply-to") if a), None)
    return Author(name=name or None, email=email or None, reply_to=reply if reply != email else None)


def ids(fields: Fields, name: str) -> tuple[str, ...]:
    """Return the message ids in the fields *name*, without their angle brackets, at most 200."""
    joined = " ".join(str(value) for value in (fields.get_all(name) or [])[:20])
    return tuple(usable(found) for found in _ID.findall(joined)[:200])


def date(fields: Fields) -> datetime | None:
    """Return the Date field in UTC, or None where it says nothing that can be a date."""
    value = str(fields.get("date") or "")[:200]
    match = _DATE.search(value)
    for candidate in (value, match[0] if match else ""):
        parsed = parsedate_tz(candidate) if candidate else None
        if parsed is None:
            continue
        try:
            moment = datetime(*parsed[:6], tzinfo=UTC).timestamp() - (parsed[9] or 0)
            return datetime.fromtimestamp(moment, UTC)
        except (ValueError, OverflowError, OSError, TypeError):
            continue
    return None
