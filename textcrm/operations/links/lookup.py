"""The exact identifiers of a message, and which customers carry them: in their records, or by an order of theirs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from textcrm.link.message import IdentityKey, keys_of
from textcrm.records import CleanText, Customer, Insight, Message, OffsetMap
from textcrm.store import Store

_ORDER = "order:"


def customer_finder(store: Store) -> Callable[[Sequence[str]], list[Customer]]:
    """Return what finds customers by keys (``email:ann@example.com``, ``order:A-100``).

    A customer found by an order carries its number among ``fields``, so that the link can say what led there. An order
    number that several customers have leads to nobody.
    """

    def find(keys: Sequence[str]) -> list[Customer]:
        found = {customer.id: customer for customer in store.customers.find(keys)}
        numbers = sorted({key.removeprefix(_ORDER) for key in keys if key.startswith(_ORDER)})
        owners = store.events.customers_of_orders(numbers) if numbers else {}
        found |= store.customers.get_many(sorted(set(owners.values()) - set(found)))
        for number, owner in owners.items():
            if owner in found:
                fields = (*found[owner].fields, ("order", number))
                found[owner] = found[owner].model_copy(update={"fields": fields})
        return list(found.values())

    return find


def keys_of_stored(
    message: Message, insight: Insight, *, region: str, ours: Collection[str]
) -> tuple[IdentityKey, ...]:
    """Return the identifiers of the author of a message that was analysed, from what the analysis had found.

    Parameters
    ----------
    region
        ISO 3166 code of the country of phone numbers without a country code.
    ours
        The company's own addresses, or ``@domain``: they identify nobody.
    """
    clean = CleanText(
        message_id=message.id,
        text=insight.clean,
        offsets=OffsetMap(segments=(), length=0),
        parts=insight.parts,
        quoted="\n".join(message.text[part.start : part.end] for part in insight.parts if part.kind == "quoted"),
        language=insight.language,
        kind=insight.kind,
    )
    return keys_of(message, clean, insight.entities, region=region, ours=ours)
