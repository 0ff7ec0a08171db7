"""The audit log: who wrote what, and who read which texts."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query

from textcrm_api.answers import AuditEntryOut, AuditOut
from textcrm_api.gate import needs
from textcrm_api.routes import router as common
from textcrm_api.service import ServiceDep

router = common.make("audit")


@router.get("/v1/audit", **needs("admin"))
def list_audit(
    *,
    service: ServiceDep,
    who: Annotated[
        str | None, Query(min_length=1, max_length=128, description="`key:ID`, `person:NAME`, `terminal:USER`.")
    ] = None,
    kind: Literal["read", "write", "alarm"] | None = None,
    about: common.Value = None,
    cursor: Annotated[str | None, Query(pattern=r"^[0-9]{1,15}$", description="`next` of the page before.")] = None,
    limit: common.Limit = 50,
) -> AuditOut:
    """List writes and readings of unmasked texts, newest first. `textcrm audit verify` checks that none is missing."""
    before = int(cursor) if cursor is not None else None
    rows = service.audit.page(before=before, who=who, kind=kind, about=about, limit=limit)
    return AuditOut(
        items=[
            AuditEntryOut(
                number=row.number,
                at=row.at,
                who=row.deed.who,
                kind=row.deed.kind,
                action=row.deed.action,
                about=list(row.deed.about),
                request_id=row.deed.request,
                mac=row.mac,
            )
            for row in rows
        ],
        next=str(rows[-1].number) if len(rows) == limit else None,
    )
