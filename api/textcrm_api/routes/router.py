"""What the routers have in common."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from textcrm.errors import TextcrmError
from textcrm_api import cursors
from textcrm_api.answers import ItemError, Unit
from textcrm_api.gate import GatedRoute
from textcrm_api.problems import item_error

PathId = Annotated[str, Path(min_length=1, max_length=128)]
PathName = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Limit = Annotated[int, Query(ge=1, le=200, description="Rows of a page.")]
Cursor = Annotated[
    str | None, Query(pattern=cursors.PATTERN, description="`next` of the page before.", examples=[None])
]
Value = Annotated[str | None, Query(min_length=1, max_length=128)]
Offsets = Annotated[
    Unit, Query(description="Unit of offsets: Unicode code points (Python), or UTF-16 units (JavaScript, Java).")
]


def make(tag: str, **options: Any) -> APIRouter:
    """Return a router whose routes are gated."""
    return APIRouter(route_class=GatedRoute, tags=[tag], **options)


def error_of(result: object) -> ItemError | None:
    """Return why an item failed, or None where it did not."""
    if not isinstance(result, TextcrmError):
        return None
    code, detail = item_error(result)
    return ItemError(code=code, detail=detail)
