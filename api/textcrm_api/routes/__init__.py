"""One module a resource; ``ROUTERS`` is the whole API, in the order of the document."""

from __future__ import annotations

from textcrm_api.routes import (
    analyse,
    audit,
    classify,
    corrections,
    customers,
    decisions,
    entities,
    events,
    exports,
    health,
    hooks,
    insights,
    jobs,
    keys,
    messages,
    models,
    quarantine,
    similar,
    trends,
    webhooks,
)

ROUTERS = (
    classify.router,
    analyse.router,
    entities.router,
    messages.router,
    insights.router,
    similar.router,
    corrections.router,
    customers.router,
    decisions.router,
    trends.router,
    models.router,
    quarantine.router,
    jobs.router,
    events.router,
    exports.router,
    webhooks.router,
    hooks.router,
    keys.router,
    audit.router,
    health.router,
)
