"""The process that parses mail: reads chunks from standard input, answers mail by mail, knows nothing else.

Run as ``python -m textcrm.sources.worker MEGABYTES SECONDS CAPS``. It holds no secret and opens no file, so
that what a hostile mail does to it is lost time and no more. ``textcrm.sources.sandbox`` describes the frames.
"""

from __future__ import annotations

import json
import signal
import sys
from datetime import datetime
from typing import Any, BinaryIO, cast

from textcrm.errors import InputError
from textcrm.records import Channel, Source
from textcrm.sources.mailbox import parse_mail
from textcrm.sources.mime import Caps

_EXIT_MEMORY = 3


def main(arguments: list[str]) -> int:
    """Serve until standard input closes."""
    _limit_memory(int(arguments[0]))
    seconds = float(arguments[1])
    caps = Caps(**json.loads(arguments[2]))
    reader, writer = sys.stdin.buffer, sys.stdout.buffer
    _answer(writer, b"R", b"")
    while head := reader.read(4):
        chunk = [_item(reader) for _ in range(int.from_bytes(head, "big"))]
        chunk.reverse()
        while chunk:
            meta, raw = chunk.pop()
            try:
                _limit_time(seconds)
                message = parse_mail(
                    raw,
                    source=Source.model_validate(meta["source"]),
                    received_at=datetime.fromisoformat(meta["received_at"]),
                    caps=caps,
                    channel=cast("Channel", meta["channel"]),
                )
                answer = message.model_dump_json(exclude_defaults=True).encode("utf-8")
                _limit_time(0)
            except InputError as error:
                _limit_time(0)
                _answer(writer, b"E", json.dumps([error.code, str(error)]).encode())
            except MemoryError:
                _answer(writer, b"E", json.dumps(["memory", "Reading the mail took too much memory."]).encode())
                return _EXIT_MEMORY
            else:
                _answer(writer, b"M", answer)
    return 0


def _item(reader: BinaryIO) -> tuple[dict[str, Any], bytes]:
    meta = json.loads(reader.read(int.from_bytes(reader.read(4), "big")))
    return meta, reader.read(int.from_bytes(reader.read(8), "big"))


def _answer(writer: BinaryIO, kind: bytes, payload: bytes) -> None:
    writer.write(kind + len(payload).to_bytes(8, "big"))
    writer.write(payload)
    writer.flush()


def _limit_time(seconds: float) -> None:
    """Give the next mail that much processor time (0: no limit); over it the system ends the process by SIGPROF.

    Processor time, not time of day: a busy machine must not make honest mail look hostile.
    """
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _limit_memory(megabytes: int) -> None:
    """Cap what the process may allocate. Systems without ``resource`` (Windows) have the time limit only."""
    try:
        import resource
    except ImportError:
        return
    # On Linux RLIMIT_DATA counts private writable memory, which is what a mail can make grow.
    resource.setrlimit(resource.RLIMIT_DATA, (megabytes << 20, megabytes << 20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
