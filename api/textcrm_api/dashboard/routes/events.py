"""Live arrivals: server-sent events from a change stream, one watcher for all open desks of a process."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request
from pymongo.errors import PyMongoError
from starlette.responses import Response, StreamingResponse

from textcrm.store import Store
from textcrm.store.codec import Document
from textcrm_api.dashboard.pages import Pages

LONGEST_SECONDS = 300.0
BEAT_SECONDS = 15.0
Listener = tuple[asyncio.AbstractEventLoop, "asyncio.Queue[str]"]


class Arrivals:
    """Watches the insights while somebody listens."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._listeners: set[Listener] = set()
        self._turn = threading.Lock()
        self._watching = False

    def join(self) -> Listener:
        """Listen from now on."""
        listener: Listener = (asyncio.get_running_loop(), asyncio.Queue(maxsize=500))
        with self._turn:
            self._listeners.add(listener)
            if not self._watching:
                self._watching = True
                threading.Thread(target=self._watch, name="arrivals", daemon=True).start()
        return listener

    def leave(self, listener: Listener) -> None:
        """Stop listening."""
        with self._turn:
            self._listeners.discard(listener)

    def _watch(self) -> None:
        new: list[Document] = [
            {"$match": {"operationType": {"$in": ["insert", "replace"]}}},
            {"$project": {"fullDocument._id": 1, "fullDocument.rank": 1, "fullDocument.channel": 1}},
        ]
        try:
            with self._store.database["insights"].watch(new, max_await_time_ms=400) as stream:
                while self._wanted():
                    change = stream.try_next()
                    if change is not None and "fullDocument" in change:
                        document = change["fullDocument"]
                        self._tell(json.dumps({"id": document["_id"], "rank": document.get("rank", 0)}))
        except PyMongoError:
            self._tell("")  # ends the streams; browsers join again
            with self._turn:
                self._watching = False

    def _wanted(self) -> bool:
        with self._turn:
            if not self._listeners:
                self._watching = False
            return self._watching

    def _tell(self, text: str) -> None:
        with self._turn:
            listeners = list(self._listeners)
        for loop, queue in listeners:
            if not loop.is_closed():
                loop.call_soon_threadsafe(_put, queue, text)


def _put(queue: asyncio.Queue[str], text: str) -> None:
    if not queue.full():  # a page that is this far behind counts what it has
        queue.put_nowait(text)


def add(router: APIRouter, pages: Pages) -> None:
    """Add the route."""
    arrivals = Arrivals(pages.store)

    @router.get("/events", response_model=None)
    async def events(request: Request) -> Response:
        return StreamingResponse(
            _stream(arrivals, request),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )


async def _stream(arrivals: Arrivals, request: Request) -> AsyncIterator[str]:
    listener = arrivals.join()
    end = asyncio.get_running_loop().time() + LONGEST_SECONDS
    try:
        yield "retry: 1500\n\n"
        while asyncio.get_running_loop().time() < end and not await request.is_disconnected():
            try:
                text = await asyncio.wait_for(listener[1].get(), BEAT_SECONDS)
            except TimeoutError:
                yield ": still here\n\n"
                continue
            if not text:
                return
            yield f"event: arrival\ndata: {text}\n\n"
    finally:
        arrivals.leave(listener)
