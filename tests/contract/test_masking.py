"""What the database keeps of a message after it was analysed, on the real one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from tests.factories import insight, message
from textcrm.entities import EntityRecogniser
from textcrm.entities.rules import Masking
from textcrm.errors import NotFoundError
from textcrm.operations.links.claims import FindCustomers, settle, work_on
from textcrm.records import Customer, Insight, Message
from textcrm.specs import PipelineSpec
from textcrm.store import Store

CARD = "4111 1111 1111 1111"
SPEC = PipelineSpec.model_validate({"schema": 1, "name": "mail", "channel": "email"})


class Engine:
    """Makes insights without models; has the rules that ship."""

    def __init__(self) -> None:
        self.masking = Masking({"email": (SPEC, EntityRecogniser(spacy=False))})

    def insights(
        self, messages: Sequence[Message], *, find: FindCustomers, now: datetime
    ) -> tuple[list[Insight], list[Customer]]:
        assert find(["email:nobody@example.com"]) == []
        assert now.tzinfo is not None
        return [insight(m) for m in messages], []


def test_no_card_number_stays_in_the_database(store: Store) -> None:
    raw = f"Subject: {CARD}\n\nMy card {CARD} was charged.".encode()
    (name,) = store.raws.add([raw])
    mail = message(f"My card {CARD} was charged.", channel="email", subject=CARD, raw_sha256=name)
    other = message("No card here.", channel="email", raw_sha256=store.raws.add([b"No card here."])[0])
    store.messages.add([mail, other])
    claim = store.messages.claim("test", limit=10, lease=timedelta(minutes=1))
    settle(store, claim, work_on(store, Engine(), claim))

    kept = store.messages.get(mail.id)
    assert (kept.text, kept.subject, kept.raw_sha256) == ("My card ****1111 was charged.", "****1111", None)
    assert store.insights.get(mail.id).clean == kept.text
    assert store.messages.get(other.id) == other
    assert store.raws.get(other.raw_sha256 or "") == b"No card here."
    everything = "".join(str(d) for n in store.database.list_collection_names() for d in store.database[n].find())
    assert CARD not in everything

    # the same mail once more is a duplicate, and its bytes are not kept again
    store.raws.add([raw])
    assert store.messages.add([mail]).duplicates == [mail.id]
    with pytest.raises(NotFoundError):
        store.raws.get(name)
