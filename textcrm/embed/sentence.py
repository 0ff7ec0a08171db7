"""Sentence embeddings through ONNX Runtime and tokenizers; torch is not needed.

An encoder is an artifact (see `textcrm.artifact`): ``encoder.onnx`` (quantised, with pooling and normalising inside),
``tokenizer.json`` and a manifest. Models are trained on the vectors that are served, so that quantising costs nothing
twice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from textcrm import artifact
from textcrm.errors import ArtifactError
from textcrm.onnx import open_session

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Floats = NDArray[np.float32]
TOKEN_BUDGET = 512  # of one call: more takes longer a token, and memory that is kept
THREADS_OF_ONE = 2  # one text has little to share out; calls go side by side as well


class SentenceEncoder:
    """Turns texts into vectors. Open one with `open`; it may be called from several threads.

    Attributes
    ----------
    hash
        Version of the artifact, 12 hexadecimal digits.
    dimensions
        Length of a vector.
    """

    def __init__(self, tokenizer: Tokenizer, session: Any, *, version: str, dimensions: int, threads: int = 1) -> None:
        self._tokenizer = tokenizer
        self._session = session
        self._threads = threads
        self.hash = version
        self.dimensions = dimensions

    @classmethod
    def open(cls, folder: Path, *, threads: int = 1) -> Self:
        """Open the encoder in *folder*.

        Raises
        ------
        ArtifactError
            The folder is not as its manifest says, or ONNX Runtime cannot read it.
        """
        from tokenizers import Tokenizer

        manifest = artifact.check(folder, kind="encoder")
        try:
            dimensions, length = int(manifest.body["dimensions"]), int(manifest.body["max_tokens"])
            tokenizer = Tokenizer.from_str((folder / "tokenizer.json").read_text(encoding="utf-8"))
            session = open_session((folder / "encoder.onnx").read_bytes(), threads=min(threads, THREADS_OF_ONE))
        except Exception as error:
            raise ArtifactError(
                f"the encoder in {folder.name} cannot be opened", hint="Train the model again."
            ) from error
        tokenizer.enable_truncation(max_length=length)
        tokenizer.no_padding()
        version = artifact.version_of(folder)
        return cls(tokenizer, session, version=version, dimensions=dimensions, threads=threads)

    def encode(self, texts: Sequence[str], *, step: Callable[[int], object] | None = None) -> Floats:
        """Return one vector a text.

        Parameters
        ----------
        texts
            Any strings; an empty one gets the vector of no words.
        step
            Called with the number of texts done since the last call.

        Returns
        -------
        ndarray of shape (n, dimensions), float32
            Rows have length 1.
        """
        result = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        encodings = self._tokenizer.encode_batch([_plain(text) for text in texts])
        order = sorted(range(len(texts)), key=lambda index: len(encodings[index].ids))
        batches, start = [], 0
        while start < len(order):
            stop = start + 1
            while stop < len(order) and len(encodings[order[stop]].ids) * (stop + 1 - start) <= TOKEN_BUDGET:
                stop += 1
            batches.append(order[start:stop])
            start = stop

        def run(rows: list[int]) -> tuple[list[int], Floats]:
            return rows, self._run([encodings[row].ids for row in rows], ["vectors"])[0]

        with ThreadPoolExecutor(self._threads) if self._threads > 1 and len(batches) > 1 else nullcontext() as pool:
            for rows, vectors in map(run, batches) if pool is None else pool.map(run, batches):
                result[rows] = vectors
                if step is not None:
                    step(len(rows))
        return result

    def tokens(self, text: str) -> tuple[list[tuple[int, int]], Floats]:
        """Return the spans of the tokens of *text* and the part that each has in its vector.

        Returns
        -------
        spans
            Half open, in code points of *text*; empty for the marks at the start and the end.
        parts : ndarray of shape (tokens, dimensions), float32
            Their sum is the vector that `encode` returns.
        """
        encoding = self._tokenizer.encode(_plain(text))
        (hidden,) = self._run([encoding.ids], ["hidden"])
        mean = hidden[0].mean(axis=0)
        length = float(np.linalg.norm(mean)) or 1.0
        return list(encoding.offsets), np.asarray(hidden[0] / (len(encoding.ids) * length), dtype=np.float32)

    def _run(self, ids: Sequence[Sequence[int]], wanted: list[str]) -> list[Floats]:
        width = max(len(row) for row in ids)
        tokens = np.zeros((len(ids), width), dtype=np.int64)
        mask = np.zeros((len(ids), width), dtype=np.int64)
        for row, values in enumerate(ids):
            tokens[row, : len(values)] = values
            mask[row, : len(values)] = 1
        given: list[Floats] = self._session.run(wanted, {"ids": tokens, "mask": mask})
        return given


_LONE = re.compile("[\ud800-\udfff]")


def _plain(text: str) -> str:
    """Replace lone surrogates one to one, which the tokenizer cannot take; offsets stay."""
    return _LONE.sub("\N{REPLACEMENT CHARACTER}", text)


def write_encoder(folder: Path, *, name: str, tokenizer: dict[str, Any], dimensions: int, max_tokens: int) -> str:
    """Write tokenizer and manifest beside the ``encoder.onnx`` in *folder* and return the hash."""
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False), encoding="utf-8")
    body = {"dimensions": dimensions, "max_tokens": max_tokens}
    return artifact.write_manifest(folder, kind="encoder", name=name, body=body)
