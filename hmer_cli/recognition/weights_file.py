"""A weights file, opened: the session of its model, its metadata, and the models embedded in it.

Input: a name or path. Output: a `WeightsFile`, of which a recogniser is made.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hmer_cli.errors import INTERRUPTED, HmerError, MissingError, is_out_of_memory, unloadable
from hmer_cli.models.session import Session, open_session

METADATA = "hmer"
"""Metadata key of a weights file: JSON of vocabulary, geometry, recipe and metrics."""

CANVAS = "canvas"
"""Key of the metadata of models of whole canvases: the fields of their `CanvasSize`."""

GRAPH_ALONE = "graph_alone"
"""Key of the metadata of files whose model is the encoder of a graph model, without a CTC model."""


@dataclass(frozen=True)
class WeightsFile:
    """``metadata`` is the JSON object of the file, ``embedded`` the other entries beside it."""

    session: Session
    metadata: dict[str, Any]
    embedded: Mapping[str, str]

    @classmethod
    def open(cls, path: Path) -> WeightsFile:
        """The file at this path; raises what its content raises, see `refusing`."""
        session = open_session(path)
        found = dict(session.get_modelmeta().custom_metadata_map)
        return cls(session, json.loads(found.pop(METADATA)), found)


@contextmanager
def refusing(path: Path) -> Iterator[None]:
    """Whatever goes wrong with the content of a file becomes a MissingError that names it."""
    try:
        yield
    except HmerError:
        raise
    except Exception as error:  # ONNX Runtime's own errors share no base class
        if INTERRUPTED.is_set():
            raise KeyboardInterrupt from error
        if is_out_of_memory(error):
            raise MemoryError(str(error)) from error
        if library := unloadable(error):
            raise library from error
        raise MissingError(
            f"{path} holds no recogniser of expressions", "see: hmer weights list"
        ) from error
