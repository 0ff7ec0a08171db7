"""Similar messages: vectors kept once, found exactly and through the index, which is built again where it is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.factories import message
from textcrm.embed.nearest import Nearest, build, newest, quantise
from textcrm.errors import NotFoundError
from textcrm.operations.desk.similar import Similar, build_indexes, encoder_of, make_vectors
from textcrm.operations.texts.analysis import analyse_stored

if TYPE_CHECKING:
    from textcrm.engine import Engine
    from textcrm.settings import Settings
    from textcrm.store import Store

TEXTS = [
    "Where is my parcel? It has not arrived.",
    "My package was not delivered yet.",
    "When will the delivery come?",
    "How do I reset my password?",
    "I cannot log in, the password is wrong.",
    "The kettle leaks water on the table.",
    "Thank you for the quick help!",
    "",
]


@pytest.fixture
def settings(settings: Settings, tmp_path: Path, models: Path) -> Settings:
    """Indexes of this test alone; the models are those of all tests."""
    for part in ("registry", "encoders"):
        (tmp_path / part).symlink_to(models / part)
    return settings.model_copy(update={"home": tmp_path})


@pytest.fixture
def filled(store: Store, engine: Engine) -> Store:
    store.messages.add([message(text) for text in TEXTS])
    assert analyse_stored(store, engine).done == len(TEXTS)
    return store


def all_vectors(store: Store, engine: Engine, owner: str = "w") -> int:
    encoder = encoder_of(engine)
    assert encoder is not None
    looked = 0
    while made := make_vectors(store, encoder, owner=owner):
        looked += made
    return looked


def texts_of(store: Store, ids: list[str]) -> list[str]:
    found = store.messages.get_many(ids)
    return [found[i].text for i in ids]


def test_vectors_are_made_once_and_again_where_the_words_change(filled: Store, engine: Engine) -> None:
    encoder = encoder_of(engine)
    assert encoder is not None
    assert all_vectors(filled, engine) == len(TEXTS)
    last = filled.vectors.last(encoder.hash)
    assert last == len(TEXTS) and len(filled.vectors.after(encoder.hash, 0, limit=99)) == len(TEXTS) - 1
    assert all_vectors(filled, engine) == 0
    analyse_stored(filled, engine, everything=True)  # the same words: looked at, and left as they are
    assert all_vectors(filled, engine) == len(TEXTS)
    assert filled.vectors.last(encoder.hash) == last
    changed = filled.database["insights"].find_one_and_update(
        {"record.clean": TEXTS[6]}, {"$set": {"record.clean": "Thanks a lot", "stored_at": filled.now()}}
    )
    assert changed is not None and all_vectors(filled, engine) == 1
    assert filled.vectors.last(encoder.hash) == last + 1
    # stored before what was read last, and seen after it: not missed
    late = message("Late, but here.")
    filled.messages.add([late])
    analyse_stored(filled, engine)
    before = filled.database["insights"].find_one({}, sort=[("stored_at", 1)])
    assert before is not None
    filled.database["insights"].update_one({"_id": late.id}, {"$set": {"stored_at": before["stored_at"]}})
    assert all_vectors(filled, engine) == 1
    assert filled.vectors.of(encoder.hash, late.id) is not None


def test_one_makes_them(filled: Store, engine: Engine) -> None:
    encoder = encoder_of(engine)
    assert encoder is not None
    assert make_vectors(filled, encoder, owner="a") == len(TEXTS)
    filled.messages.add([message("One more.")])
    analyse_stored(filled, engine)
    assert make_vectors(filled, encoder, owner="b") == 0
    filled.vectors.give_up(encoder.hash, "a")
    assert make_vectors(filled, encoder, owner="b") == 1


def test_what_is_similar_is_found_exactly_then_by_the_index_and_after_its_loss(
    filled: Store, engine: Engine, settings: Settings
) -> None:
    all_vectors(filled, engine)
    similar = Similar(filled, engine, settings)
    similar.follow()
    assert similar.searched == len(TEXTS) - 1

    def near(text: str) -> list[str]:
        found = similar.to_message(message(text).id, limit=2)
        assert all(-1 <= one.similarity <= 1.001 for one in found)
        return texts_of(filled, [one.brief.message_id for one in found])

    assert set(near(TEXTS[0])) == {TEXTS[1], TEXTS[2]}
    assert near(TEXTS[3])[0] == TEXTS[4]
    (vector,) = similar.vectors(["forgot my password"])
    top = similar.to_text(vector, limit=1)[0]
    assert texts_of(filled, [top.brief.message_id])[0] in (TEXTS[3], TEXTS[4])
    assert set(top.brief.labels) == {"intent", "sentiment", "urgency"}
    with pytest.raises(NotFoundError):
        similar.to_message(message(TEXTS[7]).id, limit=2)
    (name,) = build_indexes(filled, settings)
    assert build_indexes(filled, settings) == []
    similar.follow()
    assert similar.searched == len(TEXTS) - 1 and set(near(TEXTS[0])) == {TEXTS[1], TEXTS[2]}
    filled.messages.add([message("The parcel did not arrive, where is it?")])
    analyse_stored(filled, engine)
    all_vectors(filled, engine)
    similar.follow()  # one in the tail beside the file
    assert near(TEXTS[0])[0] == "The parcel did not arrive, where is it?"
    (settings.similar_dir / name).unlink()
    similar.follow()
    similar.follow()
    assert near(TEXTS[0])[0] == "The parcel did not arrive, where is it?" and similar.searched == len(TEXTS)
    (second,) = build_indexes(filled, settings)
    (settings.similar_dir / second).write_bytes(b"x" * (settings.similar_dir / second).stat().st_size)
    fresh = Similar(filled, engine, settings)
    fresh.follow()
    assert fresh.searched == len(TEXTS)
    assert build_indexes(filled, settings) == [second]


def test_the_index_is_built_in_the_background(filled: Store, engine: Engine, settings: Settings) -> None:
    all_vectors(filled, engine)
    encoder = encoder_of(engine)
    assert encoder is not None
    similar = Similar(filled, engine, settings, most_exact=3)
    similar.start()
    deadline = time.monotonic() + 60
    while newest(settings.similar_dir, encoder.hash) is None and time.monotonic() < deadline:
        time.sleep(0.1)
    similar.follow()
    similar.close()
    assert newest(settings.similar_dir, encoder.hash) is not None
    assert similar.searched == len(TEXTS) - 1


def batches(vectors: np.ndarray, first: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for start in range(0, len(vectors), 100):
        some = vectors[start : start + 100]
        yield np.arange(first + start, first + start + len(some), dtype=np.uint64), some


def test_index_and_tail_together_find_what_exact_search_finds(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    real = rng.standard_normal((3_000, 64)).astype(np.float32)
    small = quantise(real)
    assert np.abs(small).max() == 127 and not quantise(np.zeros((1, 64), np.float32)).any()
    first = build(tmp_path, "abcdef", batches(small[:1_000], 1), dimensions=64)
    second = build(tmp_path, "abcdef", batches(small[:2_000], 1), dimensions=64)
    assert first is not None and second is not None and not first.exists()
    nearest = Nearest(tmp_path, "abcdef", dimensions=64, most_tail=600)
    assert nearest.refresh() and not nearest.refresh() and nearest.last == 2_000
    for keys, vectors in batches(small[2_000:], 2_001):
        nearest.add(keys, vectors)
    assert (nearest.size, nearest.last, nearest.tail) == (2_600, 3_000, 600)  # of the tail the newest
    kept = np.r_[0:2_000, 2_400:3_000]
    unit = real / np.linalg.norm(real, axis=1, keepdims=True)
    hits = 0
    for query in range(0, 3_000, 60):
        true = kept[np.argsort(-(unit[kept] @ unit[query]))[:10]] + 1
        found = nearest.search(small[query], 10)
        hits += len({key for key, _ in found} & set(true.tolist()))
        for key, similarity in found:
            assert abs(similarity - float(unit[key - 1] @ unit[query])) < 0.02
    assert hits / 500 > 0.95


def test_a_file_that_is_cut_short_or_of_another_kind_is_none(tmp_path: Path) -> None:
    path = build(tmp_path, "abcdef", batches(quantise(np.eye(8, dtype=np.float32)), 1), dimensions=8)
    assert path is not None
    (tmp_path / "abcdef-99-5.usearch").write_bytes(b"xxxxx")
    assert newest(tmp_path, "abcdef") == (tmp_path / "abcdef-99-5.usearch", 99)
    nearest = Nearest(tmp_path, "abcdef", dimensions=8)
    assert not nearest.refresh() and nearest.refresh() and nearest.last == 8
    path.write_bytes(path.read_bytes()[:-1])
    assert newest(tmp_path, "abcdef") is None
    assert build(tmp_path, "abcdef", iter(()), dimensions=8) is None
