"""What every request passes first: an id, a cap on its body, a cap on how many run; and what every answer carries.

Pure ASGI, outside of FastAPI: it also covers unknown paths and failures, and it logs ids, never texts.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time
import traceback
from collections.abc import Callable
from pathlib import PurePath

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from textcrm_api.metrics import Metrics
from textcrm_api.problems import ProblemError, respond

LOG = logging.getLogger("textcrm.api")
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
BODY_SECONDS = 30.0
REQUEST_SECONDS = 60.0  # until an answer begins, its body included
HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
API_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)


class Edge:
    """The outermost room of the service.

    Parameters
    ----------
    max_body_bytes
        A longer body is refused with 413 while it streams in, before it is kept.
    max_running
        Requests that run at once; more are refused with 503. Health checks always pass.
    full
        Returns for a path in how many seconds to come again, because what it needs has too much to do, or 0. What
        cannot be served is refused here, unread, where refusing costs the least.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        max_body_bytes: int,
        max_running: int,
        full: Callable[[str], int] = lambda _: 0,
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._max_body_bytes = max_body_bytes
        self._max_running = max_running
        self._full = full
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope["state"] = {**scope.get("state", {}), "request_id": request_id}
        begin = time.perf_counter()
        answered = _Answer(send, request_id=request_id, api=scope["path"].startswith("/v1/"))
        self._running += 1
        try:
            await self._serve(scope, receive, answered, request_id)
        finally:
            self._running -= 1
            seconds = time.perf_counter() - begin
            route = getattr(scope.get("route"), "path", "unknown")
            self._metrics.request(str(scope["method"]), route, answered.status, seconds)
            caller = scope["state"].get("caller")
            fields = {
                "id": request_id,
                "key": getattr(caller, "id", "-"),
                "method": scope["method"],
                "route": route,
                "status": answered.status,
                "ms": round(seconds * 1000, 1),
            }
            words = " ".join(f"{name}={value}" for name, value in fields.items())
            LOG.info("request %s", words, extra={"fields": fields})

    async def _serve(self, scope: Scope, receive: Receive, answer: _Answer, request_id: str) -> None:
        busy = self._running > self._max_running and scope["path"] not in ("/healthz", "/readyz")
        if seconds := self._full(scope["path"]) or int(busy):
            self._metrics.refused("overloaded")
            detail = "Too many requests run at once." if busy else "Too many texts wait for the models."
            hint, headers = "Send fewer at once, or try again later.", {"Retry-After": str(seconds)}
            problem = respond("overloaded", detail, hint=hint, request_id=request_id, headers=headers)
            await problem(scope, receive, answer)
            return
        try:
            await self._in_time(scope, self._capped(scope, receive), answer)
        except ProblemError as error:
            problem = respond(error.code, error.detail, request_id=request_id, headers=error.headers)
            await self._fail(problem, scope, receive, answer)
        except Exception as error:  # noqa: BLE001 - the last resort: whatever failed, the caller gets a problem
            # the text of an unforeseen error may hold what a customer wrote: only its type and its place are logged
            frames = traceback.extract_tb(error.__traceback__)[-6:]
            places = " < ".join(f"{PurePath(f.filename).name}:{f.lineno}" for f in reversed(frames))
            LOG.error("failure id=%s type=%s at=%s", request_id, type(error).__name__, places)
            problem = respond("internal", "The service failed.", request_id=request_id, hint="Report the request_id.")
            await self._fail(problem, scope, receive, answer)

    async def _in_time(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        """Run the application; where no answer has begun after `REQUEST_SECONDS`, let it end unheard.

        A thread cannot be stopped: what it does ends behind the answer. A stream that has begun may go on.
        """
        work = asyncio.ensure_future(self._app(scope, receive, answer))
        try:
            await asyncio.wait({work}, timeout=REQUEST_SECONDS)
            if not work.done() and answer.status == 0:
                LOG.warning("late id=%s route=%s", answer.request_id, getattr(scope.get("route"), "path", "unknown"))
                problem = respond(
                    "request_timeout",
                    f"There was no answer within {REQUEST_SECONDS:.0f} seconds.",
                    request_id=answer.request_id,
                    headers={"Retry-After": "5", "Connection": "close"},
                )
                send = answer.take_over()
                work.add_done_callback(_forget)
                work.cancel()
                await problem(scope, receive, send)
                return
            await work
        except asyncio.CancelledError:  # the service stops and has waited as long as it does
            work.cancel()
            if answer.status == 0:
                problem = respond(
                    "overloaded",
                    "The service stops; the request was not finished.",
                    request_id=answer.request_id,
                    headers={"Retry-After": "5", "Connection": "close"},
                )
                await problem(scope, receive, answer.take_over())
            raise

    @staticmethod
    async def _fail(problem: ASGIApp, scope: Scope, receive: Receive, answer: _Answer) -> None:
        if answer.status == 0:
            await problem(scope, receive, answer)

    def _capped(self, scope: Scope, receive: Receive) -> Receive:
        limit = self._max_body_bytes
        declared = next((v for k, v in scope["headers"] if k == b"content-length"), b"0")
        too_large = ProblemError(
            "body_too_large", f"A body holds at most {limit} bytes.", headers={"Connection": "close"}
        )
        received, ended = 0, False

        async def capped() -> Message:
            nonlocal received, ended
            if declared.isdigit() and int(declared[:20]) > limit:
                raise too_large
            if ended:  # all that can come now is the end of the connection
                return await receive()
            try:
                async with asyncio.timeout(BODY_SECONDS):
                    message = await receive()
            except TimeoutError as error:
                raise ProblemError(
                    "timeout",
                    f"No byte of the body came for {BODY_SECONDS:.0f} seconds.",
                    headers={"Connection": "close"},
                ) from error
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                ended = not message.get("more_body", False)
                if received > limit:
                    raise too_large
            return message

        return capped


def _forget(work: asyncio.Future[None]) -> None:
    """Take the end of work that nobody waits for any more."""
    if not work.cancelled():
        work.exception()


class _Answer:
    """Sends an answer with the headers that all answers carry, and remembers its status."""

    def __init__(self, send: Send, *, request_id: str, api: bool) -> None:
        self.status = 0
        self.request_id = request_id
        self._send = send
        self._ended = False
        self._headers = [(b"x-request-id", request_id.encode()), *HEADERS, *(API_HEADERS if api else ())]

    async def __call__(self, message: Message) -> None:
        """Pass *message* on."""
        if not self._ended:
            await self._pass(message)

    def take_over(self) -> Send:
        """Return what alone can send from now on; what the application still says is heard by nobody."""
        self._ended = True
        return self._pass

    async def _pass(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = int(message["status"])
            given = {name.lower() for name, _ in message.get("headers", ())}
            message["headers"] = [
                *message.get("headers", ()),
                *((name, value) for name, value in self._headers if name not in given),
            ]
        await self._send(message)


def _request_id(scope: Scope) -> str:
    """Return the id that the caller gave, where it is harmless, else a new one."""
    given = next((v for k, v in scope["headers"] if k == b"x-request-id"), b"").decode("latin-1")
    return given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
