"""Runs splink and recordlinkage on a table, for ``bench_link``; started with an interpreter that has them.

    PYTHON link_peers.py TABLE.csv KINDS.json

KINDS maps each column to its kind as textcrm guesses it, so that the peers get the comparisons that their own manuals
advise for it. Prints ``{"splink": [[record, cluster], ...], "recordlinkage": ...}`` with the seconds of each.
"""

from __future__ import annotations

import json
import sys
import time
from itertools import combinations
from typing import Any

import pandas as pd

Clusters = dict[str, int]


def splink_clusters(table: pd.DataFrame, kinds: dict[str, str], key: str) -> Clusters:
    """Dedupe with splink's own comparisons, weights by its EM, clusters at 0.95 as its manual shows."""
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    def comparison(column: str, kind: str) -> Any:
        if kind in ("given", "family"):
            return cl.NameComparison(column)
        if kind == "email":
            return cl.EmailComparison(column)
        if kind in ("place", "text"):
            return cl.JaroWinklerAtThresholds(column, [0.9, 0.7]).configure(term_frequency_adjustments=True)
        if kind == "category":
            return cl.ExactMatch(column)
        return cl.DamerauLevenshteinAtThresholds(column, [1, 2])

    rules = [block_on(column) for column, kind in kinds.items() if kind not in ("category", "code")]
    rules += [block_on(*two) for two in combinations([c for c, k in kinds.items() if k in ("code", "category")], 2)]
    settings = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name=key,
        comparisons=[comparison(column, kind) for column, kind in kinds.items()],
        blocking_rules_to_generate_predictions=rules,
    )
    api = DuckDBAPI()
    data = api.register(table) if hasattr(api, "register") else table
    linker = Linker(data, settings) if hasattr(api, "register") else Linker(data, settings, api)
    linker.training.estimate_probability_two_random_records_match(
        [block_on(*two) for two in list(combinations(list(kinds), 2))[:3]], recall=0.7
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6)
    for column in list(kinds)[:2] + [c for c, k in kinds.items() if k == "date"]:
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(column))
    pairs = linker.inference.predict(threshold_match_probability=0.5)
    clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(pairs, 0.95)
    frame = clusters.as_pandas_dataframe()
    numbers = {name: number for number, name in enumerate(frame["cluster_id"].unique())}
    return {str(record): numbers[name] for record, name in zip(frame[key], frame["cluster_id"], strict=True)}


def recordlinkage_clusters(table: pd.DataFrame, kinds: dict[str, str], key: str) -> Clusters:
    """Dedupe with recordlinkage: blocks on each column, Jaro-Winkler, its ECM classifier, connected components."""
    import recordlinkage

    table = table.set_index(key)
    index = recordlinkage.Index()
    for column, kind in kinds.items():
        if kind != "category":
            index.block(column)
    pairs = index.index(table)
    compare = recordlinkage.Compare()
    for column, kind in kinds.items():
        if kind in ("category", "code"):
            compare.exact(column, column, label=column)
        else:
            compare.string(column, column, method="jarowinkler", threshold=0.85, label=column)
    features = compare.compute(pairs, table)
    links = recordlinkage.ECMClassifier(binarize=0.5).fit_predict(features)
    parent = {record: record for record in table.index}

    def root(record: str) -> str:
        while parent[record] != record:
            parent[record] = parent[parent[record]]
            record = parent[record]
        return record

    for a, b in links:
        parent[root(a)] = root(b)
    numbers: dict[str, int] = {}
    return {str(record): numbers.setdefault(root(record), len(numbers)) for record in table.index}


def main() -> None:
    """Run both."""
    table = pd.read_csv(sys.argv[1], dtype=str, skipinitialspace=True)
    with open(sys.argv[2]) as file:  # noqa: PTH123  (nothing of the project is imported here)
        given = json.load(file)
    kinds, key = given["kinds"], given["key"]
    table = table.apply(lambda column: column.str.strip())
    result = {}
    for name, run in (("splink", splink_clusters), ("recordlinkage", recordlinkage_clusters)):
        start = time.perf_counter()
        try:
            clusters: Clusters | None = run(table.copy(), kinds, key)
            problem = ""
        except Exception as error:  # noqa: BLE001  (a peer that fails is shown as failed)
            clusters, problem = None, f"{type(error).__name__}: {error}"[:300]
        result[name] = {"clusters": clusters, "seconds": time.perf_counter() - start, "problem": problem}
    print(json.dumps(result))


main()
