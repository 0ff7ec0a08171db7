"""Bytes to text: declared, detected and mistaken character sets. Never raises, never drops a byte silently."""

from __future__ import annotations

import codecs

# Codecs that Python knows and that are no character set of a mail: they transform, recurse, or interpret escapes.
_REFUSED = frozenset({"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "mbcs", "oem"})
# Names seen in mail that Python does not know, or whose honest meaning is the superset that everybody sends.
_ALIASES = {
    "x-user-defined": "cp1252",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "ansi": "cp1252",
    "ansi_x3.4-1968": "ascii",
    "ascii": "cp1252",
    "us-ascii": "cp1252",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "x-gbk": "gb18030",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-sjis": "cp932",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-windows-949": "cp949",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "euc-kr": "cp949",
    "iso-2022-jp": "iso2022_jp_ext",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
    "x-euc-jp": "euc_jp",
    "windows-874": "cp874",
    "unicode-1-1-utf-7": "utf-7",
    "utf8mb4": "utf-8",
}
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_REPLACED = "\N{REPLACEMENT CHARACTER}"
_SAMPLE = 65_536
_WESTERN = "–—’‘‚“”„€°«»…·•©®™£§¿¡ºª½²\xa0"


def known(name: str) -> str | None:
    """Return the codec for the charset label *name*, or None where it is no character set that may be used."""
    label = name.strip().strip("\"'").lower().replace(" ", "-")
    label = _ALIASES.get(label, label)
    if not label or len(label) > 40 or not label.isascii():
        return None
    try:
        info = codecs.lookup(label)
    except (LookupError, ValueError):
        return None
    if not getattr(info, "_is_text_encoding", True) or info.name.replace("-", "_") in _REFUSED:
        return None
    return info.name


def bom(data: bytes) -> str | None:
    """Return the encoding that the byte order mark of *data* names, or None."""
    return next((encoding for mark, encoding in _BOMS if data.startswith(mark)), None)


def detect(data: bytes) -> str:
    """Return the most likely encoding of *data*, of which the first 64 KB are read.

    Byte order mark, then UTF-8 where it fits, then UTF-16 by its zero bytes, then charset-normalizer's opinion, then
    Windows-1252.
    """
    marked = bom(data)
    if marked:
        return marked
    sample = data[:_SAMPLE]
    if b"\0" not in sample and _fits_utf8(sample, whole=len(sample) == len(data)):
        # ISO-2022 texts are pure ASCII with escapes; UTF-8 "fits" them and reads nonsense
        return "iso2022_jp_ext" if b"\x1b$" in sample or b"\x1b(J" in sample else "utf-8"
    half = len(sample) // 2 or 1
    if sample[1::2].count(0) > 0.4 * half:
        return "utf-16-le"
    if sample[0::2].count(0) > 0.4 * half:
        return "utf-16-be"
    return "utf-8" if _fits_utf8(sample, whole=len(sample) == len(data)) else _guess(sample)


def decode(data: bytes, declared: str | None = None) -> tuple[str, tuple[str, ...]]:
    """Return *data* as text, with warnings.

    Parameters
    ----------
    data
        The bytes, transfer encoding already undone.
    declared
        The charset label that came with them, if any.

    Returns
    -------
    The text, in which U+FFFD stands for bytes that no encoding explains and for NUL, and the warnings
    ``charset_unknown``, ``charset_wrong``, ``charset_guessed``, ``bytes_replaced``, ``nul_replaced``.
    """
    warnings: list[str] = []
    codec = known(declared) if declared else None
    if declared and codec is None:
        warnings.append("charset_unknown")
    text = _try(data, codec) if codec else None
    if codec and text is not None and codec == "cp1252" and not data.isascii() and _fits_utf8(data, whole=True):
        # UTF-8 that calls itself Latin-1; the other way round cannot pass for UTF-8
        text = data.decode("utf-8")
        warnings.append("charset_wrong")
    if text is None:
        if codec and not data.isascii():
            warnings.append("charset_wrong")
        encoding = detect(data)
        if not data.isascii() and not declared and encoding not in {"utf-8", "utf-8-sig"}:
            warnings.append("charset_guessed")
        text = _try(data, encoding)
        if text is None:
            text = data.decode(codec or "cp1252", "replace")
            warnings.append("bytes_replaced")
    return usable(text.removeprefix("\ufeff"), warnings), tuple(warnings)


def usable(text: str, warnings: list[str] | None = None) -> str:
    """Return *text* without what a database string cannot hold: NUL and lone surrogates become U+FFFD."""
    if "\0" in text:
        text = text.replace("\0", _REPLACED)
        if warnings is not None:
            warnings.append("nul_replaced")
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            # pairs of surrogates (JSON escapes) become their character; lone ones U+FFFD
            text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
            if warnings is not None:
                warnings.append("surrogate_replaced")
    return text


def _try(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeError, ValueError, LookupError, OverflowError):
        return None


def _fits_utf8(data: bytes, *, whole: bool) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data, final=whole)
    except UnicodeDecodeError:
        return False
    return True


def _guess(sample: bytes) -> str:
    """Guess an 8-bit or East Asian encoding. Few high bytes: a western text, unless it would hold odd signs."""
    high = sample.translate(None, bytes(range(128)))
    if len(high) < max(8, 0.25 * len(sample)):
        western = high.decode("cp1252", "replace")
        odd = sum(not (char.isalpha() and char not in "æÆ¹³ªº") and char not in _WESTERN for char in western)
        if odd <= 0.1 * len(western):
            return "cp1252"
    from charset_normalizer import from_bytes

    best = from_bytes(sample[:8192], threshold=0.3, explain=False).best()
    if best is None:
        return "cp1252"
    return _ALIASES.get(best.encoding.replace("_", "-"), best.encoding)
