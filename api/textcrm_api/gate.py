"""Who may do what: every route says its scope, and is closed until it does."""

from __future__ import annotations

import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from textcrm.store.audit import MOST_ABOUT, Deed
from textcrm.store.keys import ApiKey, Keys
from textcrm_api.eyes import eyes, open_eyes
from textcrm_api.jsonbody import JsonRequest
from textcrm_api.limits import RateLimit
from textcrm_api.metrics import Metrics
from textcrm_api.problems import ProblemError, printable

SCHEMES: dict[str, Any] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key: `Authorization: Bearer tcrm_...`."},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "A key: `X-API-Key: tcrm_...`."},
}
HOLD_SECONDS = 5.0  # a key that was revoked works for this long at most
MAX_HELD = 2_000
Handle = Callable[[Request], Coroutine[Any, Any, Response]]


def needs(scope: str) -> dict[str, Any]:
    """Return the arguments of a route that asks for a key with *scope*.

    ``admin`` includes all others; the scope ``any`` asks for a valid key alone.
    """
    return {"openapi_extra": {"security": [{"bearer": [scope]}, {"header": [scope]}], "x-scope": scope}}


def public() -> dict[str, Any]:
    """Return the arguments of a route that is open to all."""
    return {"openapi_extra": {"security": [], "x-scope": None}}


def shown_once(scope: str = "admin") -> dict[str, Any]:
    """Return the arguments of a route whose answer holds a secret: it is never kept for a replay."""
    access = needs(scope)
    access["openapi_extra"]["x-idempotent"] = False
    return access


class Gate:
    """Checks keys and how often they ask."""

    def __init__(self, keys: Keys, *, limit: RateLimit, metrics: Metrics) -> None:
        self._keys = keys
        self._limit = limit
        self._metrics = metrics
        self._held: OrderedDict[str, tuple[float, ApiKey | None]] = OrderedDict()

    async def admit(self, request: Request, scope: str) -> ApiKey:
        """Return the key that *request* carries.

        Raises
        ------
        ProblemError
            None that is valid, not with this scope, or too often.
        """
        key = await self._key(_given(request))
        if key is None:
            self._metrics.refused("unauthenticated")
            raise ProblemError(
                "unauthenticated",
                "The request carries no key that is valid.",
                hint="Send Authorization: Bearer tcrm_... Make a key with: textcrm keys create NAME.",
                headers={"WWW-Authenticate": 'Bearer realm="textcrm"'},
            )
        if scope not in (*key.scopes, "any") and "admin" not in key.scopes:
            self._metrics.refused("forbidden")
            raise ProblemError(
                "forbidden",
                f"The key lacks the scope {scope}.",
                hint=f"Make one that has it: textcrm keys create NAME --scope {scope}.",
            )
        seconds = self._limit.wait(key.id, per_second=key.per_second)
        if seconds > 0:
            self._metrics.refused("rate_limited")
            raise ProblemError(
                "rate_limited",
                "Too many requests came with this key.",
                hint="Wait as long as Retry-After says; send texts in batches.",
                headers={"Retry-After": str(max(1, round(seconds + 0.5)))},
            )
        if key.per_day is not None and not await run_in_threadpool(self._keys.spend, key):
            self._metrics.refused("quota_exceeded")
            raise ProblemError(
                "quota_exceeded",
                f"The key may send {key.per_day} requests a day, and did.",
                hint="The day ends at midnight UTC. Send texts in batches, or ask for a larger quota.",
                headers={"Retry-After": str(86_400 - int(time.time()) % 86_400)},
            )
        return key

    def forget(self) -> None:
        """Look every key up again at its next request."""
        self._held.clear()

    async def _key(self, text: str) -> ApiKey | None:
        if not text:
            return None
        name = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        now = time.monotonic()
        found = self._held.get(name)
        if found is not None and found[0] > now:
            return found[1]
        key = await run_in_threadpool(self._keys.check, text)
        self._held[name] = (now + HOLD_SECONDS, key)
        self._held.move_to_end(name)
        if len(self._held) > MAX_HELD:
            self._held.popitem(last=False)
        return key


def _given(request: Request) -> str:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    return request.headers.get("x-api-key", "").strip()


def _query_of(dependant: Dependant) -> set[str]:
    """Return the names of the query parameters that a route and what it depends on know."""
    return {field.alias for field in dependant.query_params}.union(*map(_query_of, dependant.dependencies))


def _check_query(request: Request, known: set[str]) -> None:
    """Refuse parameters that the route does not know, and those that come twice."""
    errors = []
    seen: set[str] = set()
    for name, _ in request.query_params.multi_items():
        if name not in known:
            errors.append({"field": printable(name), "message": "there is no parameter of this name"})
        elif name in seen:
            errors.append({"field": name, "message": "it is given twice"})
        seen.add(name)
    if errors:
        detail = f"{errors[0]['field']}: {errors[0]['message']}."
        raise ProblemError("invalid_request", detail, extra={"errors": errors[:20]})


def _audited(handle: Handle, path: str) -> Handle:
    """Return *handle* with what it changed and which texts it showed written down before the answer goes out."""

    async def noted(request: Request) -> Response:
        response = await handle(request)
        if response.status_code >= 400:
            return response
        caller, looked = request.state.caller, eyes()
        who = f"key:{caller.id}" if caller is not None else f"hook:{request.path_params.get('name', '')}"
        what, number = f"{request.method} {path}", str(request.scope["state"].get("request_id", ""))
        deeds = []
        if request.method != "GET" and (caller is None or not _only_reads(request)):
            deeds.append(Deed(who, "write", what, await _about(request, response), number))
        if looked.seen or looked.many:
            deeds.append(Deed(who, "read", what, tuple(looked.seen), number))
        if deeds:
            await run_in_threadpool(request.app.state.service.audit.append, *deeds)
        return response

    return noted


def _only_reads(request: Request) -> bool:
    """Tell whether the route of *request* changes nothing though it takes a body."""
    return bool((request.scope["route"].openapi_extra or {}).get("x-scope") in ("read", "any"))


async def _about(request: Request, response: Response) -> tuple[str, ...]:
    """Return the ids of what was written: those in the path, and those of the answer, else of the request."""
    ids = [str(value) for value in request.path_params.values()]
    if response.media_type == "application/json" or b"json" in dict(response.raw_headers).get(b"content-type", b""):
        found = _ids(json.loads(bytes(response.body)))
        if not found and request.state.caller is not None and await request.body():  # a webhook's may be no JSON
            found = _ids(await request.json())
        ids += [one for one in found if one not in ids]
    return tuple(ids[:MOST_ABOUT])


def _ids(value: object) -> list[str]:
    if not isinstance(value, dict):
        return []
    items = value.get("items")
    rows = items if isinstance(items, list) else [value, *(v for v in value.values() if isinstance(v, dict))]
    names = ("id", "message_id", "name")
    ids = (next((row[n] for n in names if isinstance(row.get(n), str)), None) for row in rows if isinstance(row, dict))
    return [one for one in ids if one]


class GatedRoute(APIRoute):
    """A route that checks the key before it reads the body, and remembers answers to writes by Idempotency-Key."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler."""
        extra = self.openapi_extra or {}
        if "x-scope" not in extra:
            raise TypeError(f"the route {self.path} says no scope; give it **needs(...) or **public()")
        scope: str | None = extra["x-scope"]
        once = scope not in (None, "read", "any") and extra.get("x-idempotent", True)
        handle = _audited(super().get_route_handler(), self.path)
        known = _query_of(self.dependant)

        async def gated(request: Request) -> Response:
            service = request.app.state.service
            caller = await service.gate.admit(request, scope) if scope is not None else None
            request.state.caller = caller
            open_eyes(sees_text=caller is not None and caller.sees_text)
            _check_query(request, known)
            strict = JsonRequest(request.scope, request.receive)
            if once and "idempotency-key" in request.headers:
                answer: Response = await service.idempotency.once(strict, handle)
                return answer
            return await handle(strict)

        return gated
