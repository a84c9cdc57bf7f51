"""InkML to and from Ink."""

from __future__ import annotations

import numpy as np
from lxml import etree

from hmer_cli.errors import InputError
from hmer_cli.ink.ink import Ink, Stroke, Symbol


def read_inkml(data: bytes, name: str) -> Ink:
    """The ink of one InkML file, straight from its bytes.

    Raises InputError where there is no ink in it.
    """
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True)
    root = etree.fromstring(data, parser) if data.strip() else None
    if root is None:
        raise InputError(f"{name}: empty or not InkML", "give an InkML file")
    strokes: list[Stroke] = []
    index: dict[str, int] = {}
    for trace in root.iter("{*}trace"):
        points = [point.split()[:2] for point in (trace.text or "").split(",") if point.strip()]
        index[trace.get("id", "")] = len(strokes)
        strokes.append(np.array(points, dtype=np.float32).reshape(-1, 2))
    symbols = []
    for group in root.iter("{*}traceGroup"):
        refs = [view.get("traceDataRef", "") for view in group.findall("{*}traceView")]
        if refs:
            link = group.find("{*}annotationXML")
            symbols.append(
                Symbol(
                    strokes=tuple(index[ref] for ref in refs if ref in index),
                    label=(group.findtext("{*}annotation") or "").strip(),
                    id="" if link is None else link.get("href", ""),
                )
            )
    notes = {a.get("type", ""): a.text or "" for a in root.findall("{*}annotation")}
    return Ink(tuple(strokes), tuple(symbols), None, notes.get("truth"), name, notes)
