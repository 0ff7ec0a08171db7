"""Where the servers lie that are killed, cut off and filled up."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.places import quick_folder


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder: on the disk in the long form, else in memory."""
    long = os.environ.get("TEXTCRM_CHAOS") == "long"
    with nullcontext(tmp_path) if long else quick_folder() as folder:
        yield folder
