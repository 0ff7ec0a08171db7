"""The tree of a MIME message as a flat list of its leaves: iterative, linear, under caps."""

from __future__ import annotations

import binascii
from dataclasses import dataclass, field
from email.message import Message as Fields

from textcrm.errors import TooLargeError
from textcrm.sources.headers import base64, split, words

_MOST_STRANGERS = 20_000
_TNEF = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})


@dataclass(frozen=True, slots=True)
class Caps:
    """What a mail may have at most. Over a cap it goes to the quarantine whole, with its raw bytes.

    ``message_bytes`` is the size as received, ``header_bytes`` of one header block, ``parts`` all leaves and
    containers, ``depth`` the nesting, ``text_chars`` the decoded text (plain and HTML together).
    """

    message_bytes: int = 25_000_000
    header_bytes: int = 65_536
    parts: int = 200
    depth: int = 20
    text_chars: int = 2_000_000


@dataclass(slots=True)
class Leaf:
    """A part without parts: its fields and its body, transfer encoding still on."""

    fields: Fields
    body: bytes
    content_type: str
    depth: int
    embedded: bool
    warnings: list[str] = field(default_factory=list)

    @property
    def filename(self) -> str | None:
        """Name that the sender gave, RFC 2231 or RFC 2047 decoded; never used as a path."""
        try:
            name = self.fields.get_filename()
        except (LookupError, ValueError, TypeError):
            name = None
        return words(name)[:255] or None if name else None

    @property
    def charset(self) -> str | None:
        """The charset label, undecoded."""
        return parameter(self.fields, "charset")

    @property
    def is_attachment(self) -> bool:
        """True where the sender says so, or where it is no text to read."""
        disposition = str(self.fields.get("content-disposition") or "").strip().lower()
        if disposition.startswith("attachment"):
            return True
        return self.content_type not in {"text/plain", "text/html"} or (
            bool(self.filename) and not disposition.startswith("inline")
        )

    @property
    def is_tnef(self) -> bool:
        """True for Outlook's own container (winmail.dat)."""
        return self.content_type in _TNEF or (self.filename or "").lower() == "winmail.dat"

    def content(self) -> bytes:
        """Return the body with its transfer encoding undone, as far as it can be."""
        encoding = str(self.fields.get("content-transfer-encoding") or "").strip().lower().split(";")[0].strip()
        if encoding == "base64":
            decoded = base64(self.body)
            if decoded or not self.body.strip():
                return decoded
            self.warnings.append("transfer_encoding_wrong")
        elif encoding in {"quoted-printable", "qp"} or encoding.startswith("quoted"):
            return binascii.a2b_qp(self.body)
        elif encoding in {"x-uuencode", "uuencode", "x-uue", "uue"}:
            return _uudecode(self.body)
        return self.body


def parameter(fields: Fields, name: str, of: str = "content-type") -> str | None:
    """Return a parameter of a structured field, or None where there is none or it cannot be read."""
    try:
        value = fields.get_param(name, header=of)
    except (LookupError, ValueError, TypeError):
        return None
    if isinstance(value, tuple):  # RFC 2231: charset, language, value
        return str(value[2])
    return str(value) if value is not None else None


def leaves(data: bytes, caps: Caps) -> tuple[Fields, list[Leaf], list[str]]:
    """Take a mail apart.

    Parameters
    ----------
    data
        The mail as received.
    caps
        Limits on parts, depth and headers.

    Returns
    -------
    The fields of the mail, its leaves in order, and warnings.

    Raises
    ------
    TooLargeError
        More parts or deeper nesting than *caps* allow.
    """
    top, start, warnings = split(data, caps.header_bytes)
    found: list[Leaf] = []
    stack: list[tuple[Fields, bytes, int, bool, str]] = [(top, data[start:], 0, False, "text/plain")]
    seen = 0
    while stack:
        fields, body, depth, embedded, default = stack.pop()
        seen += 1
        if seen > caps.parts or depth > caps.depth:
            what = "parts" if seen > caps.parts else "levels of nesting"
            raise TooLargeError(f"the mail has too many {what}", hint="Raise the cap to take it from the quarantine.")
        kind = _content_type(fields, default)
        if kind.startswith("multipart/"):
            boundary = parameter(fields, "boundary")
            pieces = _pieces(body, boundary.encode("utf-8", "replace"), caps.parts) if boundary else []
            if pieces:
                inner = "message/rfc822" if kind == "multipart/digest" else "text/plain"
                for piece in reversed(pieces):
                    part, at, remarks = split(piece, caps.header_bytes)
                    stack.append((part, piece[at:], depth + 1, embedded, inner))
                    warnings += remarks
                continue
            if body.strip():
                warnings.append("multipart_without_parts")
            kind = "text/plain"
        leaf = Leaf(fields, body, kind, depth, embedded)
        found.append(leaf)
        if kind in {"message/rfc822", "message/global", "message/news"}:
            inside = leaf.content()
            part, at, remarks = split(inside, caps.header_bytes)
            stack.append((part, inside[at:], depth + 1, True, "text/plain"))
            warnings += remarks
    return top, found, warnings


def _content_type(fields: Fields, default: str) -> str:
    value = str(fields.get("content-type") or "").split(";")[0].strip().lower()
    if value.count("/") != 1 or value.startswith("/") or value.endswith("/"):
        # "text" alone is plain text; anything else that is no type is what the container says
        return "text/plain" if value.startswith("text") else default
    return value


def _pieces(body: bytes, boundary: bytes, most: int) -> list[bytes]:
    """Return what stands between the delimiter lines; text before the first and after the last is no part."""
    mark = b"\n--" + boundary.rstrip()
    pieces: list[bytes] = []
    start = -1
    position = 0
    strangers = 0
    while True:
        first = position == 0 and body.startswith(mark[1:])
        at = 0 if first else body.find(mark, max(0, position - 1)) + 1
        if at == 0 and not first:
            break
        end = at + len(mark) - 1
        line_end = body.find(b"\n", end)
        line_end = len(body) if line_end < 0 else line_end + 1
        rest = body[end : min(line_end, end + 80)].strip()
        position = end
        if rest not in {b"", b"--"}:
            strangers += 1  # the longer boundary of an inner multipart
            if strangers > _MOST_STRANGERS:
                raise TooLargeError("the mail has too many lines that look like delimiters", hint="Look at it by hand.")
            continue
        if start >= 0:
            pieces.append(_without_last_break(body[start:at]))
        if rest == b"--":
            return pieces
        if len(pieces) > most:
            raise TooLargeError("the mail has too many parts", hint="Raise the cap to take it from the quarantine.")
        start = position = line_end
    if start >= 0:  # the closing delimiter was cut off
        pieces.append(body[start:])
    return pieces


def _without_last_break(piece: bytes) -> bytes:
    """The line break before a delimiter belongs to the delimiter (RFC 2046, 5.1.1)."""
    if piece.endswith(b"\r\n"):
        return piece[:-2]
    return piece[:-1] if piece.endswith(b"\n") else piece


def _uudecode(body: bytes) -> bytes:
    decoded = bytearray()
    inside = False
    for line in body.splitlines():
        if not inside:
            inside = line.startswith(b"begin ")
        elif line.strip() == b"end":
            break
        else:
            try:
                decoded += binascii.a2b_uu(line)
            except binascii.Error:
                # encoders that count trailing blanks: read as many characters as the length byte promises
                length = (((line[0] - 32) & 63) * 4 + 5) // 3 if line else 0
                try:
                    decoded += binascii.a2b_uu(line[:length])
                except binascii.Error:
                    continue
    return bytes(decoded) if decoded else body
