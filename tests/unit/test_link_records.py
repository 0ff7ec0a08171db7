from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from textcrm.errors import NotFoundError, UsageError
from textcrm.link.block import candidates
from textcrm.link.cluster import agglomerate
from textcrm.link.columns import coded, columns_of
from textcrm.link.compare import DATE, EMAIL, NAME, PHONE, compare
from textcrm.operations.customers.dedupe import best_partners, dedupe, match
from textcrm.testing.people import Damage, make_people

ONE = (np.array([0], dtype=np.int32), np.array([1], dtype=np.int32))


@pytest.mark.parametrize(
    ("kind", "left", "right", "level"),
    [
        ("email", "ann@x.com", "ann@x.com", "exact"),
        ("email", "ann@x.com", "ann@y.org", "same name, other domain"),
        ("email", "ann.smith@x.com", "ann.smiht@x.com", "near"),
        ("email", "ann@acme.com", "zoe@acme.com", "same domain"),
        ("email", "ann@x.com", "bob@y.org", "different"),
        ("date", "19800412", "19801204", "day and month swapped"),
        ("date", "19800412", "19800413", "one digit"),
        ("date", "19800412", "19800428", "two parts equal"),
        ("date", "19800412", "19811103", "different"),
        ("phone", "4930901820", "030901820", "same last seven"),
        ("phone", "12025550143", "12025550134", "one digit"),
        ("code", "6988048", "6988084", "one digit"),
        ("code", "6988048", "1234567", "different"),
        ("place", "st james", "saint james", "similar"),
        ("place", "ulm", "bonn", "different"),
        ("text", "pridham street", "pridhamstreet", "one typo"),
        ("text", "acme", "acme holding", "part"),
    ],
)
def test_each_kind_has_its_levels(kind: str, left: str, right: str, level: str) -> None:
    column = coded("x", kind, [left, right])  # type: ignore[arg-type]
    (found,) = compare([column], *ONE)
    assert found.names[found.levels[0] - 1] == level


@pytest.mark.parametrize(
    ("left", "right", "levels"),
    [
        (("robert", "smith"), ("bob", "smith"), ("short form", "exact")),
        (("robert", "smith"), ("r", "smyth"), ("prefix", "one typo")),
        (("robert", "smith"), ("smith", "robert"), ("swapped", "swapped")),
        (("robert", "smith"), ("smiht", "robert"), ("swapped", "swapped, near")),
        (("robert", "smith"), ("zoe", "ng"), ("different", "different")),
        (("robert", ""), ("robert", "smith"), ("exact", None)),
        (("smith", ""), ("robert", "smith"), ("swapped", None)),
    ],
)
def test_names_are_compared_crosswise(
    left: tuple[str, str], right: tuple[str, str], levels: tuple[str | None, str | None]
) -> None:
    columns = [coded("g", "given", [left[0], right[0]]), coded("f", "family", [left[1], right[1]])]
    found = compare(columns, *ONE)
    assert tuple(f.names[f.levels[0] - 1] if f.levels[0] else None for f in found) == levels


def test_levels_go_from_equal_to_different() -> None:
    for names in (NAME, EMAIL, DATE, PHONE):
        assert (names[0], names[-1]) == ("exact", "different")


def test_blocking_keeps_true_pairs_and_says_what_each_rule_made() -> None:
    people = make_people(400, copies=lambda _: 2, damage=Damage(), fields=("given", "family", "dob", "city"), seed=5)
    found = candidates(columns_of(people.names[1:], people.rows), len(people.rows))
    who = np.array(people.person)
    kept = (who[found.left] == who[found.right]).sum()
    assert kept >= 0.97 * 400
    assert found.rules[-1].rule == "nearest by letters"
    assert (found.left < found.right).all()
    assert len(np.unique(found.left.astype(np.int64) * 800 + found.right)) == len(found.left)


def clusters(left: list[int], right: list[int], weights: list[list[float]], prior: float, n: int) -> list[int]:
    """Cluster pairs with these weights, one row a field; 0 is missing."""
    row = np.array(weights)
    logs = np.stack([row, np.zeros(row.shape)]).transpose(2, 0, 1)
    rates, match = np.array([prior, 0.0]), np.array([True, False])
    first, second = np.array(left, dtype=np.int32), np.array(right, dtype=np.int32)
    found = agglomerate(first, second, logs, (row != 0).T, rates=rates, match=match, n=n)
    return [int(cluster) for cluster in found]


def test_a_chain_is_no_cluster() -> None:
    people = clusters([0, 1, 0], [1, 2, 2], [[14.0, 14.0, -20.0]], -10.0, 4)
    assert people in ([0, 0, 1, 2], [0, 1, 1, 2])


def test_evidence_of_several_records_adds_up() -> None:
    weights = [[16.0, 7.0, 0.0], [0.0, 0.0, 8.0]]
    assert clusters([0, 0, 1], [1, 2, 2], weights, -12.0, 3) == [0, 0, 0]
    assert clusters([0], [2], [[7.0], [0.0]], -12.0, 3) == [0, 1, 2]


def write(path: Path, rows: list[dict[str, str]], names: tuple[str, ...]) -> Path:
    lines = [", ".join(names)] + [", ".join(row.get(name, "") for name in names) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_table_is_deduped(tmp_path: Path) -> None:
    people = make_people(
        200, copies=lambda rng: rng.randint(1, 3), damage=Damage(), fields=("name", "dob", "email", "city"), seed=7
    )
    rows, report = dedupe(write(tmp_path / "a.csv", people.rows, people.names))
    assert [row.record for row in rows] == [row["record"] for row in people.rows]
    assert report.record_column == "record"
    assert all(0.0 <= row.confidence <= 1.0 for row in rows)
    true = {(i, j) for i in range(len(rows)) for j in range(i) if people.person[i] == people.person[j]}
    found = {(i, j) for i in range(len(rows)) for j in range(i) if rows[i].cluster == rows[j].cluster}
    assert 2 * len(true & found) / (len(true) + len(found)) >= 0.97


def test_a_table_without_doubles_stays_apart(tmp_path: Path) -> None:
    people = make_people(
        300, copies=lambda _: 1, damage=Damage(missing=0.2), fields=("given", "family", "city"), seed=8
    )
    rows, _ = dedupe(write(tmp_path / "a.csv", people.rows, people.names))
    assert len({row.cluster for row in rows}) >= 290


def test_two_tables_are_matched_by_columns_of_other_names(tmp_path: Path) -> None:
    people = make_people(
        150, copies=lambda _: 2, damage=Damage(missing=0.05), fields=("given", "family", "dob", "email"), seed=9
    )
    order = list(range(len(people.rows)))
    random.Random(1).shuffle(order)
    first: dict[int, int] = {}
    for i in order:
        first.setdefault(people.person[i], i)
    left = [people.rows[i] for i in first.values()]
    renamed = {"first_name": "Vorname", "surname": "Nachname", "birth date": "born", "e-mail": "Mail", "record": "nr"}
    right = [{renamed[k]: v for k, v in row.items()} for i, row in enumerate(people.rows) if i not in first.values()]
    pairs, _ = match(
        write(tmp_path / "a.csv", left, people.names),
        write(tmp_path / "b.csv", right, tuple(renamed[n] for n in people.names)),
    )
    who = {row["record"]: person for row, person in zip(people.rows, people.person, strict=True)}
    right_ones = sum(who[pair.left] == who[pair.right] for pair in pairs)
    assert right_ones >= 0.95 * 150
    assert right_ones >= 0.97 * len(pairs)
    assert all(pair.why for pair in pairs[:20])
    assert [pair.confidence for pair in pairs] == sorted((pair.confidence for pair in pairs), reverse=True)


def test_each_record_gets_one_partner_where_no_table_has_a_person_twice(tmp_path: Path) -> None:
    people = make_people(
        120, copies=lambda rng: rng.randint(2, 5), damage=Damage(missing=0.1), fields=("given", "family", "dob"), seed=3
    )
    halves = [[row for place, row in enumerate(people.rows) if place % 2 == side] for side in (0, 1)]
    one, two = (write(tmp_path / f"{i}.csv", rows, people.names) for i, rows in enumerate(halves))
    every, _ = match(one, two)
    pairs, _ = match(one, two, one_to_one=True)
    assert len({pair.left for pair in every}) < len(every)
    assert len({pair.left for pair in pairs}) == len({pair.right for pair in pairs}) == len(pairs)
    assert {(pair.left, pair.right) for pair in pairs} <= {(pair.left, pair.right) for pair in every}
    # nobody who could have a partner is left alone: of every pair that was dropped, one record has another partner
    assert all(any(kept.left == pair.left or kept.right == pair.right for kept in pairs) for pair in every if pair.why)


def test_the_partners_are_those_that_say_most_together() -> None:
    # the best pair alone, (0, 10), would leave 1 and 11, which have nothing in common
    compared = {(0, 10): 0, (0, 11): 1, (1, 10): 2}
    assert best_partners([0, 1], [10, 11], compared, np.array([9.0, 7.0, 8.0])) == [(0, 11), (1, 10)]
    assert best_partners([0, 1], [10], compared, np.array([9.0, 7.0, 8.0])) == [(0, 10)]


def test_wrong_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        dedupe(tmp_path / "none.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(UsageError):
        dedupe(tmp_path / "empty.csv")
    one, two = tmp_path / "1.csv", tmp_path / "2.csv"
    one.write_text("id,colour\n1,red\n2,red\n3,blue\n")
    two.write_text("nr,born\n1,1980-01-01\n2,1990-01-01\n")
    with pytest.raises(UsageError):
        match(one, two)


@pytest.mark.parametrize("text", ["id,name\n1,Ann\n", "id\n1\n2\n", "a,b\nx,y\nx,y\n", "id,name\n1,\n2,\n"])
def test_small_and_odd_tables_work(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    rows, _ = dedupe(path)
    assert len(rows) == text.count("\n") - 1
