"""The quarantine: what could not be taken, and why."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query

from textcrm_api.answers import QuarantinedOut, QuarantineOut
from textcrm_api.gate import needs
from textcrm_api.routes import router as common
from textcrm_api.service import ServiceDep

router = common.make("quarantine")


@router.get("/v1/quarantine", **needs("read"))
def list_quarantine(
    service: ServiceDep,
    status: Annotated[Literal["waiting", "replayed", "all"], Query()] = "waiting",
    limit: common.Limit = 50,
) -> QuarantineOut:
    """List what is in quarantine, newest first. Raw bytes: `textcrm quarantine show`."""
    found = service.store.quarantine.list(status=None if status == "all" else status, limit=limit)
    return QuarantineOut(
        items=[
            QuarantinedOut(
                id=item.id,
                reason=item.reason,
                detail=item.detail,
                source=item.source.name or item.source.kind,
                place=item.source.place,
                channel=item.channel,
                size=item.size,
                at=item.at,
                status=item.status,
            )
            for item in found
        ]
    )
