"""Similar messages, by what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import Query
from starlette.concurrency import run_in_threadpool

from textcrm.operations.desk.similar import Found, Similar
from textcrm_api.answers import SimilarItemOut, SimilarOut
from textcrm_api.eyes import eyes
from textcrm_api.gate import needs
from textcrm_api.routes import router as common
from textcrm_api.schemas import SimilarIn
from textcrm_api.service import ServiceDep

router = common.make("similar")
Few = Annotated[int, Query(ge=1, le=100, description="How many.")]


@router.get("/v1/messages/{message_id}/similar", **needs("read"))
def similar_to_message(message_id: common.PathId, service: ServiceDep, limit: Few = 10) -> SimilarOut:
    """Return the messages that are most similar to one that was analysed."""
    return _out(service.similar, service.similar.to_message(message_id, limit=limit))


@router.post("/v1/similar", **needs("read"))
async def similar_to_text(body: SimilarIn, service: ServiceDep) -> SimilarOut:
    """Return the messages that are most similar to a text, which is not stored. Needs the scope `text`, too."""
    # whoever may compare any words can find out what the masks hide
    eyes().must_see_text(hint="Ask what is similar to a stored message: GET /v1/messages/{message_id}/similar.")
    similar = service.similar
    (vector,) = await service.models.batcher.run("vectors", similar.vectors, [body.text], chars=[len(body.text)])
    if isinstance(vector, Exception):
        raise vector
    found = await run_in_threadpool(similar.to_text, vector, limit=body.limit)
    return _out(similar, found)


def _out(similar: Similar, found: Sequence[Found]) -> SimilarOut:
    return SimilarOut(
        searched=similar.searched,
        items=[
            SimilarItemOut(
                message_id=one.brief.message_id,
                similarity=one.similarity,
                channel=one.brief.channel,
                sent_at=one.brief.sent_at,
                customer=one.brief.customer,
                labels=one.brief.labels,
            )
            for one in found
        ],
    )
