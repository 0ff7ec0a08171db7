"""Finds topics among vectors of texts: no labels, no seed, the same answer whatever the order of the texts.

Each vector is drawn towards its nearest neighbours, so that groups become dense and what lies between them thin; the
groups are merged bottom-up by Ward's criterion along the graph of neighbours; there are as few as have three
quarters of what the silhouette rises to its best.

References
----------
Ward, J. H. (1963). Hierarchical Grouping to Optimize an Objective Function. JASA 58. doi:10.1080/01621459.1963.10500845
Wu, F. et al. (2019). Simplifying Graph Convolutional Networks. ICML (the smoothing: powers of the neighbour graph).
Hruschka, E. R., de Castro, L. N., Campello, R. J. G. B. (2004). Evolutionary algorithms for clustering gene-expression
data. ICDM (the simplified silhouette: distances to centroids, on all points).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

FEWEST = 20  # texts: below, nothing is grouped
MEANT = 0.5  # weight of the half of a vector that says how a text is meant, beside that which says what it is about
NEIGHBOURS = 10
SMOOTHINGS = 4
GRID_RATIO = 1.12  # from one number of topics that is tried to the next
MOST_TOPICS = 200
LEAST_SHARE = 12  # texts a topic, on average
ENOUGH = 0.75  # of the rise to the best silhouette: more topics say little more
NEARLY = 0.9  # of the best silhouette: as good, with more topics
PLAIN = 0.03  # of the best silhouette: what one step gains where the groups are plain
STRAY_SHARE = 0.05  # of the members of a topic: so many lie farther off than its reach
SECOND_MARGIN = 0.04  # cosine: a second topic that is this near to the first is meant, too


@dataclass(frozen=True)
class Found:
    """Topics of one run.

    Attributes
    ----------
    labels : ndarray of shape (n,), int64
        The topic of each text, largest topic first.
    centre : ndarray of shape (dimensions,), float32
        What all texts have in common; it is taken away before texts are compared.
    centroids : ndarray of shape (topics, dimensions), float32
        Rows of length 1, of the vectors without the centre.
    reach : ndarray of shape (topics,), float32
        The cosine to the centroid below which a text is not about the topic.
    """

    labels: Ints
    centre: Floats
    centroids: Floats
    reach: Floats


def discover(vectors: Floats, *, most: int = MOST_TOPICS) -> Found:
    """Find topics.

    Parameters
    ----------
    vectors : ndarray of shape (n, dimensions), float32
        Of length 1, from the sentence encoder. Equal rows count once in finding the groups.
    most
        The most topics.
    """
    vectors = _about(vectors)
    unique, back = np.unique(np.round(vectors, 6), axis=0, return_inverse=True)
    back = back.reshape(-1)
    centre = unique.mean(axis=0) if len(unique) else np.zeros(vectors.shape[1], dtype=np.float32)
    points = _unit(unique - centre)
    labels = _by_size(_groups(points, most)[back]) if len(unique) >= FEWEST else np.zeros(len(vectors), dtype=np.int64)
    centroids, reach = describe(_unit(vectors - centre), labels)
    return Found(labels, centre.astype(np.float32), centroids, reach)


def describe(points: Floats, labels: Ints) -> tuple[Floats, Floats]:
    """Return centroid and reach of each group of *points*, which are centred and of length 1."""
    count = int(labels.max(initial=-1)) + 1
    centroids = _unit(_sums(points, labels))
    near = np.einsum("ij,ij->i", points, centroids[labels]) if count else np.zeros(0)
    reach = np.array([np.quantile(near[labels == k], STRAY_SHARE) for k in range(count)], dtype=np.float32)
    return centroids, reach


def assign(vectors: Floats, centre: Floats, centroids: Floats, reach: Floats) -> list[list[int]]:
    """Return for each vector the topics it is about, nearest first: none, one or several (three at most)."""
    if not len(centroids) or not len(vectors):
        return [[] for _ in vectors]
    cosines = _unit(_about(vectors) - centre) @ centroids.T
    order = np.argsort(-cosines, axis=1, kind="stable")[:, :3]
    chosen = []
    for row, best in zip(cosines, order, strict=True):
        inside = [int(k) for k in best if row[k] >= reach[k] and row[k] >= row[best[0]] - SECOND_MARGIN]
        chosen.append(inside)
    return chosen


def _about(vectors: Floats) -> Floats:
    """Weigh the halves of the encoder's vectors for what topics are: the last layer first, then the middle ones."""
    half = vectors.shape[1] // 2
    return _unit(np.hstack([vectors[:, :half], MEANT * vectors[:, half:]]))


def _groups(points: Floats, most: int) -> Ints:
    from sklearn.cluster import ward_tree
    from sklearn.neighbors import kneighbors_graph

    count = min(NEIGHBOURS, len(points) - 1)
    graph = kneighbors_graph(points, count, include_self=False)
    graph = graph.maximum(graph.T)
    drawn = _drawn(points, graph)
    near = kneighbors_graph(drawn, count, include_self=False)
    joined = _connected(near.maximum(near.T), drawn)
    children = ward_tree(drawn, connectivity=joined)[0]
    return _best_cut(np.asarray(children), points, most)


def _drawn(points: Floats, graph: Any) -> Floats:
    from scipy.sparse import diags

    mean = diags(1.0 / np.asarray(graph.sum(axis=1)).ravel()) @ graph
    drawn = points
    for _ in range(SMOOTHINGS):
        drawn = _unit(drawn + mean @ drawn)
    return drawn


def _connected(graph: Any, points: Floats) -> Any:
    """Join the islands of a graph: each to the nearest other one, by their means, until there is one."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    count, island = connected_components(graph, directed=False)
    while count > 1:
        means = _sums(points, island) / np.bincount(island, minlength=count)[:, None]
        far = ((means[:, None, :] - means[None, :, :]) ** 2).sum(axis=2) if count <= 500 else None
        pairs = []
        for one in range(count):
            apart = far[one].copy() if far is not None else ((means - means[one]) ** 2).sum(axis=1)
            apart[one] = np.inf
            other = int(apart.argmin())
            ours, theirs = np.flatnonzero(island == one), np.flatnonzero(island == other)
            left = ours[((points[ours] - means[other]) ** 2).sum(axis=1).argmin()]
            right = theirs[((points[theirs] - points[left]) ** 2).sum(axis=1).argmin()]
            pairs += [(left, right), (right, left)]
        rows, columns = zip(*pairs, strict=True)
        graph = graph.maximum(csr_matrix((np.ones(len(pairs)), (rows, columns)), shape=graph.shape))
        count, island = connected_components(graph, directed=False)
    return graph


def _best_cut(children: NDArray[Any], points: Floats, most: int) -> Ints:
    """Cut the tree into the fewest groups that have most of what the silhouette rises, of the points as they were."""
    counts = _grid(min(most, max(2, len(points) // LEAST_SHARE)))
    worth = np.array([_silhouette(points, _cut(children, len(points), count)) for count in counts])
    low, best = _rise(worth)
    enough = worth[low] + ENOUGH * (worth[best] - worth[low])
    place = low + int(np.flatnonzero(worth[low : best + 1] >= enough)[0])
    while place + 1 < len(worth) and worth[place + 1] - worth[place] > PLAIN * worth.max():
        place += 1
    return _cut(children, len(points), counts[place])


def _rise(worth: NDArray[np.float64]) -> tuple[int, int]:
    """Return where the rise to the best silhouette begins, and where it ends.

    Where it falls after the best and comes nearly as high again, the later rise counts: the first groups are kinds of
    text (questions, opinions), the later ones what the texts are about.
    """
    best = int(worth.argmax())
    high = NEARLY * worth[best]
    again = int(np.flatnonzero(worth >= high)[-1])
    if worth[best : again + 1].min() < high:
        low = best + int(worth[best : again + 1].argmin())
        return low, low + int(worth[low:].argmax())
    return int(worth[: best + 1].argmin()), best  # two or three groups may stand apart by chance, before the real ones


def _grid(most: int) -> Sequence[int]:
    counts, value = [2], 2.0
    while (value := max(value * GRID_RATIO, value + 1)) <= most:
        counts.append(round(value))
    return counts


def _cut(children: NDArray[Any], leaves: int, count: int) -> Ints:
    """Return the groups that are left when the last ``count - 1`` merges are taken back."""
    owner = np.arange(2 * leaves - 1)
    for step in range(leaves - 2, -1, -1):
        node = leaves + step
        if step < leaves - count:
            for child in children[step]:
                owner[child] = owner[node]
    return np.unique(owner[:leaves], return_inverse=True)[1].astype(np.int64)


def _silhouette(points: Floats, labels: Ints) -> float:
    centroids = _unit(_sums(points, labels))
    cosines = points @ centroids.T
    rows = np.arange(len(points))
    own = 1.0 - cosines[rows, labels]
    cosines[rows, labels] = -np.inf
    other = 1.0 - cosines.max(axis=1)
    return float(np.mean((other - own) / np.maximum(np.maximum(own, other), 1e-9)))


def _sums(points: Floats, labels: NDArray[Any]) -> NDArray[np.float64]:
    """Return the sum of the points of each group; a product of matrices, a hundred times as fast as adding in place."""
    from scipy.sparse import csr_matrix

    shape = (int(labels.max(initial=-1)) + 1, len(labels))
    members = csr_matrix((np.ones(len(labels)), (labels, np.arange(len(labels)))), shape=shape)
    return np.asarray(members @ points)


def _by_size(labels: Ints) -> Ints:
    """Number the groups anew: the largest is 0; of two that are as large, the one that was first."""
    order = np.argsort(-np.bincount(labels), kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return place[labels].astype(np.int64)


def _unit(rows: NDArray[Any]) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-12), dtype=np.float32)
