"""Models and pipelines: what answers, at which version, how well."""

from __future__ import annotations

from typing import Any

from textcrm.registry import ModelEntry, Registry
from textcrm_api.answers import ModelOut, ModelsOut, PipelineOut, PipelinesOut
from textcrm_api.gate import needs
from textcrm_api.routes import router as common
from textcrm_api.service import ServiceDep

router = common.make("models")


@router.get("/v1/models", **needs("read"))
def list_models(service: ServiceDep) -> ModelsOut:
    """List every version of every model."""
    registry = Registry(service.settings.registry_dir)
    return ModelsOut(items=[_model(entry) for entry in registry.list()])


@router.get("/v1/pipelines", **needs("read"))
def list_pipelines(service: ServiceDep) -> PipelinesOut:
    """List the pipelines that are loaded."""
    return PipelinesOut(
        items=[
            PipelineOut(
                name=line.spec.name,
                channel=channel,
                languages=list(line.spec.languages),
                models={classifier.task: classifier.version for classifier in line.classifiers},
                fingerprint=line.fingerprint,
            )
            for channel, line in service.engine.lines.items()
        ]
    )


def _model(entry: ModelEntry) -> ModelOut:
    body: dict[str, Any] = entry.body
    scores = body.get("scores")
    flat = {k: float(v) for k, v in scores.items() if isinstance(v, int | float)} if isinstance(scores, dict) else {}
    return ModelOut(
        name=entry.name,
        version=entry.version,
        active=entry.active,
        task=str(body.get("task", entry.name)),
        labels=[str(label) for label in body.get("labels", ())],
        scores=flat,
    )
