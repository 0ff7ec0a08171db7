"""What a customer's messages say of them: one customer in full, and the fields that go back to the CRM."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TextIO

from textcrm.records import Customer, CustomerEvent, Insight
from textcrm.store import Store

Cell = str | int | float | bool | datetime | None
Trend = Literal["better", "worse", "steady", "unknown"]
_SIGN = {"negative": -1, "neutral": 0, "positive": 1}
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # also in full width
RECENT = 3
OPEN_DAYS = 30
MOST_MESSAGES = 1000
COLUMNS = (
    "id", "number", "name", "emails", "phones", "handles", "company", "segment", "provisional", "messages",
    "last_contact", "last_sentiment", "sentiment_trend", "negative", "neutral", "positive", "top_intents",
)  # fmt: skip


@dataclass(frozen=True)
class InsightFields:
    """What the messages say, in figures. ``top_intents`` are the three most frequent, each with its count."""

    messages: int
    last_contact: datetime | None
    last_sentiment: str | None
    trend: Trend
    sentiments: dict[str, int]
    top_intents: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class CustomerView:
    """One customer: the record, the identifiers with where each came from, and the messages, newest first.

    ``events`` are the orders and other events, newest first; ``moments`` are both by time, those without one last.
    """

    customer: Customer
    identities: tuple[tuple[str, str, str], ...]
    fields: InsightFields
    timeline: tuple[Insight, ...]
    events: tuple[CustomerEvent, ...]
    moments: tuple[tuple[datetime | None, Insight | CustomerEvent], ...]
    open_intents: tuple[str, ...]
    sentiment_by_month: tuple[tuple[str, float], ...]


def customer_view(store: Store, customer_id: str) -> CustomerView:
    """Return one customer with all that is known.

    Raises
    ------
    NotFoundError
        There is none with this id.
    """
    customer = store.customers.get(customer_id)
    insights = store.insights.of_customer(customer_id, limit=MOST_MESSAGES)
    times = {
        i: m.sent_at or m.received_at for i, m in store.messages.get_many([x.message_id for x in insights]).items()
    }
    where = "a message" if customer.provisional else "the customer table"
    identities = [(kind, value, where) for kind, values in _identifiers(customer) for value in values]
    months: dict[str, list[int]] = {}
    for insight in reversed(insights):
        label = _label(insight, "sentiment")
        if label in _SIGN and insight.message_id in times:
            months.setdefault(f"{times[insight.message_id]:%Y-%m}", []).append(_SIGN[label])
    since = max(times.values(), default=None)
    recent = [i for i in insights if since and times.get(i.message_id, since) >= since - timedelta(days=OPEN_DAYS)]
    events = store.events.of_customer(customer_id, limit=MOST_MESSAGES)
    moments: list[tuple[datetime | None, Insight | CustomerEvent]] = [(times.get(i.message_id), i) for i in insights]
    moments += [(event.at, event) for event in events]
    return CustomerView(
        customer=customer,
        identities=tuple(identities),
        fields=insight_fields(insights, times),
        timeline=tuple(insights),
        events=tuple(events),
        moments=tuple(sorted(moments, key=lambda one: -one[0].timestamp() if one[0] else 0.0)),
        open_intents=tuple(dict.fromkeys(label for i in recent if (label := _label(i, "intent")))),
        sentiment_by_month=tuple((month, sum(signs) / len(signs)) for month, signs in months.items()),
    )


def insight_fields(insights: Sequence[Insight], times: dict[str, datetime]) -> InsightFields:
    """Return the figures of a customer's insights, newest first.

    The trend compares the mean sentiment (negative -1, positive 1) of the three newest messages with that of the
    three before; a difference under a third is steady, fewer than four messages are unknown.
    """
    labels = [label for i in insights if (label := _label(i, "sentiment")) in _SIGN]
    signs = [_SIGN[label] for label in labels]
    trend: Trend = "unknown"
    if len(signs) > RECENT:
        before = signs[RECENT : 2 * RECENT]
        change = sum(signs[:RECENT]) / RECENT - sum(before) / len(before)
        trend = "steady" if abs(change) < 1 / 3 else "better" if change > 0 else "worse"
    intents = Counter(label for i in insights if (label := _label(i, "intent")))
    return InsightFields(
        messages=len(insights),
        last_contact=max((times[i.message_id] for i in insights if i.message_id in times), default=None),
        last_sentiment=labels[0] if labels else None,
        trend=trend,
        sentiments={label: labels.count(label) for label in _SIGN},
        top_intents=tuple(intents.most_common(3)),
    )


def export_customers(store: Store, out: TextIO, *, progress: Callable[[int], None] | None = None) -> int:
    """Write all customers with their insight fields as CSV, safe against formulas; return how many.

    References
    ----------
    OWASP, "CSV Injection": a cell that begins with ``=``, ``+``, ``-``, ``@``, a tab or a carriage return is run as a
    formula by spreadsheets; a quote before it makes it text.
    """
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    written = 0
    for page in customer_rows(store):
        writer.writerows([text_cell(value) for value in row.values()] for row in page)
        written += len(page)
        if progress is not None:
            progress(len(page))
    return written


def customer_rows(
    store: Store, *, shown: Callable[[Customer], Customer] = lambda customer: customer
) -> Iterator[list[dict[str, Cell]]]:
    """Yield all customers, as *shown*, with their insight fields by id, in pages: `COLUMNS` to values."""
    for customers in _pages(store):
        page = []
        for customer in customers:
            insights = store.insights.of_customer(customer.id, limit=MOST_MESSAGES)
            messages = store.messages.get_many([i.message_id for i in insights])
            times = {i: m.sent_at or m.received_at for i, m in messages.items()}
            page.append(dict(zip(COLUMNS, _row(shown(customer), insight_fields(insights, times)), strict=True)))
        yield page


def text_cell(value: Cell) -> str:
    """Return a value as a cell of a CSV file, safe against formulas."""
    if isinstance(value, str):
        return safe_cell(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else value.isoformat() if isinstance(value, datetime) else str(value)


def safe_cell(value: str) -> str:
    """Return a cell that no spreadsheet runs; phone numbers in E.164 and plain numbers stay as they are."""
    if value[:1] in ("+", "-") and value[1:].replace(".", "", 1).isdigit():
        return value
    return "'" + value if value[:1] in _FORMULA else value


def _row(customer: Customer, fields: InsightFields) -> list[Cell]:
    return [
        customer.id,
        customer.number,
        customer.name,
        *("; ".join(values) for values in (customer.emails, customer.phones, customer.handles)),
        customer.company,
        customer.segment,
        customer.provisional,
        fields.messages,
        fields.last_contact,
        fields.last_sentiment,
        fields.trend,
        *(fields.sentiments[label] for label in _SIGN),
        "; ".join(f"{label} ({count})" for label, count in fields.top_intents),
    ]


def _pages(store: Store) -> Iterator[list[Customer]]:
    after: str | None = None
    while page := store.customers.list(after=after, limit=500):
        yield page
        after = page[-1].id


def _identifiers(customer: Customer) -> Iterator[tuple[str, Sequence[str]]]:
    yield "number", (customer.number,) if customer.number else ()
    yield "email", customer.emails
    yield "phone", customer.phones
    yield "handle", customer.handles


def _label(insight: Insight, task: str) -> str:
    """Return what the model says, or nothing where it abstains."""
    prediction = insight.prediction(task)
    return prediction.label if prediction is not None and not prediction.abstained else ""
