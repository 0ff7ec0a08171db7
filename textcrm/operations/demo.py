"""The main job on the shipped messages and customers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from textcrm.catalog import Catalog
from textcrm.engine import Engine
from textcrm.errors import NotFoundError
from textcrm.operations.customers.tables import import_customers
from textcrm.operations.desk.similar import encoder_of
from textcrm.operations.intake.ingest import IngestReport, ingest
from textcrm.operations.models.training import train_missing
from textcrm.operations.texts.analysis import AnalysisReport, analyse_stored
from textcrm.operations.trends import topics as topic_runs
from textcrm.operations.work.stream import rework
from textcrm.records import Channel
from textcrm.settings import Settings
from textcrm.sources import count
from textcrm.store import Store

DATABASE = "textcrm_demo"
FILES: tuple[tuple[str, Channel], ...] = (
    ("mail", "email"),
    ("reviews.csv", "review"),
    ("social.jsonl", "social"),
    ("chat.csv", "chat"),
)


class Step(Protocol):
    """Says that items of the current step are done."""

    def __call__(self, advance: int = 1) -> None:
        """Advance by *advance* items."""


Steps = Callable[[str, int | None], AbstractContextManager[Step]]


@dataclass(frozen=True)
class DemoReport:
    """What the demo did."""

    customers: int
    ingested: IngestReport
    analysed: AnalysisReport


def demo_settings(settings: Settings) -> Settings:
    """Return settings whose database is the demo's own, so that nothing of the user's is touched.

    The demo's shop is British, and so are the telephone numbers in its messages.
    """
    return settings.model_copy(update={"database": DATABASE, "region": "GB"})


def prepare_models(settings: Settings, *, steps: Steps) -> list[str]:
    """Train those models that the shipped pipelines name and the registry lacks; return their names."""
    catalog = Catalog(settings.home)
    names = sorted({name for p in map(catalog.pipeline, catalog.pipelines()) for name in p.models.values()})
    return train_missing(names, settings=settings, steps=steps)


def run_demo(store: Store, engine: Engine, *, settings: Settings, steps: Steps) -> DemoReport:
    """Import the shipped customers, ingest the shipped messages, analyse and link them, find their topics.

    Raises
    ------
    NotFoundError
        The shipped data is not there.
    """
    folder = Catalog(settings.home).corpus("demo") if "demo" in Catalog(settings.home).corpora() else _shipped()
    with steps("Customers", None):
        import_customers(store, folder / "customers.csv", region=settings.region)
    ingested = IngestReport()
    for name, channel in FILES:
        with steps(f"Reading {name}", count(folder / name)) as step:
            report = ingest(store, [folder / name], channel=channel, settings=settings, progress=step)
        ingested.stored += report.stored
        ingested.duplicates += report.duplicates
        ingested.quarantined += report.quarantined
        ingested.rejections += report.rejections
    rework(store, standing=[line.fingerprint for line in engine.lines.values()])  # a newer program sees it anew
    with steps("Analysing", store.messages.counts().get("pending", 0)) as step:
        analysed = analyse_stored(store, engine, progress=step)
    _find_topics(store, engine, anew=bool(analysed.done), steps=steps)
    return DemoReport(store.customers.count(provisional=False), ingested, analysed)


def _find_topics(store: Store, engine: Engine, *, anew: bool, steps: Steps) -> None:
    """Find what the messages are about, so that the pages of topics have something to show."""
    encoder = encoder_of(engine)
    if encoder is None:
        return
    run = store.topics.fit()
    if anew or run is None or run.encoder != encoder.hash:
        with steps("Finding topics", store.messages.count()) as step:
            topic_runs.fit(store, encoder, step=step)
    with steps("Assigning topics", None) as step:
        while done := topic_runs.assign_waiting(store):
            step(done)


def _shipped() -> Path:
    for root in Catalog(Path()).roots[1:]:
        if (root / "corpora" / "demo" / "customers.csv").is_file():
            return root / "corpora" / "demo"
    raise NotFoundError("The demo's messages are not here", hint="Reinstall textcrm; they come with the wheel.")
