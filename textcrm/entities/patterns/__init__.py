"""The pattern recognisers, one a file, by name."""

from __future__ import annotations

from textcrm.entities.found import Recogniser
from textcrm.entities.patterns import (
    address,
    age,
    card,
    dates,
    email,
    handle,
    iban,
    ip,
    money,
    national_id,
    order,
    organisation,
    person,
    person_names,
    phone,
    place,
    tax,
    url,
)

PATTERNS: dict[str, Recogniser] = {
    "address": address.find,
    "age": age.find,
    "card": card.find,
    "date": dates.find,
    "email": email.find,
    "handle": handle.find,
    "iban": iban.find,
    "ip": ip.find,
    "money": money.find,
    "national_id": national_id.find,
    "order": order.find,
    "organisation": organisation.find,
    "person": person.find,
    "person_names": person_names.find,
    "phone": phone.find,
    "place": place.find,
    "tax": tax.find,
    "url": url.find,
}
