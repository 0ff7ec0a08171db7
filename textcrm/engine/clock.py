"""Where the time goes, by stage."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class StageClock:
    """Seconds spent in each stage, added up; ``messages`` went through. Several threads may be in several stages."""

    seconds: dict[str, float] = field(default_factory=dict)
    messages: int = 0
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time of the block to the stage *name*."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - begin
            with self._turn:
                self.seconds[name] = self.seconds.get(name, 0.0) + spent

    def count(self, messages: int) -> None:
        """Count messages that went through."""
        with self._turn:
            self.messages += messages

    def clear(self) -> None:
        """Begin anew."""
        self.seconds.clear()
        self.messages = 0
