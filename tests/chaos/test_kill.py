"""Kill -9 at every named point of those that take in, that work, and of the database; then count.

``TEXTCRM_CHAOS=long`` (make chaos): 300 kills and 30,000 messages at least; otherwise a tenth of it.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.chaos.actors import BATCH
from textcrm.store.client import Store, connect
from textcrm.store.embedded import EmbeddedServer

ROOT = Path(__file__).resolve().parents[2]
LONG = os.environ.get("TEXTCRM_CHAOS") == "long"
KILLS, MONGOD_KILLS, LEAST_MESSAGES = (300, 30, 30_000) if LONG else (30, 4, 2_000)
DATABASE = "chaos"
EACH_LIFE = 400


def actor(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.chaos.actors", *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


class Play:
    """The actors of one run: who lives is watched, who dies is counted and comes again."""

    def __init__(self, uri: str, server: EmbeddedServer) -> None:
        self.uri = uri
        self.server = server
        self.chance = random.Random(20_260_901)
        self.kills = {"feed": 0, "work": 0, "mongod": 0}
        self.acknowledged = 0
        self.feeder = self.start_feeder()
        self.workers = [self.start_worker() for _ in range(2)]
        self.next_mongod = LEAST_MESSAGES // MONGOD_KILLS

    @property
    def total(self) -> int:
        return sum(self.kills.values())

    def start_feeder(self) -> subprocess.Popen[str]:
        seed = self.chance.randint(1, 1_000_000)
        end = self.acknowledged + EACH_LIFE
        return actor("feed", self.uri, DATABASE, seed, self.acknowledged, end)

    def start_worker(self) -> subprocess.Popen[str]:
        return actor("work", self.uri, DATABASE, self.chance.randint(1, 1_000_000))

    def bury_feeder(self) -> None:
        out, _ = self.feeder.communicate()
        self.acknowledged = max([self.acknowledged, *map(int, out.split())])
        self.kills["feed"] += self.feeder.returncode == -signal.SIGKILL

    def turn(self) -> None:
        if self.feeder.poll() is not None:
            self.bury_feeder()
            self.feeder = self.start_feeder()
        for place, worker in enumerate(self.workers):
            if worker.poll() is not None:
                worker.communicate()
                self.kills["work"] += 1
                self.workers[place] = self.start_worker()
            elif self.chance.random() < 0.002:  # anywhere, not only where the points are
                worker.kill()
        if self.acknowledged >= self.next_mongod:
            running = self.server.running()
            if running is not None:
                os.kill(running.pid, signal.SIGKILL)
                self.kills["mongod"] += 1
                self.next_mongod = self.acknowledged + self.chance.randint(1, 2 * LEAST_MESSAGES // MONGOD_KILLS)
        time.sleep(0.02)

    def end(self) -> None:
        self.feeder.kill()
        self.bury_feeder()
        for worker in self.workers:
            worker.kill()
            worker.communicate()


@pytest.mark.slow
@pytest.mark.timeout(7200 if LONG else 300)
def test_nothing_is_lost_and_nothing_done_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server = EmbeddedServer(tmp_path)
    uri = server.open()
    try:
        with connect(uri) as client:
            Store(client, DATABASE).prepare()
        play = Play(uri, server)
        try:
            while play.total < KILLS or play.acknowledged < LEAST_MESSAGES:
                play.turn()
        finally:
            play.end()
        messages = finish(uri, play.acknowledged)
        command = [sys.executable, "-m", "tests.chaos.check", uri, DATABASE, str(messages)]
        counts = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    finally:
        server.close()
    with capsys.disabled():
        print(f"\nchaos: {play.total} kills {play.kills}, {counts}")
    assert counts["lost"] == counts["doubled"] == counts["wrong"] == counts["unfinished"] == 0
    assert min(play.kills.values()) > 0 and counts["messages"] >= LEAST_MESSAGES


def finish(uri: str, acknowledged: int) -> int:
    """Feed the rest of the last life, work until nothing waits, and return how many messages there are."""
    end = acknowledged + BATCH * 3
    feeder = actor("feed", uri, DATABASE, 0, acknowledged, end)
    out, _ = feeder.communicate(timeout=120)
    worker = actor("work", uri, DATABASE, 0)
    try:
        with connect(uri) as client:
            store = Store(client, DATABASE)
            last = max(int(d["source"]["external_id"]) for d in records(store)) + 1
            deadline = time.monotonic() + 300
            while {"pending", "leased"} & set(store.messages.counts()):
                assert time.monotonic() < deadline, store.messages.counts()
                time.sleep(0.1)
    finally:
        worker.kill()
        worker.communicate()
    assert int(out.split()[-1]) == end
    return last


def records(store: Store) -> list[dict[str, dict[str, str]]]:
    return [d["record"] for d in store.database["messages"].find({}, {"record.source": 1})]
