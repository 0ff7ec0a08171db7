"""A person says what is right; the correction is kept beside what the model had said."""

from __future__ import annotations

from collections.abc import Sequence

from textcrm.errors import UsageError
from textcrm.registry import Registry
from textcrm.settings import Settings
from textcrm.store import Store
from textcrm.store.corrections import Correction


def correct(store: Store, message_id: str, *, task: str, label: str, by: str, labels: Sequence[str] = ()) -> Correction:
    """Keep a correction of the insight of a message.

    Parameters
    ----------
    labels
        The labels of the task, where they are known.

    Raises
    ------
    NotFoundError
        The message is unknown or not analysed yet.
    UsageError
        The insight has no such task, or the task no such label.
    """
    insight = store.insights.get(message_id)
    said = insight.prediction(task)
    if said is None:
        raise UsageError("The message has no such task", options=[p.task for p in insight.predictions])
    if labels and label not in labels:
        raise UsageError(f"The task {task} has no such label", options=labels)
    return store.corrections.add(message_id, task=task, label=label, by=by, said=said)


def labels_of(task: str, *, settings: Settings) -> list[str]:
    """Return the labels that the active models of *task* know, sorted."""
    entries = [entry for entry in Registry(settings.registry_dir).list() if entry.active]
    return sorted({label for e in entries if e.body.get("task") == task for label in e.body.get("labels", ())})
