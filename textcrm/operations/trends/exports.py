"""Everything out, as streams: CSV that is safe against formulas, JSON Lines, Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, get_args

from textcrm.operations.customers.insights import COLUMNS, Cell, customer_rows, text_cell
from textcrm.records import Customer, Insight, Message
from textcrm.store import Store
from textcrm.store.exports import Exported, messages_with_insights

Format = Literal["csv", "jsonl", "parquet"]
FORMATS: tuple[Format, ...] = get_args(Format)
Shown = Callable[[Message, Insight | None], tuple[Message, Insight | None]]
Row = Mapping[str, Cell]
Pages = Iterable[Sequence[Row]]
MESSAGE_COLUMNS: dict[str, type] = {
    **dict.fromkeys(("id", "given_id", "channel"), str),
    **dict.fromkeys(("sent_at", "received_at"), datetime),
    **dict.fromkeys(("subject", "text", "product"), str),
    **dict.fromkeys(("author_name", "author_email", "author_phone", "author_handle", "author_customer_number"), str),
    **dict.fromkeys(("language", "kind", "customer", "customer_name", "link"), str),
    "link_confidence": float,
}
CUSTOMER_COLUMNS: dict[str, type] = {
    **dict.fromkeys(COLUMNS, str),
    **dict.fromkeys(("messages", "negative", "neutral", "positive"), int),
    "provisional": bool,
    "last_contact": datetime,
}


def message_columns(tasks: Sequence[str]) -> dict[str, type]:
    """Return the columns of an export of messages: name to type.

    For each task: its label, empty where the model abstained; the confidence of the model; ``from``: ``model``,
    ``person`` (corrected) or ``abstained``.
    """
    of_tasks = {f"{task}{part}": kind for task in tasks for part, kind in _PARTS.items()}
    return {**MESSAGE_COLUMNS, **of_tasks}


_PARTS: dict[str, type] = {"": str, "_confidence": float, "_from": str}


def message_pages(
    store: Store,
    *,
    tasks: Sequence[str],
    filters: Mapping[str, str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    shown: Shown = lambda message, insight: (message, insight),
    named: bool = True,
) -> Iterator[list[Row]]:
    """Yield messages with labels, confidence and customer, newest first.

    Parameters
    ----------
    shown
        Returns a message and its insight as they may be exported.
    named
        Whether the customers are named, or known by their ids alone.

    Raises
    ------
    UsageError
        A filter names an unknown field.
    """
    for page in messages_with_insights(store.database, filters=filters, since=since, until=until):
        links = [one.insight.link for one in page if one.insight is not None]
        customers = store.customers.get_many([link.customer_id for link in links if link and link.customer_id])
        names = {customer.id: customer.name for customer in customers.values()} if named else {}
        yield [_message(one, *shown(one.message, one.insight), tasks=tasks, names=names) for one in page]


def customer_pages(
    store: Store, *, shown: Callable[[Customer], Customer] = lambda customer: customer
) -> Iterator[list[Row]]:
    """Yield all customers with their insight fields, by id; *shown* returns one as it may be exported."""
    for page in customer_rows(store, shown=shown):
        yield list(page)


def written(pages: Pages, columns: Mapping[str, type], form: Format) -> Iterator[bytes]:
    """Yield the bytes of a file as its rows come."""
    return {"csv": _csv, "jsonl": _jsonl, "parquet": _parquet}[form](pages, columns)


def _message(
    one: Exported,
    message: Message,
    insight: Insight | None,
    *,
    tasks: Sequence[str],
    names: Mapping[str, str | None],
) -> Row:
    author = message.author
    row: dict[str, Cell] = {
        "id": message.id,
        "given_id": message.source.external_id,
        "channel": message.channel,
        "sent_at": message.sent_at,
        "received_at": message.received_at,
        "subject": message.subject,
        "text": message.text,
        "product": message.product,
        "author_name": author.name,
        "author_email": author.email,
        "author_phone": author.phone,
        "author_handle": author.handle,
        "author_customer_number": author.customer_number,
    }
    if insight is None:
        return row
    link = insight.link
    row |= {"language": insight.language.code, "kind": insight.kind}
    if link is not None:
        row |= {"customer": link.customer_id, "link": link.outcome, "link_confidence": link.confidence}
        row["customer_name"] = names.get(link.customer_id or "")
    for task in tasks:
        prediction = insight.prediction(task)
        if prediction is not None:
            label = one.labels.get(task)
            said = None if prediction.abstained else prediction.label
            row[task] = label
            row[f"{task}_confidence"] = prediction.confidence
            row[f"{task}_from"] = "person" if label != said else "abstained" if label is None else "model"
    return row


def _csv(pages: Pages, columns: Mapping[str, type]) -> Iterator[bytes]:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    for page in pages:
        writer.writerows([text_cell(row.get(name)) for name in columns] for row in page)
        yield _taken(out)
    yield _taken(out)


def _taken(out: io.StringIO) -> bytes:
    text = out.getvalue()
    out.seek(0)
    out.truncate()
    return text.encode("utf-8", "replace")


def _jsonl(pages: Pages, columns: Mapping[str, type]) -> Iterator[bytes]:
    for page in pages:
        lines = (json.dumps({n: row.get(n) for n in columns}, ensure_ascii=False, default=_plain) for row in page)
        yield "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)


def _parquet(pages: Pages, columns: Mapping[str, type]) -> Iterator[bytes]:
    import pyarrow
    from pyarrow import parquet

    kinds = {str: "string", float: "float64", int: "int64", bool: "bool", datetime: pyarrow.timestamp("us", "UTC")}
    schema = pyarrow.schema([(name, kinds[kind]) for name, kind in columns.items()])
    sink = _Sink()
    with parquet.ParquetWriter(sink, schema, compression="zstd") as writer:
        for page in pages:
            data = {name: [row.get(name) for row in page] for name in columns}
            writer.write_table(pyarrow.table(data, schema=schema))
            yield sink.taken()
    yield sink.taken()


class _Sink(io.RawIOBase):
    """Takes what is written, and gives it away as it comes."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._place = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._place += len(part)
        return len(part)

    def tell(self) -> int:
        return self._place

    def taken(self) -> bytes:
        """Return what was written since the last call."""
        parts, self._parts = self._parts, []
        return b"".join(parts)
