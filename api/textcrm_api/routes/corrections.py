"""Corrections: a person says which label is right."""

from __future__ import annotations

from textcrm.operations.models.corrections import correct, undo
from textcrm_api import convert
from textcrm_api.answers import CorrectionOut, CorrectionsOut
from textcrm_api.gate import needs
from textcrm_api.routes import router as common
from textcrm_api.routes.classify import labels_of
from textcrm_api.schemas import CorrectionIn
from textcrm_api.service import CallerDep, ServiceDep

router = common.make("corrections")


@router.post("/v1/corrections", **needs("correct"))
def create_correction(body: CorrectionIn, service: ServiceDep, caller: CallerDep) -> CorrectionOut:
    """Keep the right label of a message for a task, beside what the model had said."""
    labels = labels_of(service, body.task)
    done = correct(
        service.store, body.message_id, task=body.task, label=body.label, by=f"key:{caller.id}", labels=labels
    )
    return convert.correction(done)


@router.get("/v1/corrections", **needs("read"))
def list_corrections(service: ServiceDep, message_id: common.Value = None, task: common.Value = None) -> CorrectionsOut:
    """List the corrections that stand, oldest first."""
    found = service.store.corrections.list(task=task, message_id=message_id)
    return CorrectionsOut(items=[convert.correction(item) for item in found])


@router.delete("/v1/corrections/{correction_id}", **needs("correct"))
def undo_correction(correction_id: common.PathId, service: ServiceDep, caller: CallerDep) -> CorrectionOut:
    """Take a correction back; it stays on record as undone."""
    return convert.correction(undo(service.store, correction_id, by=f"key:{caller.id}"))
