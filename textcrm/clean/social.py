"""Posts and reviews as the models read them: hashtags split, emoji as words, elongations cut; offsets kept."""

from __future__ import annotations

import html
import re
import unicodedata

from textcrm.clean.offsets import Mapped

_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
# "RT @handle:" in front, or " RT @handle:" within: what follows is another's post, kept, the mark goes.
_RETWEET = re.compile(r"(?:^|(?<=\s))(?:RT|MT|^rt)\s{1,3}@\w{1,30}:?\s{0,3}")
_URL = re.compile(r"(?:https?://|www\.)[^\s<>\"]{2,500}|\bpic\.twitter\.com/\w{1,30}")
_HANDLE = re.compile(r"(?<![\w@])@\w{1,40}")
_HASHTAGS = re.compile(r"(?<![\w&])(?:[#＃]\w{1,100}){1,20}")
_MARK = re.compile("[#＃]")
_ELONGATED = re.compile(r"([^\W\d_])\1{2,}")
_REPEATED_MARK = re.compile(r"([!?])\1{3,}")
_EMOJI = re.compile(
    "[\U0001f1e6-\U0001f1ff]{2}"
    "|[\U0001f300-\U0001f5ff\U0001f600-\U0001f64f\U0001f680-\U0001f6ff\U0001f900-\U0001f9ff"
    "\U0001fa70-\U0001faff\u2600-\u27bf\u2b50\u2b55\u2934\u2935\u231a\u231b\u23e9-\u23f3\u23f8-\u23fa]"
    "[\ufe0f\u20e3\U0001f3fb-\U0001f3ff]{0,2}(?:\u200d[\U0001f300-\U0001faff\u2600-\u27bf][\ufe0f\U0001f3fb-\U0001f3ff]{0,2}){0,4}"
)
_MODIFIERS = re.compile("[\u200d\ufe0f\u20e3\U0001f3fb-\U0001f3ff]")
_DROPPED = frozenset({"sign", "symbol", "with", "face"})


def normalise(text: Mapped) -> Mapped:
    """Return a post in the words that a model knows.

    HTML entities become characters, ``RT @x:`` goes, a handle is ``@user``, an address ``http``, ``#NeverAgain`` is
    ``Never Again``, an emoji its Unicode name in words, ``soooo`` is ``soo``.
    """
    if "&" in text.text:
        for _ in range(2):  # posts that went through two programs are escaped twice
            text = text.sub(_ENTITY, lambda match: html.unescape(match[0]).replace("\xa0", " "))
    if "@" in text.text:
        text = text.sub(_RETWEET, lambda _: "")
    text = text.sub(_URL, lambda _: "http")
    if "@" in text.text:
        text = text.sub(_HANDLE, lambda _: "@user")
    text = text.sub(_HASHTAGS, lambda match: " ".join(map(split_hashtag, _MARK.split(match[0][1:]))))
    text = text.sub(_ELONGATED, lambda match: match[1] * 2)
    text = text.sub(_REPEATED_MARK, lambda match: match[1] * 3)
    if not text.text.isascii():
        text = text.sub(_EMOJI, _emoji)
    return text


def split_hashtag(tag: str) -> str:
    """Return the words of a hashtag: by capitals, digits and underscores; one without them stays a word."""
    words, start = [], 0
    for at in range(1, len(tag)):
        if _begins_word(tag, at):
            words.append(tag[start:at])
            start = at
    words.append(tag[start:])
    return " ".join(word for word in (word.strip("_") for word in words) if word)


def _begins_word(tag: str, at: int) -> bool:
    """Return whether a word begins at *at*: after a small letter, or as the last capital of several."""
    before, char = tag[at - 1], tag[at]
    if "_" in (before, char):
        return char != "_"
    if before.isdigit() != char.isdigit():
        return True
    return char.isupper() and (before.islower() or (before.isupper() and tag[at + 1 : at + 2].islower()))


def _emoji(match: re.Match[str]) -> str:
    names = []
    for char in _MODIFIERS.sub("", match[0]):
        name = unicodedata.name(char, "").lower()
        if name.startswith("regional indicator"):
            return " flag "
        names += [word for word in name.replace("-", " ").split() if word not in _DROPPED]
    return f" {' '.join(names)} " if names else match[0]
