"""Where the time goes, by stage."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class StageClock:
    """Seconds spent in each stage, added up; ``messages`` went through. Embedding goes on beside other stages."""

    seconds: dict[str, float] = field(default_factory=dict)
    messages: int = 0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time of the block to the stage *name*."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begin

    def clear(self) -> None:
        """Begin anew."""
        self.seconds.clear()
        self.messages = 0
