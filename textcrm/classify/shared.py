"""Texts that several models read in turn: what was counted for one is there for the next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self, TypeVar, cast

T = TypeVar("T")


class SharedTexts(tuple[str, ...]):
    """Hand it to the models in the place of a list; what it remembers goes when it goes."""

    made: dict[object, Any]

    def __new__(cls, texts: Iterable[str]) -> Self:
        """Take *texts* in their order."""
        new = super().__new__(cls, texts)
        new.made = {}
        return new


def once(texts: Sequence[str], key: object, make: Callable[[], T]) -> T:
    """Return what *make* gives, made once for *texts* that are shared; *key* names it."""
    if not isinstance(texts, SharedTexts):
        return make()
    if key not in texts.made:
        texts.made[key] = make()
    return cast(T, texts.made[key])
