"""Where a message ends and its closing and signature begin."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from textcrm.clean.closings import closing, looks_like_name
from textcrm.clean.contacts import is_contact, is_link, is_place, is_role, is_sentence, signature_like
from textcrm.clean.lines import Line, bare
from textcrm.records import Author

_MOST_TAIL = 16
_MOST_DELIMITED = 25
_TOKEN = re.compile(r"[^\W\d_]{2,}")
_DELIMITER = re.compile(r"(?:--|—|––|- -|_{2,80}|-{3,80}|={3,80}|\*{3,80}|~{3,80})")
# Quotes by these rules may stand between answers; what other rules find ends the own text above it.
_BETWEEN = frozenset({"quote_mark", "quote_wrapped", "html_blockquote"})
_PIECES = re.compile(r"\s{0,3}[|•·]\s{0,3}|, |\s[-–—/]\s|\s{3,20}")
_POSTSCRIPT = re.compile(r"p\.?\s?(?:p\.?\s?)?s\.?[ :.)-]", re.IGNORECASE)
_ENDS_SENTENCE = re.compile(r"[.!?:;。！？…)\"'][)\"']?$")


def name_tokens(author: Author) -> frozenset[str]:
    """Return the words of the author's name and of the local part of the address, in lower case."""
    words: set[str] = set()
    for source in (author.name or "", (author.email or "").partition("@")[0]):
        words |= {token.lower() for token in _TOKEN.findall(source.partition("[")[0].partition("@")[0])}
    return frozenset(words)


def mark_signatures(lines: Sequence[Line], names: frozenset[str]) -> None:
    """Mark closings and signatures at the end of each own stretch of *lines*, in place.

    Parameters
    ----------
    lines
        All lines; quotes and boilerplate marked already.
    names
        Words of the author's name, lower case; empty where it is unknown.
    """
    for line in lines:
        if line.kind == "own" and line.hint.startswith("signature"):
            line.mark("signature", f"html_{line.hint.partition(':')[2]}")
    for stretch in _stretches(lines):
        _mark_stretch(stretch, names)


def _stretches(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Yield the runs of own lines that end the message or stand above the head of a quote.

    Signatures that follow keep a run's end an end; an answer between two quoted passages has no signature.
    """
    last_own = max((i for i, line in enumerate(lines) if line.kind == "own" and not line.blank), default=-1)
    run: list[Line] = []
    for index, line in enumerate(lines):
        if line.kind == "own":
            run.append(line)
        elif line.kind in {"signature", "device", "footer"}:
            continue
        else:
            if run and (line.rule not in _BETWEEN or line.kind in {"header", "forwarded"} or index > last_own):
                yield run
            run = []
    if run:
        yield run


def _mark_stretch(stretch: list[Line], names: frozenset[str]) -> None:
    filled = [line for line in stretch if not line.blank]
    if not filled:
        return
    postscript = next((i for i, line in enumerate(filled) if i and _POSTSCRIPT.match(line.text.strip())), None)
    if postscript is not None and len(filled) - postscript <= 6:
        filled = filled[:postscript]
    position = {id(line): index for index, line in enumerate(stretch)}
    delimited = _delimited(filled, names)
    if delimited is not None:
        _sign(stretch, position[id(filled[delimited])], position[id(filled[-1])] + 1, "delimiter")
        filled = filled[:delimited]
    if len(filled) < 1:
        return
    start = _start(stretch, filled, names)
    if start is None:
        return
    index, rule = start
    _divide(stretch, filled, index, rule=rule, names=names)


def _delimited(filled: list[Line], names: frozenset[str]) -> int | None:
    """Return the index of the line that sets the signature apart (RFC 3676, 4.3, and drawn lines)."""
    for index, line in enumerate(filled):
        text = line.text.strip()
        if not _DELIMITER.fullmatch(text):
            continue
        after = filled[index + 1 :]
        if not after or len(after) > _MOST_DELIMITED:
            continue
        if text in {"--", "—", "––"}:
            # an enumeration has sentences below it; a signature at most a motto
            if index == 0 or sum(is_sentence(item.text) and len(item.text) > 60 for item in after) <= len(after) // 2:
                return index
        elif len(after) <= _MOST_TAIL and all(signature_like(item.text) for item in after):
            telling = sum(_tells(item.text) for item in after)
            if telling or _is_author(after[0].text, names):
                return index
    return None


def _tells(text: str) -> bool:
    return is_contact(text) or is_place(text) or is_role(text)


def _is_author(text: str, names: frozenset[str]) -> bool:
    """Return whether a line is the author's name: words of it, and few others."""
    line = bare(text)
    if not names or len(line) > 50:
        return False
    words = [token.lower() for token in _TOKEN.findall(line)]
    if not words or len(words) > 5 or any(char in "@:/?!" for char in line):
        return False
    known = sum(word in names or any(len(word) >= 3 and name.startswith(word) for name in names) for word in words)
    joined = "".join(words)
    return known * 2 >= len(words) or (len(words) == 1 and any(name in joined for name in names if len(name) > 3))


def _start(stretch: list[Line], filled: list[Line], names: frozenset[str]) -> tuple[int, str] | None:
    """Return where the end of the message begins (index into *filled*) and the rule that says so."""
    low = max(0, len(filled) - _MOST_TAIL)
    tail = len(filled)
    while tail > low:
        text = filled[tail - 1].text
        if not signature_like(text) and closing(text) is None and not _is_author(text, names):
            break
        tail -= 1
    for index in range(tail, len(filled)):
        kind = closing(filled[index].text)
        below = filled[index + 1 :]
        if kind == "signed" and (
            len(below) <= 1 or all(_tells(line.text) or signature_like(line.text) for line in below)
        ):
            return index, "closing"
        if kind == "letter" and (index > 0 or below):
            return index, "closing"
        if (
            kind == "thanks"
            and below
            and (looks_like_name(below[0].text, lenient=True) or _is_author(below[0].text, names))
        ):
            return index, "closing"
    for index in range(max(tail, 1), len(filled)):
        if _is_author(filled[index].text, names) and not _announced(filled[index - 1].text):
            return index, "author"
    return (
        _by_contacts(stretch, filled, max(tail, 1)) or _one_line(stretch, filled) or _bare_name(stretch, filled, names)
    )


def _by_contacts(stretch: list[Line], filled: list[Line], tail: int) -> tuple[int, str] | None:
    """A last block of at least two telling lines, below a name or a blank line, signs without a known author."""
    telling = [index for index in range(tail, len(filled)) if _tells(filled[index].text)]
    contacts = [index for index in telling if is_contact(filled[index].text)]
    # a list of links signs nothing: a phone number or a mail address does
    if not contacts or telling[-1] < len(filled) - 3 or all(is_link(filled[index].text) for index in contacts):
        return None
    first = telling[0]
    if _announced(filled[first - 1].text):
        return None
    if first > tail and looks_like_name(filled[first - 1].text):
        if _announced(filled[first - 2].text):
            return None
        # one line under a name is enough where the name stands apart
        enough = len(telling) >= 2 or (telling[-1] == len(filled) - 1 and _after_blank(stretch, filled[first - 1]))
        return (first - 1, "contacts") if enough else None
    if len(telling) < 2:
        return None
    return (first, "contacts") if _after_blank(stretch, filled[first]) and len(contacts) >= 2 else None


def _announced(text: str) -> bool:
    """What stands below "my new address:" is told by the author, and signs nothing."""
    return text.rstrip().endswith((":", "："))


def _one_line(stretch: list[Line], filled: list[Line]) -> tuple[int, str] | None:
    """A last line that holds all: "Ann Lee | Buyer | 020 7946 0018"."""
    last = len(filled) - 1
    if last < 1 or _announced(filled[last - 1].text) or not _after_blank(stretch, filled[last]):
        return None
    text = bare(filled[last].text)
    pieces = [piece for piece in _PIECES.split(text) if piece]
    if 2 <= len(pieces) <= 8 and looks_like_name(pieces[0]) and all(_tells(piece) for piece in pieces[1:]):
        return last, "one_line"
    return None


def _bare_name(stretch: list[Line], filled: list[Line], names: frozenset[str]) -> tuple[int, str] | None:
    """A last line that is a name and nothing else, below a finished sentence."""
    last = len(filled) - 1
    text = filled[last].text
    if last < 1 or not looks_like_name(text) or is_role(text):
        return None
    above = filled[last - 1].text.strip()
    words = bare(text).split()
    if not _ENDS_SENTENCE.search(above) or above.endswith(":"):
        return None
    if not _after_blank(stretch, filled[last]):
        return None
    if len(words) == 1 or not names or len(words) == 2:
        return last, "bare_name"
    return None


def _after_blank(stretch: list[Line], line: Line) -> bool:
    index = next(i for i, item in enumerate(stretch) if item is line)
    return index > 0 and stretch[index - 1].blank


def _divide(stretch: list[Line], filled: list[Line], index: int, *, rule: str, names: frozenset[str]) -> None:
    """Mark the closing from ``filled[index]`` on, and the signature below it."""
    position = {id(line): place for place, line in enumerate(stretch)}
    end = position[id(filled[-1])] + 1
    start = position[id(filled[index])]
    if rule in {"contacts", "one_line"} or (rule == "author" and index + 1 < len(filled)):
        _sign(stretch, start, end, rule)
        return
    last = index
    signed = rule != "closing" or closing(filled[index].text) == "signed"
    while last + 1 < len(filled):
        text = filled[last + 1].text
        if closing(text) is not None and not signed and closing(text) != "signed":
            last += 1
        elif not signed and not is_contact(text) and (looks_like_name(text, lenient=True) or _is_author(text, names)):
            last += 1
            signed = True
        else:
            break
    below = position[id(filled[last])] + 1
    for line in stretch[start:below]:
        line.mark("closing", rule)
    if last + 1 < len(filled):
        _sign(stretch, below, end, f"below_{rule}")


def _sign(stretch: list[Line], start: int, end: int, rule: str) -> None:
    for line in stretch[start:end]:
        line.mark("signature", rule)
