"""Corpora: what the recipes learn from, shipped or fetched by reference."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from textcrm import artifact
from textcrm.catalog import Catalog
from textcrm.errors import NotFoundError, UnavailableError, UnreadableError, UsageError
from textcrm.settings import Settings
from textcrm.specs import Name, RecipeSpec, Spec, read_spec

CORRECTION_WEIGHT = 3.0
MAX_MEMBER_BYTES = 50_000_000


class ReferenceSpec(Spec):
    """A corpus that is fetched: a source package on the package index, its hash, and the member that holds the data."""

    schema_version: Literal[1] = Field(alias="schema")
    name: Name
    package: str = Field(pattern=r"^[A-Za-z0-9._-]+==[A-Za-z0-9.]+$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    licence: str
    member: str
    reader: Literal["vader-ratings"]


@dataclass(frozen=True)
class Rows:
    """Labelled texts. ``weights`` is the weight of each, all 1 where None; ``slices`` columns for break-downs."""

    texts: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    ledger: dict[str, Any]
    slices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    weights: NDArray[np.float64] | None = None
    tags: tuple[str, ...] = ()

    def with_corrections(self, corrections: Sequence[tuple[str, str]]) -> Rows:
        """Return these rows and the corrections after them, which weigh more and replace the same text."""
        if not corrections:
            return self
        known = {label for row in self.labels for label in row}
        for _, label in corrections:
            if label not in known:
                raise UsageError("a correction has a label that the data does not have", options=sorted(known))
        replaced = {text for text, _ in corrections}
        keep = [i for i, text in enumerate(self.texts) if text not in replaced]
        weights = np.ones(len(self.texts)) if self.weights is None else self.weights
        return Rows(
            tuple(self.texts[i] for i in keep) + tuple(text for text, _ in corrections),
            tuple(self.labels[i] for i in keep) + tuple((label,) for _, label in corrections),
            self.ledger,
            weights=np.concatenate([weights[keep], np.full(len(corrections), CORRECTION_WEIGHT)]),
            tags=tuple(self.tags[i] for i in keep) + ("corrections",) * len(corrections) if self.tags else (),
        )


def read_corpora(spec: RecipeSpec, settings: Settings) -> tuple[Rows, Rows, list[str]]:
    """Return the training rows and the held-out rows of the corpora of a recipe, and remarks for a person.

    Held-out rows come from the corpora that are not optional: the data the model is made for.

    Raises
    ------
    NotFoundError
        A corpus that is not optional is absent.
    UsageError
        The recipe names no corpus.
    """
    if not spec.corpora:
        raise UsageError(f"recipe {spec.name} names no corpus", hint="Give it data: --data FILE.")
    catalog = Catalog(settings.home)
    train: list[tuple[str, tuple[str, ...], str, str]] = []
    test: list[tuple[str, tuple[str, ...], str, str]] = []
    remarks: list[str] = []
    sources: list[dict[str, str]] = []
    for name in spec.corpora:
        folder = catalog.corpora().get(name)
        files = sorted(folder.glob("*.jsonl")) if folder is not None else []
        if not files:
            if name in spec.optional:
                remarks.append(f"Corpus {name} is absent and was left out; bring it with: textcrm corpora fetch {name}")
                continue
            raise NotFoundError(f"corpus {name} of recipe {spec.name} is absent", options=list(catalog.corpora()))
        for path in files:
            sources.append({"corpus": name, "file": path.name, "sha256": artifact.file_sha256(path)})
            for row in _json_lines(path):
                labels = _labels(row.get(spec.label), spec.multi_label)
                if labels:
                    item = (str(row["text"]), labels, str(row.get("channel", "")), name)
                    (test if row.get("split") == "test" and name not in spec.optional else train).append(item)
    ledger = {"sources": sources}
    return (
        Rows(tuple(r[0] for r in train), tuple(r[1] for r in train), ledger, tags=tuple(r[3] for r in train)),
        Rows(tuple(r[0] for r in test), tuple(r[1] for r in test), {}, {"channel": tuple(r[2] for r in test)}),
        remarks,
    )


@dataclass(frozen=True)
class CorpusEntry:
    """A corpus that is known here. ``rows`` is None where it is still to be fetched."""

    name: str
    folder: Path
    rows: int | None
    licence: str


def list_corpora(settings: Settings) -> list[CorpusEntry]:
    """Return the corpora of the catalog."""
    found = []
    for name, folder in Catalog(settings.home).corpora().items():
        files = sorted(folder.glob("*.jsonl"))
        rows = sum(1 for path in files for _ in _json_lines(path)) if files else None
        reference = folder / "reference.toml"
        licence = read_spec(reference, ReferenceSpec).licence if reference.is_file() else "see its LICENSE"
        found.append(CorpusEntry(name, folder, rows, licence))
    return found


def fetch_corpus(name: str, *, settings: Settings) -> tuple[Path, int]:
    """Bring a corpus by its reference, check its hash, write it as JSON Lines; return the file and its rows.

    Raises
    ------
    NotFoundError
        There is no reference of that name.
    UnavailableError
        The package index cannot be reached.
    UnreadableError
        What came has another hash, or lacks the data.
    """
    references = {
        path.parent.name: path
        for root in reversed(Catalog(settings.home).roots)
        for path in (root / "corpora").glob("*/reference.toml")
    }
    if name not in references:
        raise NotFoundError("there is no corpus of that name to fetch", options=sorted(references))
    reference = read_spec(references[name], ReferenceSpec)
    with tempfile.TemporaryDirectory(prefix="textcrm-corpus-") as work:
        archive = _download(reference, Path(work))
        rows = READERS[reference.reader](_member(archive, reference.member))
    target = settings.corpora_dir / name
    target.mkdir(parents=True, exist_ok=True)
    if references[name].parent != target:
        shutil.copyfile(references[name], target / "reference.toml")
    path = target / "ratings.jsonl"
    fresh = path.with_suffix(".tmp")
    fresh.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    fresh.replace(path)
    return path, len(rows)


def fetch_missing(spec: RecipeSpec, settings: Settings) -> list[str]:
    """Bring the optional corpora of a recipe that are known by reference and not here yet.

    Returns
    -------
    list of str
        Remarks for a person: what was brought, or why not. An optional corpus that cannot be had stops nothing.
    """
    remarks = []
    for name in spec.optional:
        folder = Catalog(settings.home).corpora().get(name)
        if folder is None or any(folder.glob("*.jsonl")):
            continue
        try:
            path, rows = fetch_corpus(name, settings=settings)
        except (UnavailableError, UnreadableError) as error:
            remarks.append(f"Corpus {name} could not be fetched: {error}")
        else:
            remarks.append(f"Corpus {name} was fetched: {rows:,} rows in {path.parent.name}")
    return remarks


def _download(reference: ReferenceSpec, folder: Path) -> Path:
    options = "--quiet --no-deps --no-binary :all: --no-build-isolation --disable-pip-version-check --retries 1".split()
    command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), reference.package]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)  # noqa: S603 - checked by its schema
    files = sorted(folder.glob("*.tar.gz"))
    if done.returncode != 0 or not files:
        raise UnavailableError(
            f"{reference.package} could not be fetched from the package index",
            hint="Check the network, then try again.",
        )
    if artifact.file_sha256(files[0]) != reference.sha256:
        raise UnreadableError(f"{reference.package} has another hash than its reference", hint="Do not use it.")
    return files[0]


def _member(archive: Path, name: str) -> bytes:
    with tarfile.open(archive, "r:gz") as outer:
        for member in outer:
            if member.isfile() and member.name.endswith("/" + name) and member.size <= MAX_MEMBER_BYTES:
                stream = outer.extractfile(member)
                if stream is not None:
                    return stream.read()
    raise UnreadableError(f"the package lacks {name}", hint="Is the reference right?")


def _vader_ratings(data: bytes) -> list[dict[str, Any]]:
    """Read the mean ratings (-4 to 4) of tweets and review snippets; near 0 a text counts as neutral.

    The newspaper editorials are left out, being no one's own feelings, and every second film review, which would
    outweigh the rest.

    References
    ----------
    Hutto, Gilbert (2014), VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social Media Text: twenty
    raters a text.
    """
    kinds = {"tweets": "social", "amazonReviewSnippets": "review", "movieReviewSnippets": "review"}
    rows = []
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as inner:
        for member in inner:
            kind = Path(member.name).name.removesuffix("_GroundTruth.txt")
            if kind not in kinds or not member.isfile() or member.size > MAX_MEMBER_BYTES:
                continue
            stream = inner.extractfile(member)
            content = stream.read().decode("utf-8", "replace") if stream is not None else ""
            for line in content.splitlines():
                number, _, rest = line.partition("\t")
                rating, _, text = rest.partition("\t")
                if not text.strip() or (kind == "movieReviewSnippets" and int(number.split("_")[0]) % 2):
                    continue
                value = float(rating)
                sentiment = "positive" if value >= 0.5 else "negative" if value <= -0.5 else "neutral"
                key = hashlib.sha256(f"{kind} {number}".encode()).hexdigest()[:12]
                rows.append({"id": key, "text": text.strip(), "channel": kinds[kind], "kind": kind,
                             "rating": round(value, 3), "sentiment": sentiment, "split": "train"})  # fmt: skip
    return rows


READERS: Mapping[str, Callable[[bytes], list[dict[str, Any]]]] = {"vader-ratings": _vader_ratings}


def _json_lines(path: Path) -> list[dict[str, Any]]:
    rows = []
    with path.open(encoding="utf-8") as stream:
        for place, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise UnreadableError(f"{path.name} line {place} is no JSON", hint="Correct that line.") from error
            if not isinstance(row, dict) or not isinstance(row.get("text"), str):
                raise UnreadableError(f"{path.name} line {place} has no text", hint="Correct that line.")
            rows.append(row)
    return rows


def _labels(value: Any, multi_label: bool) -> tuple[str, ...]:
    if value in (None, "", []):
        return ()
    if isinstance(value, list):
        return tuple(str(part) for part in value)
    return tuple(str(value).split("|")) if multi_label else (str(value),)
