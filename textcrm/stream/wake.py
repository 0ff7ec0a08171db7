"""Wakes the worker up when messages come in. It may miss some: the worker's sweep finds those."""

from __future__ import annotations

import logging
import threading
from typing import Any

from pymongo.collection import Collection
from pymongo.errors import OperationFailure, PyMongoError

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
PLACE_LOST = {136, 280, 286}  # CappedPositionLost, ChangeStreamFatalError, ChangeStreamHistoryLost
_STATE = {"$getField": {"field": "work.state", "input": "$updateDescription.updatedFields"}}
_NEWS: list[dict[str, Any]] = [
    {
        "$match": {
            "$or": [
                {"operationType": "insert"},
                {"operationType": "update", "$expr": {"$eq": [_STATE, "pending"]}},
            ]
        }
    },
    {"$project": {"_id": 1}},
]


class Wake:
    """Follows one change stream in a thread of its own.

    The stream only wakes up. What waits is read from the messages themselves, so a stream that was cut, that lost its
    place, or whose token is gone, loses nothing: it is opened again, at most once a second, and the worker looks.

    Attributes
    ----------
    gaps
        How often the stream was lost or cut, each time with changes that it may not have shown.
    """

    def __init__(self, messages: Collection[dict[str, Any]]) -> None:
        self._messages = messages
        self._event = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="textcrm-wake", daemon=True)
        self.gaps = 0

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait for news, at most so long; tell whether there were any."""
        news = self._event.wait(seconds)
        self._event.clear()
        return news

    def set(self) -> None:
        """Wake up now."""
        self._event.set()

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        self._event.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _follow(self) -> None:
        while not self._stop.is_set():
            try:
                with self._messages.watch(_NEWS, max_await_time_ms=1000, batch_size=1000) as stream:
                    self._event.set()  # what came before the stream stood
                    while not self._stop.is_set():
                        if stream.try_next() is not None:
                            self._event.set()
            except PyMongoError as error:
                self.gaps += 1
                lost = isinstance(error, OperationFailure) and error.code in PLACE_LOST
                log.warning(
                    "the change stream %s (%s); it is opened again, and the sweep finds what it missed",
                    "lost its place" if lost else "was cut",
                    type(error).__name__,
                )
                self._event.set()
                self._stop.wait(RETRY_SECONDS)
