"""HTML mail as the lines a reader sees, each with its place in the source and the container it stood in."""

from __future__ import annotations

import html as entities
import re

from textcrm.clean.html_tags import tokens
from textcrm.clean.lines import Line, depth_of
from textcrm.clean.offsets import Builder, Mapped
from textcrm.clean.unicode import tidy

_BLOCKS = frozenset(
    """p div br li tr table tbody thead ul ol dl dt dd h1 h2 h3 h4 h5 h6 blockquote pre hr body html section article
    header footer aside main nav form fieldset address center figure figcaption caption title""".split()
)
_SPACED = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "hr", "table", "blockquote", "pre"})
_CELLS = frozenset({"td", "th"})
_TIGHT = re.compile(r"MsoNormal|margin(?:-bottom)?:\s?0", re.IGNORECASE)
# Blanks that HTML shows as one, and character references.
_SPECIAL = re.compile(
    r"[ \t\r\n\f]{2,}|[\t\r\n\f]|&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});?|\xa0"
)
_PRE = re.compile(r"\r\n|[\r\n]|&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});?")

# How mail programs mark their containers, by what stands in the opening tag. From mail written by the programs named.
_HINTS = re.compile(
    r"""(?P<attribution>gmail_attr|moz-cite-prefix|yahoo_quoted_begin|yahoo_quote_header|moz-email-headers-table)
    |(?P<gmail>gmail_quote(?!_)|gmail_quote_container)
    |(?P<quote>yahoo_quoted|OLK_SRC_BODY_SECTION|protonmail_quote|tutanota_quote|moz-forward-container|zmail_extra
        |mail-editor-reference-message|ms-outlook-mobile-reference-message|bloop_original_html|AOLMsgPart|replyForwardHeader
        |messageReplySection|isReplyContent|isForwardContent|qt-ReplyQuote|wm_quote|hm_quote|OutlookMessageHeader
        |class=["']?(?:mail-quote|mail_quote|quoted-text|WordQuote|cite|quotebody|reply-quote)["' >]
        |name=["']?quote["' >])
    |(?P<cut>stopSpelling|zwchr|divRplyFwdMsg|appendonsend|SkyDrivePlaceholder
        |id=["']?(?:x_)?(?:reply-?intro|origbody)["' >])
    |(?P<rule>border-top:\s?solid|border-top-style:\s?solid|border-top:\s?[0-9.]+p[xt]\s+solid)
    |(?P<signature>gmail_signature|moz-signature|data-signatureblock|protonmail_signature_block|bloop_sign
        |AppleMailSignature|messageSignatureSection|ms-outlook-mobile-signature|mobile-signature
        |class=["']?(?:signature|email-signature)["' >]
        |id=["']?(?:x_)?(?:ms-outlook-)?(?:Signature|signature|mail-signature|_MailAutoSig)["' >])
    |(?P<hidden>display:\s?none|mso-hide:\s?all|visibility:\s?hidden|font-size:\s?0(?:px|pt)?[;"' ]|max-height:\s?0)""",
    re.VERBOSE | re.IGNORECASE,
)
_NAMED = re.compile(r"\s(?:class|id|name|style|data-[a-z]{1,20})\s?=", re.IGNORECASE)
# An indented paragraph of Gmail's editor is a blockquote that quotes nobody.
_INDENT = re.compile(r"margin:\s?0(?:px)?\s0(?:px)?\s0(?:px)?\s40px", re.IGNORECASE)


class _Frame:
    """An open element that matters: its tag, its hint, and whether its content is hidden or preformatted."""

    __slots__ = ("hidden", "hint", "name", "pre", "quoted", "spaced")

    def __init__(self, name: str, hint: str, *, hidden: bool, pre: bool, spaced: bool = False) -> None:
        self.name = name
        self.hint = hint
        self.hidden = hidden
        self.pre = pre
        self.spaced = spaced
        self.quoted = False


class _Renderer:
    """Collects lines while the tokens go by."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.lines: list[Line] = []
        self.stack: list[_Frame] = [_Frame("", "", hidden=False, pre=False)]
        self.open: dict[str, int] = {}
        self.known: dict[str, re.Match[str] | None] = {}  # the same tags come again and again
        self.builder = Builder()
        self.start = -1
        self.end = 0
        self.cut = ""
        self.gap = False

    def text(self, start: int, end: int) -> None:
        frame = self.stack[-1]
        if frame.hidden:
            return
        if frame.pre:
            self._pre(start, end)
            return
        source, builder = self.source, self.builder
        position = start
        for match in _SPECIAL.finditer(source, start, end):
            at, after = match.span()
            if position < at:
                self._add(source[position:at], position, at)
            first = source[at]
            if first == "&":
                self._add(entities.unescape(match[0]).replace("\n", " "), at, after)
            elif first == "\xa0" or builder.length:
                self._add(" ", at, after)
            position = after
        if position < end:
            self._add(source[position:end], position, end)

    def _add(self, text: str, start: int, end: int) -> None:
        if self.builder.length == 0:
            if text == " " or not text:
                return
            self.start = start
        self.builder.add(text, start, end)
        self.end = end

    def _pre(self, start: int, end: int) -> None:
        position = start
        for match in _PRE.finditer(self.source, start, end):
            at, after = match.span()
            if position < at:
                self._add(self.source[position:at], position, at)
            if self.source[at] == "&":
                self._add(entities.unescape(match[0]), at, after)
            else:
                self.break_line(after, keep_blank=True)
            position = after
        if position < end:
            self._add(self.source[position:end], position, end)

    def break_line(self, position: int, *, keep_blank: bool = False) -> None:
        """End the line at *position*. A second break in a row is a blank line only where *keep_blank* says so."""
        hint = self.cut or self.stack[-1].hint
        if self.builder.length:
            body = tidy(self.builder.done())
            line = Line(body, self.start, self.end, hint, depth=depth_of(body.text))
            self.builder = Builder()
            if self.gap and self.lines and not line.blank:
                self._blank(line.start, hint)
            self.gap = False
            self.lines.append(line)
        elif keep_blank and self.lines:
            self._blank(position, hint)
            self.gap = False

    def _blank(self, position: int, hint: str) -> None:
        if not self.lines[-1].blank:
            self.lines.append(Line(Mapped("", []), position, position, hint))

    def open_tag(self, name: str, start: int, end: int) -> None:
        if name in _BLOCKS:
            self.break_line(start)
        elif name in _CELLS and self.builder.length:
            self.builder.add(" ", start, end)
        tag = self.source[start:end]
        frame = self.stack[-1]
        hint, hidden, pre = frame.hint, frame.hidden, frame.pre
        if tag not in self.known:
            self.known[tag] = _HINTS.search(tag) if _NAMED.search(tag) else None
        found = self.known[tag]
        if name == "blockquote":
            if not _INDENT.search(tag):
                self._quote_within()
                hint = "quote:blockquote"
        elif name == "pre":
            pre = True
        elif name == "head":
            hidden = True
        if found is not None and not (name == "blockquote" and hint):
            hint, hidden = self._hinted(found, hint, hidden=hidden)
        spaced = name in _SPACED and not _TIGHT.search(tag)
        self.gap = self.gap or spaced
        if len(self.stack) < 500:
            self.stack.append(_Frame(name, hint, hidden=hidden, pre=pre, spaced=spaced))
            self.open[name] = self.open.get(name, 0) + 1

    def _hinted(self, found: re.Match[str], hint: str, *, hidden: bool) -> tuple[str, bool]:
        mark = found.lastgroup or ""
        if mark == "hidden":
            return hint, True
        if mark == "cut":
            self.cut = self.cut or f"cut:{found[0][:24].strip()}"
            return self.cut, hidden
        if hint.startswith("quote"):
            return hint, hidden
        if mark == "gmail":
            return "gmail:gmail_quote", hidden
        name = re.sub(r"[^A-Za-z_-]", "", found[0])[:30]
        return f"{mark}:{name}", hidden

    def _quote_within(self) -> None:
        if "gmail" not in self.stack[-1].hint:
            return
        for frame in reversed(self.stack):
            if frame.hint.startswith("gmail"):
                frame.quoted = True

    def close_tag(self, name: str, start: int, end: int) -> None:
        if name in _BLOCKS:
            self.break_line(start)
        elif name in _CELLS and self.builder.length:
            self._add(" ", start, end)
        if not self.open.get(name):
            return
        while len(self.stack) > 1:
            frame = self.stack.pop()
            self.open[frame.name] -= 1
            self.gap = self.gap or frame.spaced
            if frame.name == name:
                break
        # what follows the quoted block within the quote container is an answer below it
        if name == "blockquote" and self.stack[-1].quoted:
            for frame in self.stack:
                if frame.hint.startswith("gmail"):
                    frame.hint = ""

    def void(self, name: str, start: int, end: int) -> None:
        if name == "br":
            self.break_line(end, keep_blank=True)
        elif name == "hr":
            self.break_line(start)
            found = _HINTS.search(self.source, start, end)
            if found is not None and found.lastgroup == "cut":
                self._hinted(found, "", hidden=False)
            self.gap = True


def html_lines(source: str, most: int) -> list[Line]:
    """Return the visible lines of HTML *source*, at most *most*.

    ``Line.hint`` is ``kind:name``, where the kind is ``quote``, ``gmail`` (a container that may hold answers too),
    ``attribution``, ``cut`` (from here on it is quoted), ``rule`` (below a line that Outlook draws), ``signature``.
    """
    renderer = _Renderer(source)
    for kind, name, start, end in tokens(source):
        if len(renderer.lines) >= most:
            return renderer.lines
        if kind == "text":
            renderer.text(start, end)
        elif kind == "open":
            renderer.open_tag(name, start, end)
        elif kind == "close":
            renderer.close_tag(name, start, end)
        else:
            renderer.void(name, start, end)
    renderer.break_line(len(source))
    return renderer.lines
