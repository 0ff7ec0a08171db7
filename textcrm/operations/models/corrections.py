"""A person says what is right: kept beside what the model had said; the queue and the trends go by it at once."""

from __future__ import annotations

from collections.abc import Sequence

from textcrm.errors import UsageError
from textcrm.operations.desk.desk import desk_of
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
    made = store.corrections.add(message_id, task=task, label=label, by=by, said=said)
    desk_of(store).relabel(
        message_id, labels=_standing(store, message_id), kind="correct", by=by, text=f"{task}: {label}"
    )
    return made


def undo(store: Store, correction_id: str, *, by: str) -> Correction:
    """Take a correction back.

    Raises
    ------
    NotFoundError
        There is none with this id.
    """
    undone = store.corrections.undo(correction_id)
    labels = _standing(store, undone.message_id)
    text = f"{undone.task}: {undone.label}"
    desk_of(store).relabel(undone.message_id, labels=labels, kind="undo", by=by, text=text)
    return undone


def _standing(store: Store, message_id: str) -> dict[str, str]:
    return {c.task: c.label for c in store.corrections.list(message_id=message_id)}


def labels_of(task: str, *, settings: Settings) -> list[str]:
    """Return the labels that the active models of *task* know, sorted."""
    entries = [entry for entry in Registry(settings.registry_dir).list() if entry.active]
    return sorted({label for e in entries if e.body.get("task") == task for label in e.body.get("labels", ())})
