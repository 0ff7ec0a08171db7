"""What messages of one channel go through, put together from its pipeline and the active models."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from threadpoolctl import threadpool_limits

from textcrm.catalog import Catalog
from textcrm.classify.predictor import Classifier, load
from textcrm.clean import Cleaner
from textcrm.embed.sentence import SentenceEncoder
from textcrm.entities import EntityRecogniser
from textcrm.errors import NotFoundError
from textcrm.records import Channel
from textcrm.registry import Registry
from textcrm.settings import Settings
from textcrm.specs import PipelineSpec

ENGINE_VERSION = 3  # raised when the same pipeline and models would give other insights


@dataclass(frozen=True)
class Line:
    """What messages of one channel go through."""

    spec: PipelineSpec
    cleaner: Cleaner
    recogniser: EntityRecogniser
    classifiers: tuple[Classifier, ...]
    fingerprint: str

    def classifier(self, task: str) -> Classifier:
        """Return the model that answers *task*.

        Raises
        ------
        NotFoundError
            The pipeline has none; the message lists what it has.
        """
        found = next((c for c in self.classifiers if c.task == task), None)
        if found is None:
            raise NotFoundError(
                f"The pipeline {self.spec.name} has no model for {task[:48]!r}",
                options=[c.task for c in self.classifiers],
            )
        return found


def open_lines(
    settings: Settings, channels: Sequence[Channel]
) -> tuple[dict[Channel, Line], dict[str, SentenceEncoder]]:
    """Load the pipelines of *channels*, the active models that they name, and the encoders of those by their hash.

    Raises
    ------
    NotFoundError
        A pipeline or a model is missing; the message says how to make it.
    ArtifactError
        A model is damaged.
    """
    catalog, registry = Catalog(settings.home), Registry(settings.registry_dir)
    specs = {spec.channel: spec for spec in map(catalog.pipeline, catalog.pipelines()) if spec.channel in channels}
    missing = [channel for channel in channels if channel not in specs]
    if missing:
        raise NotFoundError(f"No pipeline takes the channel {missing[0]}", hint="Add pipelines/<name>.toml.")
    names = {name for spec in specs.values() for name in spec.models.values()}
    models = {name: _serving(registry, name) for name in sorted(names)}
    encoders = {
        key: SentenceEncoder.open(registry.encoder(key), threads=settings.threads)
        for key in sorted({m.encoder_hash for m in models.values() if m.encoder_hash})
    }
    for model in models.values():
        if model.encoder_hash:
            model.attach(encoders[model.encoder_hash])
    # the work is many small products: more BLAS threads only wait for each other
    threadpool_limits(1)
    recognisers: dict[str, EntityRecogniser] = {}
    lines: dict[Channel, Line] = {}
    for channel, spec in specs.items():
        classifiers = tuple(models[name] for _, name in sorted(spec.models.items()))
        key = spec.entities.fingerprint()
        if key not in recognisers:
            recognisers[key] = EntityRecogniser.of(spec.entities, region=settings.region)
        cleaner = Cleaner(
            quotes=spec.clean.quotes,
            signatures=spec.clean.signatures,
            social=spec.clean.social,
            languages=spec.languages,
        )
        lines[channel] = Line(spec, cleaner, recognisers[key], classifiers, _fingerprint(spec, classifiers))
    return lines, encoders


def _serving(registry: Registry, name: str) -> Classifier:
    """Load the active version of a model, with the threshold that a person set for it."""
    version = registry.active_version(name)
    return load(registry.path(name, version), threshold=registry.threshold(name, version))


def _fingerprint(spec: PipelineSpec, classifiers: Sequence[Classifier]) -> str:
    """Return what names everything that makes an insight: engine, pipeline, models."""
    parts = [str(ENGINE_VERSION), spec.fingerprint(), *(f"{c.task}={c.version}" for c in classifiers)]
    parts += [f"{c.task} from {c.threshold!r}" for c in classifiers if c.threshold != c.own_threshold]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
