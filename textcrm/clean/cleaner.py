"""A message becomes the author's own new text: what was quoted, signed and added apart, every offset kept."""

from __future__ import annotations

from collections.abc import Sequence

from textcrm.clean import social
from textcrm.clean.boilerplate import mark_boilerplate
from textcrm.clean.kinds import kind_of
from textcrm.clean.language import LanguageReader
from textcrm.clean.lines import Line, plain_lines
from textcrm.clean.markup import html_lines
from textcrm.clean.offsets import Builder, Mapped
from textcrm.clean.quotes import mark_quotes
from textcrm.clean.signatures import mark_signatures, name_tokens
from textcrm.records import CleanText, Language, Message, Part, PartKind

# Of a source this many times as long as the text may be, and this many lines, are read: HTML is mostly markup.
_SOURCE_SHARE = 8
_MOST_LINES = 10_000
_OWN = frozenset({"own", "closing"})
_SIGNATURE = frozenset({"signature", "device"})
_QUOTED = frozenset({"quoted", "forwarded", "header"})


class Cleaner:
    """Cleans messages. One instance may serve many threads.

    Parameters
    ----------
    quotes
        Set quoted and forwarded text of mail apart.
    signatures
        Set signatures, device lines and footers of mail apart.
    social
        Put posts and reviews (channels ``social`` and ``review``) into words that the models know.
    languages
        Codes of the languages that the models can read.
    max_chars
        ``CleanText.text`` is cut here, at a line, and flagged ``truncated``.
    """

    def __init__(
        self,
        *,
        quotes: bool = True,
        signatures: bool = True,
        social: bool = True,
        languages: Sequence[str] = ("en",),
        max_chars: int = 100_000,
    ) -> None:
        self._quotes = quotes
        self._signatures = signatures
        self._social = social
        self._language = LanguageReader(languages)
        self._max_chars = max_chars

    def language(self, text: str) -> Language:
        """Return the language of a plain text."""
        return self._language.read(text)

    def clean(self, message: Message) -> CleanText:
        """Return the own new text of *message*.

        Notes
        -----
        ``parts`` cover ``message.text`` without gaps. ``text`` holds the own lines and the closing; if nothing of
        the message would remain, it holds the whole and ``flags`` has ``nothing_left``.
        """
        lines, unread = self._lines(message)
        if message.channel == "email":
            if self._quotes:
                mark_quotes(lines)
            if self._signatures:
                mark_boilerplate(lines)
                mark_signatures(lines, name_tokens(message.author))
        _give_blanks(lines)
        flags: list[str] = []
        own = [line for line in lines if line.kind in _OWN]
        if not any(not line.blank for line in own) and any(not line.blank for line in lines):
            flags.append("nothing_left")
            own = _fallback(lines)
        text, cut = _joined(own, self._max_chars)
        if self._social and message.channel in {"social", "review"}:
            text = social.normalise(text).stripped()
        if cut or unread < len(message.text):
            flags.append("truncated")
        kind, rule = kind_of(message, text.text)
        return CleanText(
            message_id=message.id,
            text=text.text,
            offsets=text.to_map(),
            parts=_parts(lines, unread, len(message.text)),
            closing=_words([line for line in lines if line.kind == "closing"], self._max_chars),
            signature=_words([line for line in lines if line.kind in _SIGNATURE], self._max_chars),
            quoted=_words([line for line in lines if line.kind in _QUOTED], self._max_chars),
            language=self._language.read(text.text),
            kind=kind,
            kind_rule=rule,
            flags=tuple(flags),
        )

    def _lines(self, message: Message) -> tuple[list[Line], int]:
        """Return the lines of a message and where in it reading stopped."""
        source = message.text[: self._max_chars * _SOURCE_SHARE]
        read = html_lines if message.content_type == "text/html" else plain_lines
        lines = read(source, _MOST_LINES)
        return lines, lines[-1].end if len(lines) >= _MOST_LINES else len(source)


def _give_blanks(lines: Sequence[Line]) -> None:
    """A blank line belongs to what stands above it."""
    above = None
    for line in lines:
        if line.blank and line.kind == "own" and above is not None:
            line.mark(above.kind, above.rule)
        above = line


def _fallback(lines: Sequence[Line]) -> list[Line]:
    """Return what is kept where nothing own remains: all but the headers, or all."""
    return [line for line in lines if line.kind != "header"] or list(lines)


def _joined(lines: Sequence[Line], most: int) -> tuple[Mapped, bool]:
    """Return lines as one text, and whether it had to be cut at *most* characters.

    Blanks at line ends go, runs of blank lines become one, there are none at the ends.
    """
    builder = Builder()
    pending: list[Line] = []
    broke = -1
    for line in lines:
        text = line.text
        length = len(text.rstrip())
        if not length:
            if builder.length:
                pending.append(line)
            continue
        if builder.length + length > most:
            if not builder.length:
                builder.copy(line.body, 0, most)
            return builder.done(), True
        if builder.length:
            breaks = "\n\n" if pending else "\n"
            builder.add(breaks, broke, max(broke, line.start))
        pending = []
        # the indentation of the first line says nothing; further in it may be a list or code
        builder.copy(line.body, 0 if builder.length else length - len(text[:length].lstrip()), length)
        broke = _end_of(line)
    return builder.done(), False


def _words(lines: Sequence[Line], most: int) -> str:
    """Return what ``_joined`` does, without its origins: for display and for linking."""
    kept: list[str] = []
    for text in (line.text.rstrip() for line in lines):
        if text or (kept and kept[-1]):
            kept.append(text if kept else text.lstrip())
    return "\n".join(kept).strip()[:most]


def _end_of(line: Line) -> int:
    """Return where in the original the visible text of *line* ends."""
    segments = line.body.segments
    if not segments:
        return line.start
    visible = len(line.text.rstrip())
    clean, start, end = segments[-1]
    return min(end, start + visible - clean) if end - start == len(line.text) - clean else end


def _parts(lines: Sequence[Line], unread: int, length: int) -> tuple[Part, ...]:
    """Return the parts of the original: runs of lines of one kind and rule, and the markup between them."""
    runs: list[tuple[PartKind, str, int]] = []  # kind, rule, end; each starts where the one before ends
    position = 0
    for line in lines:
        start, end = max(line.start, position), max(line.end, position)
        if start > position:
            _extend(runs, "markup", "html", start)
        if end > start:
            _extend(runs, line.kind, line.rule, end)
        position = end
    if position < unread:
        _extend(runs, "markup", "html", unread)
    if unread < length:
        _extend(runs, "own", "not_read", length)
    starts = [0, *(end for _, _, end in runs)]
    return tuple(
        Part(kind=kind, start=start, end=end, rule=rule) for start, (kind, rule, end) in zip(starts, runs, strict=False)
    )


def _extend(runs: list[tuple[PartKind, str, int]], kind: PartKind, rule: str, end: int) -> None:
    if runs and runs[-1][0] == kind and runs[-1][1] == rule:
        runs[-1] = (kind, rule, end)
    else:
        runs.append((kind, rule, end))
