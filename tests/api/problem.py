"""The one assertion about errors."""

from __future__ import annotations

from typing import Any

from textcrm_api.problems import KINDS, MEDIA_TYPE

MEMBERS = {"type", "title", "status", "code", "detail", "hint", "request_id"}


def assert_problem(response: Any, code: str) -> dict[str, Any]:
    """Assert that *response* is the problem *code*, whole and consistent; return its body."""
    assert response.headers["content-type"] == MEDIA_TYPE, response.text
    body: dict[str, Any] = response.json()
    assert body.keys() >= MEMBERS
    assert body["code"] == code, body
    kind = KINDS[code]
    assert (body["status"], body["title"], body["type"]) == (kind.status, kind.title, f"/problems#{code}")
    assert response.status_code == kind.status
    assert body["request_id"] == response.headers["x-request-id"]
    assert body["detail"].endswith(".")
    return body
