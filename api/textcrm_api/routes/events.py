"""Results as they come, as server-sent events.

References
----------
WHATWG HTML, 9.2: server-sent events.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from typing import Annotated, Any, cast

from anyio import CapacityLimiter, to_thread
from fastapi import Header, Query, Request
from fastapi.responses import StreamingResponse

from textcrm.operations.work.stream import Result, results_since
from textcrm.store import Store
from textcrm_api.gate import needs
from textcrm_api.problems import ProblemError
from textcrm_api.routes import router as common
from textcrm_api.service import ServiceDep

router = common.make("events")
LOOK_SECONDS = 0.5
QUIET_SECONDS = 15.0  # after so many a comment is sent, so that whoever stands between keeps the connection
_STREAM: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": {}}}}
_STARTED = "results"


class Followers:
    """Those who follow the results; each takes a thread of its own while it waits.

    Parameters
    ----------
    most
        More are refused with 503.
    """

    def __init__(self, most: int = 32) -> None:
        self.threads = CapacityLimiter(most)
        self.ends: Callable[[], bool] = lambda: False
        self._most = most
        self._now = 0

    def enter(self) -> None:
        """Count one more.

        Raises
        ------
        ProblemError
            There are too many.
        """
        if self._now >= self._most:
            raise ProblemError("overloaded", "Too many follow the results already.", headers={"Retry-After": "30"})
        self._now += 1

    def leave(self) -> None:
        """Count one less."""
        self._now -= 1


@router.get("/v1/events", response_class=StreamingResponse, responses=_STREAM, **needs("read"))
async def follow_results(
    request: Request,
    service: ServiceDep,
    last_event_id: Annotated[
        str | None, Header(pattern="^[0-9A-Fa-f]{1,4096}$", description="`id` of the last event: go on after it.")
    ] = None,
    seconds: Annotated[int, Query(ge=1, le=86_400, description="The stream ends after so many.")] = 3_600,
) -> StreamingResponse:
    """Send each result as it is stored: `event: result` with ids and labels; `event: gap` where some may be missing.

    Without `Last-Event-ID`, from now on. Messages and insights are read by their ids.
    """
    followers: Followers = request.app.state.followers
    followers.enter()
    results = results_since(service.store, last_event_id, wait_seconds=LOOK_SECONDS)
    try:
        first = await to_thread.run_sync(_next, service.store, results, limiter=followers.threads)
    except BaseException:
        followers.leave()
        raise
    stream = _events(service.store, results, first, followers, until=time.monotonic() + seconds)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


async def _events(
    store: Store, results: Iterator[Result | None], text: str, followers: Followers, *, until: float
) -> AsyncIterator[str]:
    quiet = time.monotonic()
    try:
        yield f": {_STARTED}\n\n"
        while time.monotonic() < until and not followers.ends():
            if text or time.monotonic() - quiet > QUIET_SECONDS:
                yield text or ": still here\n\n"
                quiet = time.monotonic()
            text = await to_thread.run_sync(_next, store, results, limiter=followers.threads)
        if text:
            yield text
    finally:
        followers.leave()
        cast("Generator[Result | None]", results).close()


def _next(store: Store, results: Iterator[Result | None]) -> str:
    """Return the next event, or nothing where none came for a while."""
    result = next(results, None)
    if result is None:
        return ""
    if result.delivery is None:
        return f"event: gap\nid: {result.token}\ndata: {{}}\n\n" if result.token else "event: gap\ndata: {}\n\n"
    delivery = result.delivery
    insight = store.insights.get_many([delivery.message_id]).get(delivery.message_id)
    data = {
        "delivery": delivery.id,
        "at": delivery.at.isoformat(),
        "message_id": delivery.message_id,
        "customer": delivery.customer,
        "channel": delivery.channel,
        "labels": {p.task: None if p.abstained else p.label for p in insight.predictions} if insight else {},
    }
    return f"event: result\nid: {result.token}\ndata: {json.dumps(data)}\n\n"
