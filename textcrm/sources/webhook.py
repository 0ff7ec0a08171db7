"""Messages that another system posts as JSON: one object, or a list of them.

A field is named by its path, ``data.comment.body``; ``0`` is the first of a list. Fields that the mapping of the
source leaves out are guessed from their names, as those of a table are (`textcrm.sources.mapping`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from textcrm.records import Channel, Message, Source
from textcrm.sources.mapping import guess_mapping
from textcrm.sources.rejected import Rejected
from textcrm.sources.rows import to_message

MOST_ITEMS = 1_000
MOST_FIELDS = 1_000
MOST_DEPTH = 16


def read_hook(
    body: bytes, *, name: str, channel: Channel, mapping: Mapping[str, str], received_at: datetime
) -> Iterator[Message | Rejected]:
    """Yield the messages in a body.

    Parameters
    ----------
    mapping
        Message field (`textcrm.sources.mapping.FIELDS`) to path.
    """
    source = Source(kind="webhook", name=name)
    try:
        value = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        yield Rejected(body, "bad_json", "The body is no JSON.", source)
        return
    items = value if isinstance(value, list) else [value]
    if len(items) > MOST_ITEMS:
        yield Rejected(body, "too_large", f"A body holds at most {MOST_ITEMS} messages.", source)
        return
    for place, item in enumerate(items, 1):
        here = source.model_copy(update={"place": place})
        raw = body if items is not value else json.dumps(item).encode()
        if not isinstance(item, dict):
            yield Rejected(raw, "schema", "A message is an object.", here)
            continue
        cells = dict(flat(item))
        rest = [path for path in cells if path not in mapping.values()]
        guessed = {field: path for field, path in guess_mapping(rest, [cells]).items() if field not in mapping}
        yield to_message(cells, {**guessed, **mapping}, raw=raw, channel=channel, received_at=received_at, source=here)


def flat(value: Any) -> Iterator[tuple[str, str]]:
    """Yield the plain values in *value*, each with its path: up to `MOST_FIELDS`, up to `MOST_DEPTH` deep."""
    left = MOST_FIELDS
    stack: list[tuple[str, Any, int]] = [("", value, 0)]
    while stack and left > 0:
        path, found, depth = stack.pop()
        if isinstance(found, dict | list):
            if depth < MOST_DEPTH:
                inner = found.items() if isinstance(found, dict) else enumerate(found)
                some = [(f"{path}.{key}" if path else str(key), one, depth + 1) for key, one in inner][:MOST_FIELDS]
                stack += reversed(some)
        elif found is not None:
            left -= 1
            yield path, found if isinstance(found, str) else json.dumps(found)
