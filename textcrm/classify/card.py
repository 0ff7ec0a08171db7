"""The card of a model: rendered from its scores, so that the same scores give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

WIDTH = 40
MAX_LABELS = 60


def render_card(scores: Mapping[str, Any]) -> str:
    """Return the card, in Markdown, of what ``scores.json`` holds.

    Parameters
    ----------
    scores
        ``model`` (name, version, task, head, encoder, labels, rows, sources, thresholds) and ``held_out`` (what
        `evaluate_single` returns).
    """
    model, held = scores["model"], scores["held_out"]
    intervals = held.get("intervals", {})
    lines = [
        f"# Model card: {model['name']}",
        "",
        f"Task **{model['task']}**, version `{model['version']}`: {model['head'].replace('_', ' ')} "
        f"on {', '.join(model['views'])}.",
        f"Trained on {model['rows']:,} texts ({', '.join(model['sources'])}), {len(model['labels'])} labels; "
        f"scored on {held['n']:,} texts that were held out.",
        "",
        "| figure | value | 95 % interval |",
        "|---|---|---|",
    ]
    for name in ("accuracy", "macro_f1", "macro_recall", "ece", "coverage", "accuracy_at_coverage"):
        between = " to ".join(f"{value:.3f}" for value in intervals[name]) if name in intervals else ""
        lines.append(f"| {name.replace('_', ' ')} | {_number(held[name])} | {between} |")
    lines += ["", "## Calibration", "", "Of the answers given with this confidence, so many are right:", "", "```"]
    lines += [_bar(f"{row['confidence']:.2f}", row["accuracy"], f"n = {row['n']}") for row in held["reliability"]]
    lines += ["```", "", "## Coverage", "", "Accuracy where the least confident are left to a person:", "", "```"]
    lines += [
        _bar(f"{row['coverage']:.2f}", row["accuracy"], f"from {row['threshold']:.2f}")
        for row in held["coverage_curve"]
    ]
    lines += ["```", "", "## By label", "", "| label | n | precision | recall | F1 |", "|---|---|---|---|---|"]
    for label, row in list(held["per_class"].items())[:MAX_LABELS]:
        lines.append(f"| {label} | {row['n']} | {row['precision']:.2f} | {row['recall']:.2f} | {row['f1']:.2f} |")
    lines += ["", "## Where it goes wrong", "", "| true | said | n |", "|---|---|---|"]
    lines += [f"| {row['true']} | {row['said']} | {row['n']} |" for row in held["confusions"][:15]]
    for name, parts in held["slices"].items():
        lines += ["", f"## By {name}", "", f"| {name} | n | accuracy | coverage |", "|---|---|---|---|"]
        lines += [f"| {k} | {v['n']} | {v['accuracy']:.3f} | {v['coverage']:.3f} |" for k, v in parts.items()]
    lines += ["", "## When it declines", "", _declines(model["thresholds"]), ""]
    if "settings" in model:  # scores of older versions have none
        lines += ["## Settings", "", *(f"- {name}: {_options(said)}" for name, said in model["settings"]), ""]
    return "\n".join(lines)


def card_scores(body: Mapping[str, Any], *, name: str, version: str, held_out: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ``scores.json`` holds, from the body of a manifest and the figures on held-out rows."""
    training = body["training"]
    return {
        "model": {
            "name": name,
            "version": version,
            "task": body["task"],
            "head": body["head"],
            "views": _views(body),
            "labels": list(body["labels"]),
            "rows": training["rows"],
            "sources": sorted(
                {source.get("corpus") or source.get("file", "") for source in training.get("sources", ())}
            ),
            "thresholds": {key: body["thresholds"][key] for key in ("unknown", "ambiguous")},
            "settings": _settings(body["recipe"]),
        },
        "held_out": dict(held_out),
    }


def _views(body: Mapping[str, Any]) -> Sequence[str]:
    kinds = [view["kind"] for view in body["views"]]
    return [*kinds, *(["neighbours"] if body["neighbours"] else []), *(["cues"] if body["cues"] else [])]


def _settings(recipe: Mapping[str, Any]) -> list[list[Any]]:
    """Return what a recipe sets, part by part, so that a card says how to make the model again."""
    views = [[view["kind"], {k: v for k, v in view.items() if k != "kind"}] for view in recipe["views"]]
    whole = {key: recipe[key] for key in ("class_weight", "folds", "seed")}
    return [*views, ["trees", dict(recipe["trees"])], ["abstain", dict(recipe["abstain"])], ["training", whole]]


def _options(said: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {json.dumps(value)}" for key, value in sorted(said.items()) if value is not None) or "all"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _bar(name: str, share: float, remark: str) -> str:
    full = round(share * WIDTH)
    return f"{name} {'█' * full}{'·' * (WIDTH - full)} {share:.3f}  {remark}"


def _declines(thresholds: Mapping[str, float]) -> str:
    return (
        f"`unknown` below a familiarity of {thresholds['unknown']:.3f}, `ambiguous` below a confidence of "
        f"{thresholds['ambiguous']:.3f}, `too_short` without letters, `unsupported_language` where the language is "
        "none that the model reads."
    )
