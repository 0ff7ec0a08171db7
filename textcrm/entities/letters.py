"""Shapes of words: what may begin a name, and how a word of a name looks.

``re`` has no class of capital letters beyond ASCII, so that class is written out here for Latin, Greek and Cyrillic.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

UPPER = "".join(chr(code) for code in range(0x0530) if chr(code).isupper())
# One word with a capital: Anna, O'Neil, D'Angelo, Jean-Luc, McKay, ANNA; without a genitive's 's. Possessive: a word is
# read once, and never shortened to make something else fit.
CAPITAL = rf"[{UPPER}]\w{{0,30}}+(?:['’](?![sS](?!\w))\w{{1,30}}+)?+(?:-\w{{1,30}}+){{0,2}}+"
# Where such a word may begin: not inside another.
START = r"(?<![\w-])(?<!\w['’])"
# A letter follows: a cheap look before a long list of words is tried.
LETTER = r"(?=[^\W\d_])"
LETTERS = r"(?=[^\W\d_]{3})"
# Chinese and Japanese write no blanks: beside their letters a number or a word begins and ends all the same.
WIDE = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
BEFORE = rf"(?<![^\W{WIDE}])"
AFTER = rf"(?![^\W{WIDE}])"
# A text without any digit holds no number: whole recognisers are passed by.
DIGIT = re.compile(r"\d")
# The blank within a line.
GAP = r"[ \t\u00a0]{1,2}"


def any_of(words: Iterable[str]) -> str:
    """Return the source of a pattern for one of *words*, the longest that fits.

    Words with the same first letter share a branch: where a text has another letter, they are passed by at once.
    """
    branches: dict[str, list[str]] = {}
    for word in sorted(set(words), key=lambda word: (-len(word), word)):
        branches.setdefault(word[0], []).append(re.escape(word[1:]))
    return "(?:" + "|".join(f"{re.escape(first)}(?:{'|'.join(rest)})" for first, rest in branches.items()) + ")"
