"""Webhooks in: what other systems post, checked by its signature."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from textcrm.operations.intake.hooks import receive
from textcrm_api.answers import HookTakenOut
from textcrm_api.gate import public
from textcrm_api.problems import ProblemError
from textcrm_api.routes import router as common
from textcrm_api.service import ServiceDep

router = common.make("webhooks")


def _signed() -> dict[str, Any]:
    """Return the arguments of a route whose caller is known by the signature of its body, which may be any JSON."""
    access = public()
    access["openapi_extra"]["requestBody"] = {"required": True, "content": {"application/json": {"schema": {}}}}
    return access


@router.post("/v1/hooks/{name}", status_code=202, **_signed())
async def receive_webhook(name: common.PathName, request: Request, service: ServiceDep) -> HookTakenOut:
    """Store the messages that another system posts, one object or a list, before it is answered.

    The source is added with `textcrm sources add webhook`; its secret signs what is posted.
    """
    body = await request.body()
    headers = {key.lower(): value for key, value in request.headers.items()}
    report = await run_in_threadpool(receive, service.store, name, body, headers, settings=service.settings)
    if report is None:
        raise ProblemError(
            "bad_signature", "The signature of the body is not right.", hint="Check the secret and the sender's clock."
        )
    return HookTakenOut(stored=report.stored, duplicates=report.duplicates, quarantined=report.quarantined)
