from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest

from textcrm.errors import TextcrmError
from textcrm_api.batching import CROWD, MAX_ITEMS, UNIT_CHARS, Batcher
from textcrm_api.metrics import Metrics
from textcrm_api.problems import ProblemError

UNLUCKY = 7_777


def run(scenario: Any, *, threads: int = 1, **options: Any) -> Any:
    async def main() -> Any:
        batcher = Batcher(Metrics(None), threads=threads, **options)
        batcher.start()
        try:
            return await scenario(batcher)
        finally:
            batcher.close()

    return asyncio.run(main())


class Work:
    """Doubles numbers; remembers the sizes of its runs; waits until it may."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.may = threading.Event()
        self.may.set()

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.sizes.append(len(items))
        self.may.wait(10)
        if UNLUCKY in items:
            raise ValueError(f"{UNLUCKY} is what the customer wrote")
        return [2 * item for item in items]


def test_an_idle_thread_starts_at_once() -> None:
    work = Work()

    async def scenario(batcher: Batcher) -> list[int]:
        return await batcher.run("w", work, [1])

    assert run(scenario) == [2]
    assert work.sizes == [1]


def test_what_arrives_while_it_works_shares_the_next_run() -> None:
    work = Work()

    async def scenario(batcher: Batcher) -> list[Any]:
        work.may.clear()
        first = asyncio.create_task(batcher.run("w", work, [0]))
        while not work.sizes:
            await asyncio.sleep(0.001)
        others = [asyncio.create_task(batcher.run("w", work, [n])) for n in range(1, 41)]
        await asyncio.sleep(0.01)
        work.may.set()
        return list(await asyncio.gather(first, *others))

    assert run(scenario) == [[2 * n] for n in range(41)]
    assert work.sizes == [1, MAX_ITEMS, 8]


def test_a_single_text_does_not_wait_behind_a_hundred() -> None:
    work = Work()

    async def scenario(batcher: Batcher) -> list[str]:
        done: list[str] = []

        async def ask(name: str, items: list[int]) -> None:
            assert await batcher.run("w", work, items) == [2 * item for item in items]
            done.append(name)

        work.may.clear()
        large = asyncio.create_task(ask("large", list(range(100, 200))))
        while not work.sizes:
            await asyncio.sleep(0.001)
        small = asyncio.create_task(ask("small", [1]))
        await asyncio.sleep(0.01)
        work.may.set()
        await asyncio.gather(large, small)
        return done

    assert run(scenario) == ["small", "large"]


def test_long_items_run_in_smaller_batches() -> None:
    work = Work()

    async def scenario(batcher: Batcher) -> list[int]:
        return await batcher.run("w", work, list(range(6)), chars=[100_000, 100_000, 400, 400, 25_000, 25_000])

    assert run(scenario) == [0, 2, 4, 6, 8, 10]
    assert work.sizes == [1, 1, 4]


def test_one_slow_run_refuses_nobody() -> None:
    begun: list[int] = []

    def slow_at_first(items: Sequence[int]) -> list[int]:
        begun.append(len(items))
        time.sleep(0.5 if len(begun) == 1 else 0.001)
        return list(items)

    async def scenario(batcher: Batcher) -> list[list[int]]:
        await batcher.run("w", slow_at_first, [0])
        return list(await asyncio.gather(*(batcher.run(str(n), slow_at_first, [n] * 50) for n in range(4))))

    assert [len(answer) for answer in run(scenario, max_seconds=1.5)] == [50] * 4


def test_one_that_fails_does_not_take_its_neighbours_along() -> None:
    async def scenario(batcher: Batcher) -> list[Any]:
        return await batcher.run("w", Work(), [12, UNLUCKY, 14])

    first, failed, last = run(scenario)
    assert (first, last) == (24, 28)
    assert isinstance(failed, TextcrmError)
    assert str(UNLUCKY) not in str(failed)


def test_other_work_is_not_mixed_in() -> None:
    one, two = Work(), Work()

    async def scenario(batcher: Batcher) -> Any:
        one.may.clear()
        first = asyncio.create_task(batcher.run("one", one, [1]))
        while not one.sizes:
            await asyncio.sleep(0.001)
        tasks = [asyncio.create_task(batcher.run(k, w, [n])) for n in range(4) for k, w in (("one", one), ("two", two))]
        await asyncio.sleep(0.01)
        one.may.set()
        return await asyncio.gather(first, *tasks)

    run(scenario)
    assert (one.sizes, two.sizes) == ([1, 4], [4])


def test_too_much_is_refused_at_once_and_what_was_taken_is_answered() -> None:
    work = Work()

    async def scenario(batcher: Batcher) -> tuple[int, int]:
        work.may.clear()
        tasks = [asyncio.create_task(batcher.run("w", work, [0]))]
        while not work.sizes:
            await asyncio.sleep(0.001)
        tasks += [asyncio.create_task(batcher.run("w", work, [n])) for n in range(1, 200)]
        await asyncio.sleep(0.05)
        work.may.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        refused = [r for r in results if isinstance(r, ProblemError)]
        assert all(r.code == "overloaded" and int((r.headers or {})["Retry-After"]) >= 1 for r in refused)
        return len(refused), sum(isinstance(r, list) for r in results)

    refused, answered = run(scenario, max_waiting=50)
    assert (refused, answered) == (149, 51)


def test_work_that_nobody_waits_for_is_not_done() -> None:
    work = Work()

    async def scenario(batcher: Batcher) -> int:
        work.may.clear()
        first = asyncio.create_task(batcher.run("w", work, [0]))
        while not work.sizes:
            await asyncio.sleep(0.001)
        gone = asyncio.create_task(batcher.run("w", work, [1, 2, 3]))
        await asyncio.sleep(0.01)
        gone.cancel()
        await asyncio.sleep(0.01)
        work.may.set()
        await first
        await batcher.run("w", work, [4])
        return batcher.waiting

    assert run(scenario) == 0
    assert work.sizes == [1, 1]


def test_closing_answers_what_waits() -> None:
    def slow(items: Sequence[int]) -> list[int]:
        time.sleep(0.05)
        return list(items)

    async def main() -> list[Any]:
        batcher = Batcher(Metrics(None))
        batcher.start()
        tasks = [asyncio.create_task(batcher.run(str(n), slow, [n])) for n in range(5)]
        await asyncio.sleep(0.01)
        await asyncio.to_thread(batcher.close)
        return list(await asyncio.gather(*tasks))

    assert asyncio.run(main()) == [[n] for n in range(5)]


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("count", [1, 31, 32, 33, 100])
def test_order_is_kept(count: int, threads: int) -> None:
    async def scenario(batcher: Batcher) -> list[int]:
        return await batcher.run("w", Work(), [n + 100 for n in range(count)])

    assert run(scenario, threads=threads) == [2 * (n + 100) for n in range(count)]


def test_a_request_of_another_kind_does_not_wait_while_one_thread_works() -> None:
    slow, quick = Work(), Work()

    async def scenario(batcher: Batcher) -> list[int]:
        slow.may.clear()
        first = asyncio.create_task(batcher.run("slow", slow, [1]))
        while not slow.sizes:
            await asyncio.sleep(0.001)
        answer = await batcher.run("quick", quick, [2])
        slow.may.set()
        return [*await first, *answer]

    assert run(scenario, threads=2) == [2, 4]


def test_nothing_waits_behind_a_long_text_while_a_thread_is_idle() -> None:
    work = Work()

    async def scenario(batcher: Batcher) -> list[int]:
        work.may.clear()
        long = asyncio.create_task(batcher.run("w", work, [1], chars=[CROWD * UNIT_CHARS]))
        while not work.sizes:
            await asyncio.sleep(0.001)
        short = asyncio.create_task(batcher.run("w", work, [2]))
        while len(work.sizes) < 2:
            await asyncio.sleep(0.001)
        work.may.set()
        return [*await long, *await short]

    assert run(scenario, threads=2) == [2, 4]


def test_both_threads_share_one_large_request() -> None:
    together = threading.Barrier(2, timeout=10)

    def work(items: Sequence[int]) -> list[int]:
        together.wait()  # each run waits until the other one goes on as well
        return [2 * item for item in items]

    async def scenario(batcher: Batcher) -> list[int]:
        return await batcher.run("w", work, list(range(2 * CROWD)))

    assert run(scenario, threads=2) == [2 * n for n in range(2 * CROWD)]


def test_few_of_one_kind_share_the_next_run_though_a_thread_is_idle() -> None:
    work = Work()

    async def scenario(batcher: Batcher) -> list[Any]:
        work.may.clear()
        tasks = [asyncio.create_task(batcher.run("w", work, [0]))]
        while not work.sizes:
            await asyncio.sleep(0.001)
        tasks += [asyncio.create_task(batcher.run("w", work, [n])) for n in range(1, CROWD)]
        await asyncio.sleep(0.05)
        assert work.sizes == [1]
        tasks.append(asyncio.create_task(batcher.run("w", work, [CROWD])))
        while len(work.sizes) < 2:  # now it is a crowd, and the other thread takes it
            await asyncio.sleep(0.001)
        work.may.set()
        return list(await asyncio.gather(*tasks))

    assert run(scenario, threads=2) == [[2 * n] for n in range(CROWD + 1)]
    assert work.sizes == [1, CROWD]
