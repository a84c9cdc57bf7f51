"""InkML (W3C Recommendation, 2011) <-> `Ink`, tolerant of the errors of real files.

Input: the bytes of an InkML file. Output: strokes, symbols and label; and back. Method: lxml in
recovery mode after repairing stray markup; labels from MathML, LaTeX and symbols (`expr.truth`).
"""

from __future__ import annotations

import html.entities
import itertools
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from lxml import etree

from hmer_cli.errors import InputError
from hmer_cli.expr.mathml import ids_in_order
from hmer_cli.expr.truth import derive_label
from hmer_cli.ink.ink import Ink, LeftOut, Stroke, Symbol
from hmer_cli.ink.inkml_contexts import Formats, drawn_traces, identity, local_name
from hmer_cli.ink.inkml_traces import Channels, read_trace, row_width, runs
from hmer_cli.ink.packed_text import check_markup
from hmer_cli.ink.strokes import check_count

NAMESPACE = "http://www.w3.org/2003/InkML"
_REMEDY = "give an InkML file"

_TRUTHS = ("truth", "normalizedLabel", "label")
"""Annotations that hold LaTeX: CROHME's, then those of the MathWriting data set."""

_SPELLING = {r"\lt": "<", r"\gt": ">"}
"""Symbol labels of CROHME that are not tokens."""

MAX_BYTES = 64 << 20
"""A larger file is refused: parsed, it would take ten times the memory."""
MAX_TRACES = 100_000
"""Of one file; a page of dense notes has some 5,000."""
_MAX_MENDED = 100_000
_MAX_NAMED = 1_000_000
"""Strokes that the trace groups of a file have, each counted once a group."""
_TOO_MUCH = ("too big", "too long", "too large", "XML_PARSE_HUGE", "Excessive depth")
"""How libxml2 names the limits of its own beyond which it cuts a document off."""

_END = re.compile(rb"</(?:[\w.-]+:)?ink\s*>")
_STRAY = re.compile(rb"<(?![A-Za-z_/!?])|&(#?\w+;)?")
_KEPT = re.compile(rb"<!\[CDATA\[|<!--|<\?")
_ENDS = {b"<![CDATA[": b"]]>", b"<!--": b"-->", b"<?": b"?>"}
"""Of parts in which ``<`` and ``&`` are characters like others."""
_PREDEFINED = (b"amp;", b"lt;", b"gt;", b"quot;", b"apos;")


def read_inkml(data: bytes, name: str, label: bool = True) -> Ink:
    """Parse one InkML file; ``name`` is set on the ink and used in error messages.

    Malformed XML is repaired if its meaning is unambiguous (invalid ids, stray ``<`` and ``&``,
    HTML entities, Latin-1 bytes, a missing end). No entity is expanded and nothing is fetched.
    Pen-up, empty and highlighter traces are dropped, and white ones among others; traces are split
    where a tip switch says that the pen is up; a single point stays, as a dot. Units, resolutions
    and canvas transforms are applied. ``label=False`` skips the derivation of the label.

    Raises InputError if there is no ink, if the file declares entities, is larger than MAX_BYTES or
    exceeds a limit of the parser or that of strokes, or if a trace contains a value
    that is no number (NaN).
    """
    root = _parse(data, name)
    is_cut = len(root) > 0 and not _END.search(data.replace(b"\0", b""))  # UTF-16, too
    if is_cut and not any(local_name(each) == "trace" for each in root.iter(etree.Element)):
        raise InputError(f"{name}: cut off before its first trace", "copy it again")
    strokes, index, left_out = _strokes(root, name)
    if is_cut:
        left_out.append(LeftOut("the rest of a file that was cut off"))
    symbols = tuple(_in_order(root, list(_symbols(root, index, name))))
    notes = _annotations(root)
    truth = next((notes[key] for key in _TRUTHS if notes.get(key)), None)
    return Ink(
        strokes=tuple(strokes),
        symbols=symbols,
        label=_label(root, notes.get("normalizedLabel") or truth, symbols) if label else None,
        truth=truth,
        name=name,
        annotations={key: text for key, text in notes.items() if key not in _TRUTHS},
        left_out=tuple(left_out),
    )


def _parse(data: bytes, name: str) -> etree._Element:
    if not data.strip():
        raise InputError(f"{name}: the file is empty", _REMEDY)
    if len(data) > MAX_BYTES:
        raise InputError(f"{name}: InkML larger than {MAX_BYTES >> 20} MiB", "split it")
    check_markup(data, name)
    encoding = None
    if not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        data = _mended(data, name)
        encoding = _encoding(data)
    parser = etree.XMLParser(
        recover=True, resolve_entities=False, no_network=True, encoding=encoding
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.LxmlError:
        root = None
    # With recover=True libxml2 returns what it has read up to a limit of its own.
    if any(words in entry.message for entry in parser.error_log for words in _TOO_MUCH):
        raise InputError(
            f"{name}: nested too deep, or a trace too long to be read whole", "split it"
        )
    if root is None or local_name(root) != "ink":
        raise InputError(f"{name}: not InkML", _REMEDY)
    dtd = root.getroottree().docinfo.internalDTD
    if dtd is not None and any(True for _ in dtd.iterentities()):
        raise InputError(f"{name}: declares XML entities, which are refused", "remove its DOCTYPE")
    return root


def _mended(data: bytes, name: str) -> bytes:
    """The bytes with stray ``<`` and ``&`` escaped, but in CDATA, comments and instructions."""
    count = 0

    def mend(stray: re.Match[bytes]) -> bytes:
        nonlocal count
        text = _mend(stray)
        count += text is not stray[0]
        if count > _MAX_MENDED:
            raise InputError(f"{name}: not InkML, with {_MAX_MENDED} stray '<' and '&'", _REMEDY)
        return text

    parts: list[bytes] = []
    at = 0
    while (kept := _KEPT.search(data, at)) is not None:
        end = data.find(_ENDS[kept[0]], kept.end())
        if end < 0:  # looked for but once, so that the time is linear
            break
        parts += [_STRAY.sub(mend, data[at : kept.start()]), data[kept.start() : end]]
        at = end
    return b"".join([*parts, _STRAY.sub(mend, data[at:])])


def _mend(stray: re.Match[bytes]) -> bytes:
    """The escape of a ``<`` that opens no tag, an ``&`` that opens no entity, an HTML entity."""
    text, entity = stray[0], stray[1]
    if text == b"<":
        return b"&lt;"
    if entity is None:
        return b"&amp;"
    if entity.startswith(b"#") or entity in _PREDEFINED:
        return text
    characters = html.entities.html5.get(entity.decode("ascii", "replace"), "")
    return "".join(f"&#{ord(character)};" for character in characters).encode()


def _encoding(data: bytes) -> str | None:
    """Latin-1 for bytes that are not valid UTF-8; None to use the declared encoding."""
    declared = re.match(rb"""\s*<\?xml[^>]*encoding\s*=\s*["']([\w.-]+)""", data)
    if declared and declared[1].lower() not in (b"utf-8", b"utf8", b"us-ascii", b"ascii"):
        return None
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "iso-8859-1"
    return None


Index: TypeAlias = dict["str | etree._Element", range]
"""The indices of the strokes of each trace, by the trace and its id."""


def _strokes(root: etree._Element, name: str) -> tuple[list[Stroke], Index, list[LeftOut]]:
    """The strokes in document order, their index, and what is left out.

    Raises InputError where there are none, or more than MAX_TRACES or strokes of a page.
    """
    try:
        formats = Formats(root)
        traces = list(drawn_traces(root))
    except InputError as error:
        raise InputError(f"{name}: {error.what}", error.remedy) from None
    if len(traces) > MAX_TRACES:
        raise InputError(f"{name}: more than {MAX_TRACES} traces", "split it")
    white = _white(traces, formats)
    down = [trace for trace in traces if trace.get("type") != "penUp"]
    drawn = [each for each in down if not formats.is_highlighter(each) and each not in white]
    numbers = {trace: number for number, trace in enumerate(traces, start=1)}
    texts = {trace: "".join(trace.itertext()) for trace in traces}
    width = next(filter(None, map(row_width, texts.values())), 0)

    def table(trace: etree._Element, tips: bool) -> Stroke:
        channels = _with_width(formats.channels(trace), width)
        channels = channels if tips else replace(channels, tip=None)
        return read_trace(
            texts[trace], channels, f"{name}: trace {identity(trace) or numbers[trace]}"
        )

    strokes, index = _joined({trace: table(trace, tips=True) for trace in drawn})
    if not strokes:  # a tip that never touches says nothing
        strokes, index = _joined({trace: table(trace, tips=False) for trace in drawn})
    if not strokes and len(drawn) < len(down):
        raise InputError(f"{name}: no ink in it but that of a highlighter", "write with a pen")
    if not strokes:
        raise InputError(f"{name}: no ink in it", "give a file with at least one trace")
    check_count(strokes, name)
    return strokes, index, [LeftOut("white ink")] if white else []


def _joined(traces: dict[etree._Element, Stroke]) -> tuple[list[Stroke], Index]:
    """The strokes of the points of traces, those that continue others joined to them, and their
    index."""
    parts: list[list[Stroke]] = []
    owner: dict[str | etree._Element, int] = {}
    for trace, points in traces.items():
        if not len(points):
            continue
        prior = owner.get((trace.get("priorRef") or "").lstrip("#"))
        if prior is None or trace.get("continuation") not in ("middle", "end"):
            prior = len(parts)
            parts.append([])
        parts[prior].append(points)
        owner[identity(trace)] = owner[trace] = prior
    found = [runs(np.concatenate(part)) for part in parts]
    first = [0, *itertools.accumulate(map(len, found))]
    index: Index = {key: range(first[part], first[part + 1]) for key, part in owner.items()}
    return [stroke for strokes in found for stroke in strokes], index


def _white(traces: list[etree._Element], formats: Formats) -> set[etree._Element]:
    """The traces in white among others: they are not seen, or cover what is under them."""
    white = {trace for trace in traces if formats.is_white(trace)}
    drawn = (each for each in traces if each.get("type") != "penUp" and each not in white)
    return white if any(not formats.is_highlighter(each) for each in drawn) else set()


def _with_width(channels: Channels, width: int) -> Channels:
    """If no format declares the number of values of a point, that of the other traces."""
    return channels if channels.width else replace(channels, width=width)


def _symbols(root: etree._Element, index: Index, name: str) -> Iterator[Symbol]:
    """The innermost trace groups that have a label and strokes. Raises InputError where they have
    too many."""
    count = 0
    for group in root.iter("{*}traceGroup"):
        if group.find("{*}traceGroup") is not None:
            continue
        notes = _annotations(group)
        label = next((notes[key] for key in _TRUTHS if notes.get(key)), "")
        views = [view.get("traceDataRef") or "" for view in group.iter("{*}traceView")]
        keys = [*(view.lstrip("#") for view in views if view), *group.iter("{*}trace")]
        traces = dict.fromkeys(index[key] for key in keys if key in index)
        count += len(keys) + sum(map(len, traces))
        if count > _MAX_NAMED:
            raise InputError(
                f"{name}: its trace groups have more than {_MAX_NAMED:,} strokes",
                "export the ink without them",
            )
        strokes = tuple(itertools.chain.from_iterable(traces))
        if label and strokes:
            link = group.find("{*}annotationXML")
            href = "" if link is None else str(link.get("href") or "").lstrip("#")
            yield Symbol(strokes, _SPELLING.get(label, label), href)


def _in_order(root: etree._Element, symbols: list[Symbol]) -> list[Symbol]:
    """The symbols in the order of the label, as far as the MathML names them."""
    math = root.find("{*}annotationXML/{*}math")
    order = {} if math is None else {key: i for i, key in enumerate(ids_in_order(math))}
    return sorted(symbols, key=lambda symbol: order.get(symbol.id, len(order)))


def _annotations(element: etree._Element) -> dict[str, str]:
    """The text annotations of an element by type, the first of each type."""
    notes: dict[str, str] = {}
    for note in element.findall("{*}annotation"):
        notes.setdefault(note.get("type") or "", "".join(note.itertext()).strip())
    return notes


def _label(root: etree._Element, truth: str | None, symbols: tuple[Symbol, ...]) -> str | None:
    """The label from MathML, LaTeX and symbols; None if there is none or it is invalid."""
    math = root.find("{*}annotationXML/{*}math")
    if math is None and not truth:
        return None
    try:
        return derive_label(math, truth, [symbol.label for symbol in symbols])
    except InputError:
        return None


def write_inkml(ink: Ink) -> bytes:
    """The ink as InkML; ``read_inkml`` restores it exactly (float32).

    The label is written as a ``normalizedLabel`` beside the ``truth``, symbols as trace groups.
    Characters that are invalid in XML are dropped.
    """
    root = etree.Element(f"{{{NAMESPACE}}}ink", nsmap={None: NAMESPACE})
    form = _add(root, "traceFormat")
    for channel in ("X", "Y"):
        _add(form, "channel", name=channel, type="decimal")
    truths = {"truth": ink.truth or ink.label, "normalizedLabel": ink.label}
    for key, text in {**truths, **ink.annotations}.items():
        if text is not None:
            _add(root, "annotation", text, type=key)
    for number, stroke in enumerate(ink.strokes):
        _add(root, "trace", _digits(stroke), id=str(number))
    if ink.symbols:
        _write_symbols(_add(root, "traceGroup"), ink.symbols)
    return bytes(etree.tostring(root, pretty_print=True, xml_declaration=True, encoding="utf-8"))


def _write_symbols(group: etree._Element, symbols: tuple[Symbol, ...]) -> None:
    _add(group, "annotation", "Segmentation", type="truth")
    for symbol in symbols:
        part = _add(group, "traceGroup")
        _add(part, "annotation", symbol.label, type="truth")
        for stroke in symbol.strokes:
            _add(part, "traceView", traceDataRef=str(stroke))
        if symbol.id:
            _add(part, "annotationXML", href=symbol.id)


def _add(parent: etree._Element, tag: str, text: str = "", **attributes: str) -> etree._Element:
    clean = {key: _clean(value) for key, value in attributes.items()}
    child = etree.SubElement(parent, f"{{{NAMESPACE}}}{tag}", clean)
    child.text = _clean(text) or None
    return child


def _clean(text: str) -> str:
    return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text)


def _digits(stroke: Stroke) -> str:
    """The points in the shortest decimal form that float32 parses exactly."""
    texts = (np.asarray(stroke, np.float32) + np.float32(0)).astype(str)
    return ", ".join(f"{x.removesuffix('.0')} {y.removesuffix('.0')}" for x, y in texts)
