"""The Transformer language model on ONNX Runtime.

Input: labels as tokens. Output: the log of each label's probability, that of its end included.
Method: all labels are read at once, as a tree of their prefixes, so that what they share is
computed once; see `hmer_cli.networks.language_transformer`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hmer_cli.models.session import Session
from hmer_cli.recognition.language_model import END, START, UNKNOWN

EVEN = 0.4  # chosen as the weight in `hmer_cli.recognition.label_prior`
"""Share of the probability that all tokens have alike, so that none is forbidden."""

TOKENS = "tokens"
"""Metadata key of the model's vocabulary, a JSON list."""


class PrefixTree(NamedTuple):
    """The prefixes of labels, parents before children.

    ``tokens`` (N,) are the last token of each, ``places`` (N,) its place, ``seen`` (N, N) which
    prefixes each begins with, ``paths`` the nodes of each label.
    """

    tokens: NDArray[np.int64]
    places: NDArray[np.int64]
    seen: NDArray[np.bool_]
    paths: list[list[int]]


def prefix_tree(labels: Sequence[Sequence[int]]) -> PrefixTree:
    """The tree of the prefixes of all labels."""
    known: dict[tuple[int, int], int] = {}  # parent and token -> node
    tokens: list[int] = []
    parents: list[int] = []
    paths = []
    for label in labels:
        path: list[int] = []
        for token in label:
            key = path[-1] if path else -1, token
            if key not in known:
                known[key] = len(tokens)
                tokens.append(token)
                parents.append(key[0])
            path.append(known[key])
        paths.append(path)
    seen = np.eye(len(tokens), dtype=bool)
    places = np.zeros(len(tokens), np.int64)
    for node, parent in enumerate(parents):
        if parent >= 0:
            seen[node] |= seen[parent]
            places[node] = places[parent] + 1
    return PrefixTree(np.array(tokens, np.int64), places, seen, paths)


class LabelTransformer:
    """A loaded model. Tokens that it has never seen count as UNKNOWN."""

    def __init__(self, session: Session) -> None:
        self._session = session
        tokens: list[str] = json.loads(session.get_modelmeta().custom_metadata_map[TOKENS])
        self._index = {token: i for i, token in enumerate(tokens)}

    def __call__(self, labels: Sequence[Sequence[str]]) -> NDArray[np.float64]:
        """The log of each label's probability, (N,)."""
        if not labels:
            return np.zeros(0)
        unknown, start, end = (self._index[each] for each in (UNKNOWN, START, END))
        rows = [[start, *(self._index.get(token, unknown) for token in row)] for row in labels]
        tree = prefix_tree(rows)
        given: dict[str, NDArray[Any]] = {
            "tokens": tree.tokens[None],
            "places": tree.places[None],
            "seen": tree.seen[None],
        }
        (logs,) = self._session.run(["logs"], given)
        even = math.log(EVEN / len(self._index))
        mixed = np.logaddexp(logs[0].astype(np.float64) + math.log1p(-EVEN), even)
        found = [
            mixed[path, [*row[1:], end]].sum() for row, path in zip(rows, tree.paths, strict=True)
        ]
        return np.array(found)
