from __future__ import annotations

from textcrm.operations.trends.phrases import set_apart

LATE = [f"my parcel is late again, courier number {n} lost it" for n in "abcdefgh"]
FINE = [f"the kettle is lovely, boiled my tea in {n} minutes" for n in "abcdefgh"]


def test_what_one_group_says_comes_first_and_phrases_stay_together() -> None:
    found = set_apart(LATE, FINE * 3)
    texts = [phrase.text for phrase in found]
    assert {"parcel", "late", "courier"} <= set(texts)
    assert any(" " in text for text in texts)
    assert not {"kettle", "the", "my"} & set(texts)
    assert all(phrase.z > 1.96 for phrase in found)
    assert [p.z for p in found] == sorted((p.z for p in found), reverse=True)


def test_two_groups_that_say_the_same_are_not_apart() -> None:
    assert set_apart(LATE, LATE) == []
    assert set_apart([], FINE) == []
