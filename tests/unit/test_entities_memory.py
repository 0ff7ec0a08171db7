from __future__ import annotations

import os
import random
import string
from pathlib import Path

from textcrm.entities import EntityRecogniser


def test_random_words_leave_memory_where_it_was() -> None:
    recogniser = EntityRecogniser()
    pick = random.Random(11)

    def read(messages: int) -> None:
        for _ in range(messages // 500):
            recogniser.recognise(
                [" ".join("".join(pick.choices(string.ascii_letters, k=9)) for _ in range(10)) for _ in range(500)]
            )

    def resident() -> float:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    read(2_000)
    before = resident()
    read(4_000)
    # 40,000 new words would cost some 20 MB if the vocabulary kept them.
    assert resident() - before < 12
