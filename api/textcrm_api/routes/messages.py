"""Messages: stored at once, analysed by the worker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import Query, Request

from textcrm.operations.intake.accept import accept, note_batch
from textcrm.records import Channel
from textcrm_api import convert, cursors
from textcrm_api.answers import ItemError, MessageOut, MessagesOut, MessagesStoredOut, StoredOut
from textcrm_api.eyes import eyes
from textcrm_api.gate import needs
from textcrm_api.routes import router as common
from textcrm_api.routes.analyse import message_of
from textcrm_api.schemas import MessageIn, MessagesOrOneIn
from textcrm_api.service import ServiceDep

router = common.make("messages")


@router.post("/v1/messages", **needs("write"))
def create_messages(body: MessagesOrOneIn, service: ServiceDep, request: Request) -> MessagesStoredOut:
    """Store one message or up to 100; the same one again is a duplicate. Analysed soon after by the worker."""
    items: Sequence[MessageIn] = [body] if isinstance(body, MessageIn) else body.items
    now = service.store.now()
    accepted = accept(service.store, [message_of(item, received_at=now) for item in items])
    if not isinstance(body, MessageIn):
        note_batch(service.store, accepted, key=request.state.caller.name)
    answers = []
    for item, done in zip(items, accepted, strict=True):
        refused = done.outcome == "too_large"
        error = ItemError(code="too_large", detail="The message is larger than a document can be.")
        answers.append(
            StoredOut(
                id=done.id,
                given_id=item.id,
                outcome="refused" if done.outcome == "too_large" else done.outcome,
                error=error if refused else None,
            )
        )
    return MessagesStoredOut(
        stored=sum(answer.outcome == "stored" for answer in answers),
        duplicates=sum(answer.outcome == "duplicate" for answer in answers),
        items=answers,
    )


@router.get("/v1/messages", **needs("read"))
def list_messages(
    service: ServiceDep,
    q: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=500,
            description='Full text: any of the words, `"a phrase"`, `-without`. Needs the scope `text`.',
        ),
    ] = None,
    channel: Channel | None = None,
    cursor: common.Cursor = None,
    limit: common.Limit = 50,
) -> MessagesOut:
    """List or search messages, newest first."""
    if q is not None:  # whoever may search the words of texts can find out what the masks hide
        eyes().must_see_text(hint="Search with a key that has the scopes read and text; filter by channel without it.")
    after = cursors.decode(cursor)[1:] if cursor is not None else None
    rows = service.store.messages.page(after=after, channel=channel, search=q, limit=limit)
    more = cursors.encode(0, *rows[-1][1]) if len(rows) == limit else None
    return MessagesOut(items=[convert.message(service.shown(message)) for message, _ in rows], next=more)


@router.get("/v1/messages/{message_id}", **needs("read"))
def get_message(message_id: common.PathId, service: ServiceDep) -> MessageOut:
    """Return one message as received, but for what the pipeline hides in answers."""
    return convert.message(service.shown(service.store.messages.get(message_id)))
