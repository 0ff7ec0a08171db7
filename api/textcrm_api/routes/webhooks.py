"""Webhooks: who is told of results as they come."""

from __future__ import annotations

from fastapi import Response

from textcrm.operations.work.push import add_webhook, try_webhook, webhook
from textcrm.store import Store
from textcrm.store.sinks import Sink
from textcrm_api.answers import NewWebhookOut, WebhookOut, WebhooksOut, WebhookTriedOut
from textcrm_api.gate import needs, shown_once
from textcrm_api.routes import router as common
from textcrm_api.schemas import WebhookIn
from textcrm_api.service import ServiceDep

router = common.make("webhooks")


@router.get("/v1/webhooks", **needs("admin"))
def list_webhooks(service: ServiceDep) -> WebhooksOut:
    """List the webhooks by name, with how many results wait for each."""
    sinks = [sink for sink in service.store.sinks.list() if sink.kind == "webhook"]
    return WebhooksOut(items=[_out(service.store, sink) for sink in sinks])


@router.post("/v1/webhooks", status_code=201, **shown_once())
def create_webhook(body: WebhookIn, service: ServiceDep, response: Response) -> NewWebhookOut:
    """Post each result to a URL from now on, signed. The secret is in this answer and nowhere else."""
    secret = add_webhook(service.store, body.name, body.url, settings=service.settings)
    response.headers["Location"] = f"/v1/webhooks/{body.name}"
    return NewWebhookOut(webhook=_out(service.store, webhook(service.store, body.name)), secret=secret)


@router.get("/v1/webhooks/{name}", **needs("admin"))
def get_webhook(name: common.PathName, service: ServiceDep) -> WebhookOut:
    """Return one webhook."""
    return _out(service.store, webhook(service.store, name))


@router.delete("/v1/webhooks/{name}", **needs("admin"))
def delete_webhook(name: common.PathName, service: ServiceDep) -> WebhookOut:
    """Tell a webhook nothing more; what waits for it is forgotten."""
    last = _out(service.store, webhook(service.store, name))
    service.store.sinks.remove(name)
    return last


@router.post("/v1/webhooks/{name}/test", **needs("admin"))
def test_webhook(name: common.PathName, service: ServiceDep) -> WebhookTriedOut:
    """Post an empty result to a webhook now, signed as all are, and say what came back."""
    tried = try_webhook(service.store, name, settings=service.settings)
    return WebhookTriedOut(taken=tried.taken, status=tried.status, problem=tried.problem)


def _out(store: Store, sink: Sink) -> WebhookOut:
    return WebhookOut(
        name=sink.name,
        url=sink.config["url"],
        created_at=sink.created_at,
        waiting=store.outbox.count(sink.name),
        problem=sink.problem,
    )
