"""Take in what another program sends: messages and customers, one or many at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from textcrm.errors import ConflictError, UsageError
from textcrm.link import normalise
from textcrm.operations.links.relink import relink
from textcrm.records import Author, Channel, Customer, Message, Source, message_key
from textcrm.store import Store
from textcrm.store.customers import Upserted

BY = "the API"  # what the record of a changed link names


@dataclass(frozen=True)
class Accepted:
    """What became of one message."""

    id: str
    outcome: Literal["stored", "duplicate", "too_large"]


def sent_message(
    *,
    text: str,
    channel: Channel,
    received_at: datetime,
    given_id: str | None = None,
    content_type: Literal["text/plain", "text/html"] = "text/plain",
    subject: str | None = None,
    author: Author | None = None,
    sent_at: datetime | None = None,
    product: str | None = None,
) -> Message:
    """Return the message that a program sent. The same fields make the same id; so do the same id and content."""
    who = author or Author()
    content = [text, subject or "", who.model_dump_json(exclude_none=True)]
    if given_id is None:  # without an id of its own it is what it says: the same words of another time are another
        content += [sent_at.isoformat() if sent_at else "", product or ""]
    return Message(
        id=message_key(channel, external_id=given_id, content="\n".join(content)),
        channel=channel,
        text=text,
        content_type=content_type,
        subject=subject,
        author=who,
        sent_at=sent_at,
        received_at=received_at,
        source=Source(kind="api", external_id=given_id),
        product=product,
    )


def accept(store: Store, messages: Sequence[Message]) -> list[Accepted]:
    """Store messages and say what became of each, in order. Acknowledged by majority and journal."""
    added = store.messages.add(messages)
    new, too_large = set(added.stored), {message.id for message in added.too_large}
    accepted = []
    for message in messages:
        outcome: Literal["stored", "duplicate", "too_large"] = "duplicate"
        if message.id in too_large:
            outcome = "too_large"
        elif message.id in new:
            new.discard(message.id)  # the second one of the same batch is the duplicate
            outcome = "stored"
        accepted.append(Accepted(message.id, outcome))
    return accepted


def note_batch(store: Store, accepted: Sequence[Accepted], *, key: str) -> None:
    """Count a batch that a program sent among the imports of today, by the name of its key."""
    found = Counter(one.outcome for one in accepted)
    counts = {"rows": len(accepted), "stored": found["stored"], "duplicates": found["duplicate"]}
    store.imports.tally(kind="api", source=key, counts={**counts, "refused": found["too_large"]})


def sent_customer(
    customer_id: str,
    *,
    region: str,
    number: str | None = None,
    name: str | None = None,
    emails: Sequence[str] = (),
    phones: Sequence[str] = (),
    handles: Sequence[str] = (),
    company: str | None = None,
    segment: str | None = None,
    fields: Mapping[str, str] | None = None,
) -> Customer:
    """Return the customer that a program describes, identifiers normalised.

    Raises
    ------
    UsageError
        A mail address, phone number or handle is none.
    """
    return Customer(
        id=customer_id,
        number=number,
        name=name,
        emails=tuple(_each("mail address", emails, [normalise.email(e) for e in emails])),
        phones=tuple(_each("phone number", phones, [normalise.phone(p, region) for p in phones])),
        handles=tuple(_each("handle", handles, [normalise.handle(h) if h.strip(" @") else None for h in handles])),
        company=company,
        segment=segment,
        fields=tuple((fields or {}).items()),
    )


def _each(what: str, given: Sequence[str], made: Sequence[str | None]) -> list[str]:
    for place, value in enumerate(made):
        if value is None:
            raise UsageError(
                f"Number {place + 1} of {len(given)} is no {what}",
                hint="Phone numbers without a country code are read in TEXTCRM_REGION.",
            )
    return list(dict.fromkeys(value for value in made if value is not None))


def put_customers(store: Store, customers: Sequence[Customer], *, region: str = "US") -> Upserted:
    """Store customers whole, by id; messages of strangers with their identifiers become theirs."""
    done = store.customers.upsert(customers)
    relink(store, customers, region=region, by=BY)
    return done


def replace_customer(store: Store, customer: Customer, *, seen: Customer | None, region: str = "US") -> None:
    """Store a customer if it is still as *seen*; None: if there is none yet (see `put_customers`).

    Raises
    ------
    ConflictError
        It changed in the meantime.
    """
    if not store.customers.replace(customer, seen=seen):
        raise ConflictError("The customer changed in the meantime", hint="Read it again, and repeat the change.")
    relink(store, [customer], region=region, by=BY)
