"""The same write, sent twice, is done once and answered twice."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from textcrm.store.idempotency import Answered, IdempotencyStore
from textcrm_api.problems import ProblemError

KEY = re.compile(r"[\x21-\x7e]{1,128}")
WAIT_SECONDS = 15.0
Handle = Callable[[Request], Awaitable[Response]]


class Idempotency:
    """Remembers the answers to writes that carried an ``Idempotency-Key``, for a day."""

    def __init__(self, store: IdempotencyStore) -> None:
        self._store = store

    async def once(self, request: Request, handle: Handle) -> Response:
        """Answer *request*: with what was answered before, else with what *handle* says.

        Raises
        ------
        ProblemError
            The key is no key, was used for another request, or the first request still runs.
        """
        given = request.headers["idempotency-key"]
        if not KEY.fullmatch(given):
            raise ProblemError("usage", "An Idempotency-Key is 1 to 128 visible ASCII characters.")
        name = hashlib.sha256(f"{request.state.caller.id}:{given}".encode()).hexdigest()
        content = await _fingerprint(request)
        pause, waited = 0.02, 0.0
        while True:
            state = await run_in_threadpool(self._store.reserve, name, content)
            if state == "ours":
                return await self._first(request, handle, name)
            if state == "other":
                raise ProblemError(
                    "idempotency_mismatch",
                    "This Idempotency-Key came before with another request.",
                    hint="Use a new key for each new write.",
                )
            if isinstance(state, Answered):
                return Response(
                    state.body,
                    state.status,
                    headers={**state.headers, "Idempotency-Replayed": "true"},
                )
            if waited > WAIT_SECONDS:
                raise ProblemError(
                    "idempotency_running", "The first request with this key still runs.", headers={"Retry-After": "5"}
                )
            await asyncio.sleep(pause)
            waited, pause = waited + pause, min(0.5, pause * 1.6)

    async def _first(self, request: Request, handle: Handle, name: str) -> Response:
        kept = False
        try:
            response = await handle(request)
            if response.status_code < 300:
                headers = {k: v for k, v in response.headers.items() if k in ("content-type", "etag", "location")}
                answer = Answered(response.status_code, bytes(response.body), headers)
                await run_in_threadpool(self._store.answer, name, answer)
                kept = True
            return response
        finally:
            if not kept:  # a failure is no answer to keep: the next try runs again
                await run_in_threadpool(self._store.forget, name)


async def _fingerprint(request: Request) -> str:
    digest = hashlib.sha256()
    match = request.headers.get("if-match", "")
    for part in (request.method, request.url.path, request.url.query, match):
        digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
    digest.update(await request.body())
    return digest.hexdigest()
