"""What a PDF has besides its pages: carried over to another PDF, or named where it is not.

Input: opened PDFs (pikepdf) whose pages are copied into one. Output: that one with their layers
(optional content, ISO 32000-1, 8.11), so that what was hidden stays hidden, and in words what it
lacks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_PROPERTIES = "/OCProperties"
_LISTS = ("/Order", "/RBGroups", "/Locked", "/AS")
"""Parts of a configuration that hold for the layers that they name, and for no others."""

_LEFT = {
    ("/Outlines",): "outline",
    ("/AcroForm",): "form fields",
    ("/PageLabels",): "page labels",
    ("/Dests",): "named places",
    ("/Names", "/Dests"): "named places",
    ("/Names", "/EmbeddedFiles"): "attachments",
    ("/StructTreeRoot",): "tags",
}
"""Where the catalog has what stays behind when pages are copied."""


def left_behind(pdf: Any) -> str:
    """What of a PDF is not in another into which its pages are copied, in words; mostly nothing."""
    found = [word for path, word in _LEFT.items() if _has(pdf.Root, path)]
    return ", ".join(dict.fromkeys(found))


def _has(entry: Any, path: Sequence[str]) -> bool:
    for name in path:
        entry = _dictionary(entry).get(name)
    return entry is not None


def layers_of(pdf: Any, document: Any) -> Any | None:
    """The layers of a PDF whose pages were copied to the document, copied there; None without."""
    found = pdf.Root.get(_PROPERTIES)
    return document.copy_foreign(pdf.make_indirect(found)) if _dictionary(found) else None


def put_layers(document: Any, layers: Sequence[Any]) -> None:
    """Gives a document the layers that were copied to it, each shown or hidden as it was."""
    from pikepdf import Array, Dictionary

    if not layers:
        return
    groups = [group for each in layers for group in _layers(each, "/OCGs")]
    first: dict[str, Any] = {"/OFF": Array([group for each in layers for group in _hidden(each)])}
    for name in _LISTS:
        first[name] = Array([part for each in layers for part in _array(each.get("/D"), name)])
    document.Root[_PROPERTIES] = Dictionary({"/OCGs": Array(groups), "/D": Dictionary(first)})


def _hidden(layers: Any) -> list[Any]:
    """The layers that are not shown at first."""
    first = _dictionary(layers.get("/D"))
    if first.get("/BaseState") != "/OFF":
        return _layers(first, "/OFF")
    shown = {layer.objgen for layer in _layers(first, "/ON")}
    return [layer for layer in _layers(layers, "/OCGs") if layer.objgen not in shown]


def _dictionary(entry: Any) -> Any:
    """The entry, empty where it is no dictionary, as in a damaged file."""
    from pikepdf import Dictionary

    return entry if isinstance(entry, Dictionary) else {}


def _layers(entry: Any, name: str) -> list[Any]:
    """The layers that a list of an entry names, without what is none in a damaged file."""
    from pikepdf import Dictionary

    return [each for each in _array(entry, name) if isinstance(each, Dictionary)]


def _array(entry: Any, name: str) -> list[Any]:
    from pikepdf import Array

    found = _dictionary(entry).get(name)
    return list(found) if isinstance(found, Array) else []
