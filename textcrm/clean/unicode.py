"""Characters: invisible ones out, blanks made plain, accents composed; every step keeps its offsets."""

from __future__ import annotations

import re
import unicodedata

from textcrm.clean.offsets import Mapped

# Zero-width space, soft hyphen, word joiner, byte order mark, bidi marks and controls, interlinear marks, C0 and C1
# controls but tab and line feed. Joiners (U+200C, U+200D) stay: emoji, Persian and Indic words need them.
_INVISIBLE = re.compile(
    "[\u200b\u00ad\u2060\ufeff\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\u2061-\u2064\ufff9-\ufffb"
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]"
)
_BLANK = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\t]")
_COMBINED = re.compile("[^\u0300-\u036f\u3099\u309a][\u0300-\u036f\u3099\u309a]{1,8}")


def tidy(line: Mapped) -> Mapped:
    """Return *line* without invisible characters, every blank a space, letters and accents composed (NFC)."""
    text = line.text
    if text.isascii() and text.isprintable():
        return line
    if _INVISIBLE.search(text):
        line = line.sub(_INVISIBLE, lambda _: "")
    if _BLANK.search(line.text):
        line = line.sub(_BLANK, lambda _: " ")
    if not text.isascii() and not unicodedata.is_normalized("NFC", line.text):
        line = line.sub(_COMBINED, lambda match: unicodedata.normalize("NFC", match[0]))
    return line
