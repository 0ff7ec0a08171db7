"""Names of persons, told by the names themselves: known given and family names, and the endings of family names."""

# ruff: noqa: E501 (lists of words inside patterns read better unbroken)
from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from textcrm.entities.found import Found, Options
from textcrm.entities.letters import CAPITAL, UPPER
from textcrm.entities.lexicon import NATIONALITIES, NOT_NAMES, is_common, names

_PARTICLES = frozenset("de da do dos das del della di du van von der den la le el al bin ibn ter ten af av y e".split())
_RUN = re.compile(
    rf"(?<![\w@#/.-]){CAPITAL}(?:[ ]{{1,2}}(?:(?:de la|van der|van den|van de|von der|de|da|do|dos|das|del|della|di|du|van|von|la|el|al|bin|ibn|ter|af|av)[ ])?"
    rf"(?:[{UPPER}]\.?(?![\w])|{CAPITAL})){{0,5}}"
)
_WORD = re.compile(r"[^\s]+")
FAMILY_ENDING = re.compile(
    r"(?:ov|ova|ev|eva|yov|sky|skyi?|ski|ska|skaya|cki|cka|ský|ská|wicz|czyk|czak|ović|evic|evich|ovich|ovna|evna|ić|ič|čić|enko|chuk|yuk|ian|yan|dze|shvili|"
    r"sson|ssen|sen|son|dóttir|dottir|ström|berg|gren|quist|qvist|lund|stad|nen|lainen|ainen|escu|eanu|oiu|poulos|opoulou|idis|akis|oglu|zade|"
    r"ez|az|es|eira|inho|eau|ier|aux|ard|ert|elli|etti|ini|ucci|mann|stein|bauer|meier|maier|huber|ssmann|stra|sma|aerts|ema|inga)\Z"
)
_PLACEY = frozenset(
    "street st road avenue lane drive court square park hill hills lake river county city bridge university bank hotel "
    "airport station school college hospital inc ltd llc corp gmbh group company orchestra agency investments investment "
    "software research ratings insurance partners associates industries technologies solutions systems consulting foundation "
    "institute labs media networks holdings capital ventures services logistics motors foods airlines railways society "
    "association council ministry department office church museum theatre theater club league award prize act day".split()
)


def find(text: str, options: Options) -> Iterator[Found]:  # noqa: ARG001 (one signature for all)
    """Yield the names."""
    for run in _RUN.finditer(text):
        words = [(m.group(), run.start() + m.start(), run.start() + m.end()) for m in _WORD.finditer(run.group())]
        index = 0
        while index < len(words):
            taken, score = _name_at(words, index)
            if taken:
                start, end = words[index][1], words[index + taken - 1][2]
                end -= _tail(text, start, end)
                yield Found(start, end, "PERSON", score, "person_names")
            index += max(1, taken)


def echoes(text: str, persons: Iterable[str]) -> Iterator[Found]:
    """Yield where a part of a full name in *persons* stands alone elsewhere ("Vera Alderin ... Vera")."""
    parts = {word.strip(".,'’") for person in persons if " " in person for word in person.split()}
    parts = {word for word in parts if len(word) > 2 and word[0].isupper() and not is_common(word)}
    if not parts:
        return
    for match in re.finditer(rf"(?<![\w@./-])(?:{'|'.join(sorted(map(re.escape, parts)))})(?![\w@-])", text):
        yield Found(match.start(), match.end(), "PERSON", 0.63, "person_names")


def _name_at(words: list[tuple[str, int, int]], index: int) -> tuple[int, float]:
    """Return how many words from *index* are a name, and its score; (0, 0.0) where none is."""
    first = words[index][0]
    flags = _flags(first)
    taken = 1
    if first.endswith(("'s", "’s")):
        return _single(words, index, flags)
    while index + taken < len(words) and taken < 4 and _goes_on(words[index + taken][0]):
        taken += 1
        if words[index + taken - 1][0].endswith(("'s", "’s")):
            break
    while taken > 1 and (words[index + taken - 1][0].lower() in _PARTICLES or _initial(words[index + taken - 1][0])):
        taken -= 1
    if index + taken < len(words) and words[index + taken][0].strip(".,").lower() in _PLACEY:
        return (0, 0.0)
    last = words[index + taken - 1][0]
    if taken > 1:
        family = "s" in _flags(last) or FAMILY_ENDING.search(_bare(last)) is not None
        if "g" in flags and ("?" not in flags or family):
            return (taken, 0.76 if family else 0.7)
        if (
            family
            and "?" not in flags
            and not is_common(_bare(first))
            and not _initial(first)
            and not _placelike(first)
        ):
            return (taken, 0.6)
        middle = taken == 3 and _initial(words[index + 1][0])
        return (taken, 0.66) if middle and not is_common(_bare(first)) and not _initial(first) else (0, 0.0)
    return _single(words, index, flags)


def _single(words: list[tuple[str, int, int]], index: int, flags: str) -> tuple[int, float]:
    """Judge the word at *index* as a name that stands alone."""
    first = words[index][0]
    alone = len(first) > (4 if first.isupper() else 2)
    beside = [words[i][0] for i in (index - 1, index + 1) if 0 <= i < len(words)]
    if any(word.rstrip(".,").lower() not in NOT_NAMES for word in beside) and "g" not in flags:
        return (0, 0.0)
    if "g" in flags and "?" not in flags and alone:
        return (1, 0.62)
    if "s" in flags and "?" not in flags and alone:
        return (1, 0.52)
    return (0, 0.0)


def _bare(word: str) -> str:
    word = word.rstrip(".,")
    return word[:-2] if word.endswith(("'s", "’s")) else word.rstrip("'’")


def _flags(word: str) -> str:
    bare = _bare(word).lower()
    known = names()
    flags = known.get(bare, "")
    if not flags and "-" in bare:
        parts = [known.get(part, "") for part in bare.split("-")]
        flags = "g" if all("g" in part for part in parts) else "s?" if all(parts) else ""
    return flags


def _initial(word: str) -> bool:
    return len(word.rstrip(".")) == 1


def _placelike(word: str) -> bool:
    return _bare(word).lower() in NATIONALITIES or word.isupper()


def _goes_on(word: str) -> bool:
    bare = _bare(word)
    if bare.lower() in _PARTICLES or _initial(bare):
        return True
    return (
        bare.lower() not in _PLACEY
        and bare.lower() not in NATIONALITIES
        and ("s" in _flags(word) or not is_common(bare))
    )


def _tail(text: str, start: int, end: int) -> int:
    """Return how many characters of a genitive or a full stop to leave out at the end."""
    found = text[start:end]
    if found.endswith(("'s", "’s")):
        return 2
    return len(found) - len(found.rstrip("'’"))
