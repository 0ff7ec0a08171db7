"""All analysed anew by a newer pipeline: cut short and gone on with, live messages first, old insights until then."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.e2e.standins import SmallEngine
from tests.factories import message
from textcrm.operations.texts.analysis import AnalysisReport, analyse_stored, work_once
from textcrm.operations.work.stream import lag, rework
from textcrm.records import Message
from textcrm.store import Store


def pipelines(store: Store) -> Counter[str]:
    return Counter(d["pipeline"] for d in store.database["insights"].find({}, {"pipeline": 1}))


def test_a_backfill_that_is_cut_short_goes_on_where_it_stopped(store: Store) -> None:
    store.messages.add([message(f"m{n}") for n in range(60)])
    analyse_stored(store, SmallEngine(version="old"))
    assert rework(store, standing=["new"]) == 60
    assert pipelines(store) == {"old": 60}  # they stand until the new ones do

    seen: list[int] = []

    def cut(_: Message) -> None:
        if sum(seen) >= 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        while work_once(
            store, SmallEngine(version="new", trouble=cut), report=AnalysisReport(), limit=10, progress=seen.append
        ):
            pass
    assert pipelines(store) == {"old": 30, "new": 30}
    assert (lag(store).backfill, lag(store).waiting) == (30, 0)
    assert rework(store, standing=["new"]) == 0  # what is left waits already
    report = analyse_stored(store, SmallEngine(version="new"))
    assert report.done == 30 and pipelines(store) == {"new": 60} and store.messages.counts() == {"done": 60}
    assert rework(store, standing=["new"]) == 0


def test_live_messages_go_first_and_the_rest_has_an_estimate(store: Store) -> None:
    store.messages.add([message(f"m{n}") for n in range(40)])
    analyse_stored(store, SmallEngine(version="old"))
    rework(store, standing=["new"])
    live = message("live")
    store.messages.add([live])
    store.workers.beat("here:1:2:x", state="working", why="", done=0, failed=0, rate=4.0, gaps=0)
    assert lag(store).seconds_left == pytest.approx(41 / 4)
    work_once(store, SmallEngine(version="new"), report=AnalysisReport(), limit=1)
    assert store.insights.get(live.id).pipeline == "new" and pipelines(store)["old"] == 40
