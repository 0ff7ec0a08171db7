"""Customers, and one with the timeline."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from starlette.responses import Response

from textcrm.operations.customers import search as people
from textcrm.operations.desk import desk
from textcrm.operations.desk.views import snippet
from textcrm_api.dashboard.pages import Pages
from textcrm_api.dashboard.route import read

PER_PAGE = 50


def add(router: APIRouter, pages: Pages) -> None:
    """Add the routes."""

    @router.get("/customers", response_model=None)
    def customers(request: Request) -> Response:
        search = request.query_params.get("search", "")
        after = request.query_params.get("after") or None
        rows = people.customer_page(pages.store, search=search, after=after, limit=PER_PAGE + 1)
        return pages.render(
            request,
            "customers.html",
            rows=rows[:PER_PAGE],
            more=rows[PER_PAGE - 1].customer.id if len(rows) > PER_PAGE and not search else None,
            search=search,
            paged=after is not None,
            now=datetime.now(UTC),
        )

    @router.get("/customers/{customer_id}", response_model=None)
    def customer(request: Request, customer_id: str) -> Response:
        found = pages.store.customers.get(customer_id)
        timeline, total = desk.customer_timeline(pages.store, found)
        read(request, *(other.message.id for other in timeline))
        return pages.render(
            request,
            "customer.html",
            customer=found,
            contact=people.contact_of(pages.store, customer_id),
            timeline=timeline,
            total=total,
            now=datetime.now(UTC),
            snippet=snippet,
        )
