"""Kill -9 at every named point of those that take in, that work, and of the database; then count.

``TEXTCRM_CHAOS=long`` (make chaos): 300 kills and 30,000 messages at least; otherwise a twentieth of it.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from tests.chaos.actors import BATCH, POINTS
from tests.chaos.source import POSTED, posted
from tests.e2e.dovecot import free_port
from textcrm.operations.access.keys import create_key
from textcrm.operations.intake.quarantine import replay_items
from textcrm.settings import Settings
from textcrm.store.client import Store, connect
from textcrm.store.embedded import EmbeddedServer

ROOT = Path(__file__).resolve().parents[2]
LONG = os.environ.get("TEXTCRM_CHAOS") == "long"
KILLS, MONGOD_KILLS, LEAST_MESSAGES = (400, 30, 30_000) if LONG else (20, 2, 1_500)
DATABASE = "chaos"
EACH_LIFE = 400


class Nursery:
    """Makes actors, and knows which are dead and how they died."""

    def __init__(self, uri: str, log: Path) -> None:
        self.uri = uri
        self.status: dict[int, int] = {}
        self._born: list[int] = []
        self._news = threading.Condition()
        command = [sys.executable, "-m", "tests.chaos.actors", str(log)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def make(self, kind: str, seed: int, *more: int) -> int:
        assert self._process.stdin is not None
        with self._news:
            self._process.stdin.write(json.dumps([kind, self.uri, DATABASE, seed, *more]) + "\n")
            self._process.stdin.flush()
            assert self._news.wait_for(lambda: self._born, timeout=60)
            return self._born.pop()

    def await_end(self, child: int) -> int:
        with self._news:
            assert self._news.wait_for(lambda: child in self.status, timeout=120)
            return self.status[child]

    def close(self, children: list[int]) -> None:
        for child in children:
            if child not in self.status:
                os.kill(child, signal.SIGKILL)
                self.await_end(child)
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=20)
        self._reader.join()
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            word, child, *status = line.split()
            with self._news:
                if word == "born":
                    self._born.append(int(child))
                else:
                    self.status[int(child)] = int(status[0])
                self._news.notify_all()


class Caller:
    """Posts batches in order, each until it is acknowledged, as a program does that means well."""

    def __init__(self, port: int, key: str) -> None:
        self.acknowledged = 0
        self.refusals: Counter[int] = Counter()
        self._port = port
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End after the batch that is under way is acknowledged.

        Raises
        ------
        TimeoutError
            Nobody acknowledges it.
        """
        self._stop.set()
        self._thread.join(60)
        if self._thread.is_alive():
            raise TimeoutError("the last batch was never acknowledged")

    def _run(self) -> None:
        while not self._stop.is_set():
            items = [posted(POSTED + self.acknowledged + n) for n in range(BATCH)]
            while not self._post(json.dumps({"items": items})):
                time.sleep(0.02)
            self.acknowledged += BATCH

    def _post(self, body: str) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            connection.request("POST", "/v1/messages", body, self._headers)
            answer = connection.getresponse()
            found = json.loads(answer.read())
        except (OSError, http.client.HTTPException):
            return False  # killed: nothing was acknowledged
        finally:
            connection.close()
        if answer.status != 200:
            self.refusals[answer.status] += 1
            return False
        return bool(found["stored"] + found["duplicates"] == BATCH)


class Play:
    """The actors of one run: who lives is watched, who dies is counted and comes again."""

    def __init__(self, uri: str, server: EmbeddedServer, log: Path) -> None:
        self.server = server
        self.chance = random.Random(20_260_901)
        self.kills: Counter[str] = Counter()
        self.log = log
        self.port = free_port()
        self.nursery = Nursery(uri, log)
        self.cast: dict[str, int] = {name: self.enter(name) for name in ("feed", "api", "work 1", "work 2")}
        self.next_mongod = LEAST_MESSAGES // MONGOD_KILLS

    @property
    def fed(self) -> int:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return max([int(line.split()[1]) for line in lines if line.startswith("fed")], default=0)

    def enter(self, name: str, *, safe: bool = False) -> int:
        kind = name.split(maxsplit=1)[0]
        start = self.fed
        more = {"feed": (start, start + (BATCH * 3 if safe else EACH_LIFE)), "api": (self.port,), "work": ()}[kind]
        return self.nursery.make(kind, 0 if safe else self.chance.randint(1, 1_000_000), *more)

    def turn(self, done: int) -> None:
        for name, child in self.cast.items():
            status = self.nursery.status.get(child)
            if status is not None:
                assert status in (0, -signal.SIGKILL), f"{name} ended with {status}"
                self.kills[name.split()[0]] += status == -signal.SIGKILL
                self.cast[name] = self.enter(name)
            elif self.chance.random() < 0.002:  # anywhere, not only where the points are
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
        if done >= self.next_mongod:
            running = self.server.running()
            if running is not None:
                os.kill(running.pid, signal.SIGKILL)
                self.kills["mongod"] += 1
                self.next_mongod = done + self.chance.randint(1, 2 * LEAST_MESSAGES // MONGOD_KILLS)
        time.sleep(0.02)

    def finish(self) -> None:
        """Kill all once more; let others, who are not killed, end the work."""
        for name, child in list(self.cast.items()):
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            self.kills[name.split()[0]] += self.nursery.await_end(child) == -signal.SIGKILL
            self.cast[name] = self.enter(name, safe=True)

    def points(self) -> dict[str, int]:
        """Return how many died at each named point."""
        lines = [line.split() for line in self.log.read_text().splitlines()]
        died = Counter((kind, name) for word, *rest in lines if word == "killed" for kind, name in [rest])
        return {f"{kind} {name}": died[(kind, name)] for kind, names in POINTS.items() for name in names}


@pytest.mark.slow
@pytest.mark.timeout(7200 if LONG else 300)
def test_nothing_is_lost_and_nothing_done_twice(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server = EmbeddedServer(place / "home")
    uri = server.open()
    try:
        with connect(uri) as client:
            store = Store(client, DATABASE)
            store.prepare()
            key, _ = create_key(store, "chaos")
            play = Play(uri, server, place / "log")
            try:
                caller = Caller(play.port, key)
                try:
                    while play.kills.total() < KILLS or play.fed + caller.acknowledged < LEAST_MESSAGES:
                        play.turn(play.fed + caller.acknowledged)
                finally:
                    play.finish()
                    caller.close()
                assert play.nursery.await_end(play.cast["feed"]) == 0
                fed = 1 + max(n for n in numbers(store) if n < POSTED)  # the last batch may not have been acknowledged
                wait_until_settled(store)
                # killed three times each, by chance: a person looks at them, and has them analysed again
                waiting = store.quarantine.list()
                replay_items(store, waiting, settings=Settings(home=place))
                wait_until_settled(store)
            finally:
                play.nursery.close(list(play.cast.values()))
        command = [sys.executable, "-m", "tests.chaos.check", uri, DATABASE, str(fed), str(caller.acknowledged)]
        counts = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    finally:
        server.close()
    with capsys.disabled():
        print(f"\nchaos: {play.kills.total()} kills {dict(play.kills)}; at the points {play.points()}; {counts}")
        print(f"chaos: {len(waiting)} of them were killed three times, and replayed from the quarantine")
        print(f"chaos: the API refused while the database was away: {dict(caller.refusals)}")
    assert counts["lost"] == counts["doubled"] == counts["wrong"] == counts["unfinished"] == 0
    assert counts["messages"] >= LEAST_MESSAGES and set(caller.refusals) <= {503}
    assert min(play.kills[kind] for kind in ("feed", "api", "work", "mongod")) > 0
    assert not LONG or min(play.points().values()) > 0


def numbers(store: Store) -> list[int]:
    found = store.database["messages"].find({}, {"record.source": 1})
    return [int(d["record"]["source"]["external_id"]) for d in found]


def wait_until_settled(store: Store) -> None:
    deadline = time.monotonic() + 300
    while {"pending", "leased"} & set(store.messages.counts()):
        assert time.monotonic() < deadline, store.messages.counts()
        time.sleep(0.1)
