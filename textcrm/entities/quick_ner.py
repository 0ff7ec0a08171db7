"""The forward pass of spaCy's small named entity recogniser in numpy: the same entities, several times as fast.

spaCy's own pass multiplies its matrices at a third of what the processor can do, and walks through some forty layer
objects a call, which for one short message takes longer than the arithmetic. Here the weights of the loaded model are
laid out once. What a word contributes depends on the word alone, so the vectors of words are kept; and the state
between two entities depends on the next token alone, so that all such states are scored in one product.

References
----------
spaCy 3.8: ``HashEmbedCNN.v2`` (tok2vec), ``TransitionBasedParser.v2`` (state type ``ner``),
``BiluoPushDown`` (actions).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from spacy.language import Language as Nlp
    from spacy.tokens import Doc
    from thinc.api import Model

Floats = NDArray[np.float32]

COLUMNS = ("NORM", "PREFIX", "SUFFIX", "SHAPE")
MOST_WORDS = 20_000  # whose vectors are kept: 8 MB
BATCH_TOKENS = 600  # what one product works on stays in the processor's cache
PAD = 4  # rows of zeros between texts, as many as the convolutions reach


class Entity(NamedTuple):
    """``[start, end)`` in code points, and the model's label."""

    start: int
    end: int
    label: str


def _array(layer: Model[Any, Any], name: str) -> Floats:
    return np.array(layer.get_param(name), dtype=np.float32)


class _Maxout:
    """A maxout layer and the normalisation behind it; its pieces lie one behind the other."""

    def __init__(self, maxout: Model[Any, Any], norm: Model[Any, Any]) -> None:
        weights = _array(maxout, "W")
        out, self.pieces, width = weights.shape
        self.out = out
        self.weights = np.ascontiguousarray(weights.transpose(1, 0, 2).reshape(self.pieces * out, width).T)
        self.bias = _array(maxout, "b").T.reshape(-1)
        self.gain, self.shift = _array(norm, "G"), _array(norm, "b")

    def __call__(self, rows: Floats) -> Floats:
        product = rows @ self.weights
        product += self.bias
        best: Floats = np.maximum(product[:, : self.out], product[:, self.out : 2 * self.out])
        for piece in range(2, self.pieces):
            np.maximum(best, product[:, piece * self.out : (piece + 1) * self.out], out=best)
        best -= np.add.reduce(best, axis=1, keepdims=True) / np.float32(self.out)
        variance = np.einsum("ij,ij->i", best, best) / np.float32(self.out) + np.float32(1e-8)
        best *= (1 / np.sqrt(variance))[:, None]
        best *= self.gain
        best += self.shift
        return best


class QuickNer:
    """Finds the entities that ``nlp`` would find, with the weights of ``nlp``.

    Parameters
    ----------
    nlp
        A pipeline whose ``ner`` is built as that of spaCy's small models; see :func:`fits`.
    """

    def __init__(self, nlp: Nlp) -> None:
        from thinc.api import NumpyOps
        from threadpoolctl import ThreadpoolController

        self._nlp = nlp
        self._pool = ThreadpoolController()  # products this small lose time as soon as a second thread waits for them
        self._ops = NumpyOps()
        ner: Any = nlp.get_pipe("ner")
        layers = _layers(ner.model)
        self._embeds = [(e.attrs["seed"], _array(e, "E")) for e in layers["hashembed"]]
        stages = [_Maxout(m, n) for m, n in zip(layers["maxout"], layers["layernorm"], strict=True)]
        self._mix, self._convolutions = stages[0], stages[1:]
        inner, upper = layers["linear"]
        lower = layers["precomputable_affine"][0]
        weights, bias, pad = _array(lower, "W"), _array(lower, "b"), _array(lower, "pad")[0]
        # of the three features (next token, first and last token of the open entity), each: pieces, then outputs
        slots, out, pieces, width = weights.shape
        ordered = weights.transpose(0, 2, 1, 3).reshape(slots * pieces * out, width)
        self._lower = np.ascontiguousarray((ordered @ _array(inner, "W")).T)
        self._lower_bias = ordered @ _array(inner, "b")
        self._slot, self._out = pieces * out, out
        self._bias = bias.T.reshape(-1)
        self._closed = self._bias + sum(pad[slot].T.reshape(-1) for slot in (1, 2))
        self._upper, self._upper_bias = _array(upper, "W"), _array(upper, "b")
        names = [ner.moves.get_class_name(i) for i in range(ner.moves.n_moves)]
        self._names = names
        self._begins = np.array([name.startswith("B-") and len(name) > 2 for name in names])
        units = np.array([name.startswith("U-") and len(name) > 2 for name in names])
        self._free = self._begins | units | np.array([name == "O" for name in names])
        self._outside = names.index("O")
        place = {name: i for i, name in enumerate(names)}
        self._inside = {
            name[2:]: (place[f"I-{name[2:]}"], place[f"L-{name[2:]}"]) for name in names if name[:2] == "B-"
        }
        self._place: dict[bytes, int] = {}
        self._vectors = np.zeros((MOST_WORDS, self._mix.out), dtype=np.float32)

    def find(self, texts: Sequence[str]) -> list[list[Entity]]:
        """Return the entities of each text. To be called within a memory zone of the pipeline."""
        found: list[list[Entity]] = []
        docs: list[Doc] = []
        size = 0
        with self._pool.limit(limits=1, user_api="blas"):
            for text in texts:
                doc = self._nlp.make_doc(text)
                if docs and size + len(doc) > BATCH_TOKENS:
                    found += self._batch(docs)
                    docs, size = [], 0
                docs.append(doc)
                size += len(doc)
            return found + self._batch(docs) if docs else found

    def _batch(self, docs: Sequence[Doc]) -> list[list[Entity]]:
        columns = [*COLUMNS, "IS_SPACE"]
        features = [doc.to_array(columns) for doc in docs]  # type: ignore[arg-type]
        starts: list[int] = []
        at = PAD
        for doc in docs:
            starts.append(at)
            at += len(doc) + PAD
        rows = np.zeros((at, self._mix.out), dtype=np.float32)
        words = np.concatenate(features)
        vectors = self._words(np.ascontiguousarray(words[:, : len(COLUMNS)]))
        done = 0
        for doc, start in zip(docs, starts, strict=True):
            rows[start : start + len(doc)] = vectors[done : done + len(doc)]
            done += len(doc)
        rows = self._convolve(rows)
        states = rows @ self._lower
        states += self._lower_bias
        return [
            self._decode(doc, states[start : start + len(doc)], feature[:, -1].astype(bool))
            for doc, start, feature in zip(docs, starts, features, strict=True)
        ]

    def _words(self, features: NDArray[np.uint64]) -> Floats:
        """Return the vector of each token, of shape (n_tokens, width)."""
        data, step = features.tobytes(), features.itemsize * features.shape[1]
        names = [data[i : i + step] for i in range(0, len(data), step)]
        missing = {name: i for i, name in enumerate(names) if name not in self._place}
        if missing:
            if len(self._place) + len(missing) > MOST_WORDS:
                self._place.clear()
                missing = {name: i for i, name in enumerate(names)}
            if len(missing) > MOST_WORDS:
                return self._embedded(features)
            first = len(self._place)
            self._place.update({name: first + i for i, name in enumerate(missing)})
            self._vectors[first : first + len(missing)] = self._embedded(features[list(missing.values())])
        return self._vectors[[self._place[name] for name in names]]

    def _embedded(self, features: NDArray[np.uint64]) -> Floats:
        parts = []
        for column, (seed, table) in enumerate(self._embeds):
            keys = self._ops.hash(np.ascontiguousarray(features[:, column]), seed) % table.shape[0]
            parts.append(self._ops.gather_add(table, keys))
        return self._mix(np.concatenate(parts, axis=1, dtype=np.float32))

    def _convolve(self, rows: Floats) -> Floats:
        width = rows.shape[1]
        window = np.zeros((len(rows), 3 * width), dtype=np.float32)
        for layer in self._convolutions:
            window[1:, :width] = rows[:-1]
            window[:, width : 2 * width] = rows
            window[:-1, 2 * width :] = rows[1:]
            rows = rows + layer(window)
        return rows

    def _hidden(self, sums: Floats) -> Floats:
        out = self._out
        best = np.maximum(sums[..., :out], sums[..., out : 2 * out])
        for start in range(2 * out, self._slot, out):
            best = np.maximum(best, sums[..., start : start + out])
        return best

    def _decode(self, doc: Doc, states: Floats, blank: NDArray[np.bool_]) -> list[Entity]:
        """Walk through the tokens as spaCy's parser does: an entity begins, goes on or ends where that scores best."""
        if not len(doc):
            return []
        slot = self._slot
        scores = self._hidden(states[:, :slot] + self._closed) @ self._upper.T
        scores += self._upper_bias
        scores[:, ~self._free] = -np.inf
        scores[-1, self._begins] = -np.inf
        actions = scores.argmax(axis=1)
        actions[blank] = self._outside
        found: list[Entity] = []
        last, behind = len(doc) - 1, 0
        for token in np.flatnonzero(actions != self._outside).tolist():
            if token < behind:
                continue
            name = self._names[actions[token]]
            end = token
            if name[0] == "B":
                go_on, stop = self._inside[name[2:]]
                fixed = states[token, slot : 2 * slot] + self._bias
                end = token + 1
                while end < last:
                    hidden = self._hidden(states[end, :slot] + fixed + states[end - 1, 2 * slot :])
                    goes = hidden @ self._upper[go_on] + self._upper_bias[go_on]
                    stops = hidden @ self._upper[stop] + self._upper_bias[stop]
                    if (stops, -stop) > (goes, -go_on):
                        break
                    end += 1
            behind = end + 1
            final = doc[end]
            found.append(Entity(doc[token].idx, final.idx + len(final), name[2:]))
        return found


def _layers(model: Model[Any, Any]) -> dict[str, list[Model[Any, Any]]]:
    layers: dict[str, list[Model[Any, Any]]] = {}
    for layer in model.walk():
        layers.setdefault(layer.name, []).append(layer)
    # the walk goes level by level: the linear layer before the state is narrower than the one behind it
    layers["linear"].sort(key=lambda layer: layer.get_dim("nO") != model.get_ref("lower").get_dim("nI"))
    return layers


def fits(nlp: Nlp) -> bool:
    """Tell whether the recogniser of *nlp* is built as :class:`QuickNer` reads it."""
    ner: Any = nlp.get_pipe("ner")
    model = ner.model
    counts: dict[str, int] = {}
    for layer in model.walk():
        counts[layer.name] = counts.get(layer.name, 0) + 1
    wanted = {"hashembed": 4, "maxout": 5, "layernorm": 5, "expand_window": 4, "linear": 2, "precomputable_affine": 1}
    if any(counts.get(name, 0) != number for name, number in wanted.items()) or counts.get("extract_features") != 1:
        return False
    columns = next(layer.attrs["columns"] for layer in model.walk() if layer.name == "extract_features")
    windows = [layer.attrs["window_size"] for layer in model.walk() if layer.name == "expand_window"]
    slots = model.get_ref("lower").get_dim("nF")
    return tuple(columns) == COLUMNS and windows == [1] * PAD and slots == 3 and not model.attrs["unseen_classes"]
