"""Mail parsed in a process of its own, with a time and a memory limit: one hostile mail costs its own time only.

Frames, parent to worker, a chunk: number of mails (4 bytes, big endian), then for each the length of its metadata
(4), the metadata (JSON), the length of the mail (8), the mail. Worker to parent, a mail: ``M`` (a message), ``E`` (a
rejection) or ``R`` (ready, once), the length (8), JSON.
"""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from types import TracebackType
from typing import IO, Self

from textcrm.errors import DependencyError
from textcrm.records import Channel, Message, Source
from textcrm.sources.mime import Caps
from textcrm.sources.rejected import Rejected

_CHUNK_ITEMS = 32
_CHUNK_BYTES = 2_000_000
_START_SECONDS = 60.0
# Where the system counts processor time the time of day is a last resort; elsewhere it is the limit.
_PATIENCE = 10.0 if hasattr(signal, "setitimer") else 1.0
_Frame = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class MailItem:
    """A mail to parse: raw bytes, where they came from, when they were taken."""

    raw: bytes
    source: Source
    received_at: datetime
    channel: Channel = "email"


class MailParser:
    """Parses mail in a worker process that is started when needed and again after it died.

    Parameters
    ----------
    caps
        Limits within a mail.
    seconds
        Processor time for one mail; over it the mail is rejected as ``timeout``.
    megabytes
        Memory limit of the worker; over it the mail is rejected as ``memory``.
    keep
        Called with the raw bytes of each mail that became a message, before the message is handed on.
    """

    def __init__(
        self,
        *,
        caps: Caps | None = None,
        seconds: float = 2.0,
        megabytes: int = 300,
        keep: Callable[[bytes], None] | None = None,
    ) -> None:
        self._keep = keep
        self._caps = caps or Caps()
        self._seconds = seconds
        self._megabytes = megabytes
        self._process: subprocess.Popen[bytes] | None = None
        self._frames: queue.SimpleQueue[_Frame | None] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the worker, if there is one."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:
                    continue
        process.wait()

    def parse(self, items: Iterable[MailItem]) -> Iterator[Message | Rejected]:
        """Yield one ``Message`` or ``Rejected`` for each item, in order."""
        chunk: list[MailItem] = []
        size = 0
        for item in items:
            if len(item.raw) > self._caps.message_bytes:
                yield from self._chunk(chunk)
                chunk, size = [], 0
                yield _too_large(item, self._caps.message_bytes)
                continue
            chunk.append(item)
            size += len(item.raw)
            if len(chunk) >= _CHUNK_ITEMS or size >= _CHUNK_BYTES:
                yield from self._chunk(chunk)
                chunk, size = [], 0
        yield from self._chunk(chunk)

    def _chunk(self, items: list[MailItem]) -> Iterator[Message | Rejected]:
        while items:
            done = 0
            reason = self._send(items)
            while reason is None and done < len(items):
                answer = self._receive(self._seconds * _PATIENCE)
                if isinstance(answer, str):
                    reason = answer
                    break
                taken = _read(answer, items[done])
                if self._keep is not None and isinstance(taken, Message):
                    self._keep(items[done].raw)
                yield taken
                done += 1
            items = items[done:]
            if reason is not None:
                self.close()
                if items:
                    yield _lost(items[0], reason, self._seconds)
                    items = items[1:]

    def _send(self, items: list[MailItem]) -> str | None:
        """Hand a chunk to the worker. Return why that failed, or None."""
        pipe = self._started()
        try:
            pipe.write(len(items).to_bytes(4, "big"))
            for item in items:
                meta = json.dumps(
                    {
                        "source": item.source.model_dump(),
                        "received_at": item.received_at.isoformat(),
                        "channel": item.channel,
                    }
                ).encode()
                pipe.write(len(meta).to_bytes(4, "big") + meta + len(item.raw).to_bytes(8, "big"))
                pipe.write(item.raw)
            pipe.flush()
        except (BrokenPipeError, OSError):
            return "crashed"
        return None

    def _receive(self, seconds: float) -> _Frame | str:
        try:
            frame = self._frames.get(timeout=seconds)
        except queue.Empty:
            return "timeout"
        if frame is not None:
            return frame
        code = self._process.wait() if self._process is not None else 0
        return "timeout" if hasattr(signal, "SIGPROF") and code == -signal.SIGPROF else "crashed"

    def _started(self) -> IO[bytes]:
        if self._process is not None and self._process.poll() is not None:
            self.close()
        if self._process is None:
            self._frames = queue.SimpleQueue()
            self._process = subprocess.Popen(  # noqa: S603  (our own interpreter, our own module, no user text)
                [
                    sys.executable,
                    "-m",
                    "textcrm.sources.worker",
                    str(self._megabytes),
                    str(self._seconds),
                    json.dumps(asdict(self._caps)),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            threading.Thread(target=_pump, args=(self._process.stdout, self._frames), daemon=True).start()
            if isinstance(self._receive(_START_SECONDS), str):
                self.close()
                raise DependencyError(
                    "the mail parser's process does not start",
                    hint="Run `python -m textcrm.sources.worker 300 2 {}` to see why.",
                )
        pipe = self._process.stdin
        if pipe is None:
            raise DependencyError("the mail parser's process has no input", hint="This is a defect: report it.")
        return pipe


def _pump(stream: IO[bytes], frames: queue.SimpleQueue[_Frame | None]) -> None:
    """Read frames until the worker ends; None says that it did."""
    try:
        while len(head := stream.read(9)) == 9:
            payload = stream.read(int.from_bytes(head[1:], "big"))
            frames.put((head[:1], payload))
    except (ValueError, OSError):
        pass  # closed by close(), from the other thread
    frames.put(None)


def _read(frame: _Frame, item: MailItem) -> Message | Rejected:
    kind, payload = frame
    if kind == b"M":
        return Message.model_validate_json(payload)
    reason, detail = json.loads(payload)
    return Rejected(raw=item.raw, reason=reason, detail=detail, source=item.source)


def _lost(item: MailItem, reason: str, seconds: float) -> Rejected:
    detail = (
        f"Reading the mail took longer than {seconds:g} s." if reason == "timeout" else "The parser ended at this mail."
    )
    return Rejected(raw=item.raw, reason=reason, detail=detail, source=item.source)


def _too_large(item: MailItem, most: int) -> Rejected:
    detail = (
        f"The mail has {len(item.raw):,} bytes, over the cap of {most:,}. "
        "Set TEXTCRM_MAX_MESSAGE_BYTES higher to take it."
    )
    return Rejected(raw=item.raw, reason="too_large", detail=detail, source=item.source)
