"""InkML contexts: trace formats, ink sources, canvas transforms and brushes of each trace.

Input: the root element. Output: for each trace its Channels (indices of X, Y and the tip switch,
directions, units, resolutions and canvas transform) and whether its brush is a highlighter, or
white. Method: chapters 3 and 4 of the W3C InkML recommendation (2011), as far as they affect ink.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace

from lxml import etree

from hmer_cli.errors import InputError
from hmer_cli.ink.colours import WHITE, colour_of
from hmer_cli.ink.inkml_traces import Channels

_XML_ID = "{http://www.w3.org/XML/1998/namespace}id"
_KINDS = ("{*}traceFormat", "{*}inkSource", "{*}context", "{*}canvasTransform", "{*}brush")
"""A canvas is none: the format in it is its own, and not that of traces."""
_DRAWN = ("{*}trace", "{*}traceView")
_OWN = ("brushRef", "traceFormatRef", "canvasTransformRef")
_INHERITED = ("inkSourceRef", "contextRef")
_REFERENCES = (*_OWN, *_INHERITED)
"""The more specific ones first."""
_LONGEST = 100  # chain of references: more is no device's
_LENGTHS = {"m": 1e5, "cm": 1e3, "mm": 1e2, "in": 2540.0, "pt": 2540 / 72, "pc": 2540 / 6,
            "himetric": 1.0}  # fmt: skip
"""Units of length in hundredths of a millimetre."""
_TRANSPARENT = 64
"""Of 255; convention: highlighters have 127 or 128, pens 0."""


@dataclass(frozen=True)
class _Context:
    """The settings of a context or a part of one; None for those that it inherits."""

    channels: Channels | None = None
    resolution: tuple[float, float] | None = None
    affine: tuple[tuple[float, ...], ...] | None = None
    highlighter: bool | None = None
    white: bool | None = None

    def over(self, other: _Context) -> _Context:
        """The settings of this context, with those of the other as defaults."""
        mine = {f.name: getattr(self, f.name) for f in fields(self)}
        return replace(other, **{name: value for name, value in mine.items() if value is not None})


class Formats:
    """The contexts of one InkML document, by trace.

    A trace follows its ``contextRef`` and ``brushRef``, else those of a trace group around it, else
    the last ones set before it (InkML 4.1 and 6.3); where the document has but one format, that
    one wherever it stands; else X Y in this order.
    Raises InputError for a canvas transform that is neither affine nor the identity.
    """

    def __init__(self, root: etree._Element) -> None:
        named = root.iter(*_KINDS, "{*}mapping")
        self._by_id = {key: element for element in named if (key := identity(element))}
        self._settings: dict[etree._Element, _Context] = {}
        self._open = 0
        self._current: dict[etree._Element, _Context] = {}
        self._known: dict[tuple[object, ...], _Context] = {}
        self._unset = _Context()
        found = list(_formats(root))
        self._default = _Context()
        if len(found) == 1:
            around = next(found[0].iterancestors("{*}inkSource"), found[0])
            self._default = self._of(around)
        self._collect(root)

    def channels(self, trace: etree._Element) -> Channels:
        """The channels of one trace."""
        context = self._context(trace)
        channels = context.channels or Channels()
        if context.affine is not None:
            return replace(channels, affine=context.affine)
        if context.resolution is None or channels.in_lengths:
            return channels
        x, y = context.resolution
        return replace(channels, y_scale=channels.y_scale * (x / y))

    def is_highlighter(self, trace: etree._Element) -> bool:
        """Whether the trace is drawn with a transparent brush, or one that masks."""
        return bool(self._context(trace).highlighter)

    def is_white(self, trace: etree._Element) -> bool:
        """Whether the trace is drawn with a white brush."""
        return bool(self._context(trace).white)

    def _context(self, trace: etree._Element) -> _Context:
        """The settings of a trace, from the nearest element to the farthest; cached for traces
        with equal references."""
        around = (trace, *trace.iterancestors("{*}traceGroup", "{*}traceView"))
        current = self._current.get(trace, self._unset)
        key = (id(current), *(each.get(name) for each in around for name in _REFERENCES))
        if key not in self._known:
            found = _Context()
            for element in around:
                found = found.over(self._referred(element))
            self._known[key] = found.over(current).over(self._default)
        return self._known[key]

    def _collect(self, root: etree._Element) -> None:
        current = self._unset
        for element in root.iter(*_KINDS, "{*}trace"):
            if local_name(element) == "trace":
                if current is not self._unset:
                    self._current[element] = current
                continue
            context = self._of(element)
            if element.getparent() is root:
                current = context.over(current)

    def _referred(
        self, element: etree._Element, references: Sequence[str] = _REFERENCES
    ) -> _Context:
        """The settings that an element refers to, wherever they are defined."""
        found = _Context()
        for attribute in references:
            target = self._by_id.get((element.get(attribute) or "").lstrip("#"))
            if target is not None:
                found = found.over(self._of(target))
        return found

    def _of(self, element: etree._Element) -> _Context:
        """The settings of an element with those that it refers to; itself among them adds nothing.

        Raises InputError for a chain of references that is too long.
        """
        if element not in self._settings:
            self._settings[element] = _Context()
            self._open += 1
            if self._open > _LONGEST:
                raise InputError(
                    f"more than {_LONGEST} of its contexts refer to each other in a chain",
                    "export the ink without them",
                )
            self._settings[element] = self._resolved(element)
            self._open -= 1
        return self._settings[element]

    def _resolved(self, element: etree._Element) -> _Context:
        """The settings of a format, ink source, brush or context, with its children."""
        tag = local_name(element)
        if tag == "traceFormat":
            return _Context(channels=_channels(element))
        if tag == "brush":
            found = _Context(highlighter=_is_highlighter(element), white=_is_white(element))
            plain = _Context(highlighter=False, white=False)  # what no brush says is black ink
            return found.over(self._referred(element)).over(plain)
        if tag == "canvasTransform":
            return _Context(affine=_affine(self._mapping(element)))
        if tag == "inkSource":
            form = next(element.iter("{*}traceFormat"), None)
            channels = None if form is None else _channels(form)
            found = _Context(channels=channels, resolution=_resolution(element))
            return found.over(self._referred(element))
        return self._of_context(element) if tag == "context" else _Context()

    def _of_context(self, context: etree._Element) -> _Context:
        """Its own parts, then those that it refers to; the format in which its traces are, then
        the one in which its ink source reports."""
        found = _Context()
        for child in context.iterchildren(*_KINDS):
            if local_name(child) != "inkSource":
                found = found.over(self._of(child))
        found = found.over(self._referred(context, _OWN))
        for source in context.iterchildren("{*}inkSource"):
            found = found.over(self._of(source))
        inside = next(_formats(context), None)
        if inside is not None and found.channels is None:
            found = replace(found, channels=_channels(inside))
        return found.over(self._referred(context, _INHERITED))

    def _mapping(self, transform: etree._Element) -> etree._Element | None:
        """The first mapping of a canvas transform, or the one that it refers to."""
        mapping = transform.find("{*}mapping")
        for _ in range(_LONGEST):
            if mapping is None or not mapping.get("mappingRef"):
                break
            mapping = self._by_id.get(str(mapping.get("mappingRef")).lstrip("#"), mapping)
        return mapping


def _formats(element: etree._Element) -> Iterator[etree._Element]:
    """The formats of traces in an element."""
    for form in element.iter("{*}traceFormat"):
        if next(form.iterancestors("{*}canvas"), None) is None:
            yield form


def _channels(form: etree._Element) -> Channels:
    """X, Y and the tip switch S among the channels of one format; intermittent channels come last,
    as in the data."""
    names: dict[str, int] = {}
    signs: dict[str, int] = {}
    units: dict[str, float] = {}
    count = 0
    for count, channel in enumerate(form.iter("{*}channel"), start=1):
        name = (channel.get("name") or "").upper()
        names.setdefault(name, count - 1)
        signs.setdefault(name, -1 if channel.get("orientation") == "-ve" else 1)
        units.setdefault(name, _LENGTHS.get((channel.get("units") or "").strip(), math.nan))
    if "X" not in names or "Y" not in names:
        return Channels()
    aspect = units["Y"] / units["X"]
    known = math.isfinite(aspect)
    y_scale = signs["Y"] * (aspect if known else 1)
    x, y, tip = names["X"], names["Y"], names.get("S")
    return Channels(x, y, tip, signs["X"], y_scale, count, in_lengths=known)


def _resolution(source: etree._Element) -> tuple[float, float] | None:
    """Units of X and of Y per unit of length; None if either is missing."""
    found = {}
    for entry in source.iter("{*}channelProperty"):
        if entry.get("name") == "resolution":
            value, unit = _float(entry.get("value")), (entry.get("units") or "").strip()
            found[(entry.get("channel") or "").upper()] = (value, unit.removeprefix("1/"))
    if "X" not in found or "Y" not in found:
        return None
    (x, x_unit), (y, y_unit) = found["X"], found["Y"]
    if x_unit != y_unit:
        x, y = (n / _LENGTHS.get(unit, math.nan) for n, unit in ((x, x_unit), (y, y_unit)))
    return (x, y) if x > 0 and y > 0 and math.isfinite(x / y) else None


def _affine(mapping: etree._Element | None) -> tuple[tuple[float, ...], ...] | None:
    """The 2 x 3 matrix of a mapping, from trace to canvas coordinates.

    None for the identity. Raises InputError for any other mapping.
    """
    kind = "identity" if mapping is None else mapping.get("type") or "unknown"
    if kind == "identity":
        return None
    text = "" if mapping is None else "".join(mapping.itertext()).strip()
    rows = tuple(tuple(map(_float, row.split())) for row in text.split(",") if row.strip())
    fits = len(rows) == 2 and all(len(row) == 3 and all(map(math.isfinite, row)) for row in rows)
    if kind != "affine" or not fits:
        raise InputError(
            f"its canvas transform ({kind}) cannot be followed", "export the ink without it"
        )
    return rows


def _is_highlighter(brush: etree._Element) -> bool | None:
    """Whether a brush lets through what is under it; None where it does not say."""
    properties = {
        (entry.get("name") or ""): (entry.get("value") or "").strip()
        for entry in brush.iter("{*}brushProperty")
    }
    if not properties.keys() & {"rasterOp", "transparency"}:
        return None
    masks = properties.get("rasterOp", "").lower() == "maskpen"
    return masks or _float(properties.get("transparency")) >= _TRANSPARENT


def _is_white(brush: etree._Element) -> bool | None:
    """Whether a brush is as light as paper; None where it has no colour that is known."""
    named = [
        (entry.get("value") or "").strip()
        for entry in brush.iter("{*}brushProperty")
        if (entry.get("name") or "").lower() == "color"
    ]
    colour = colour_of(named[0]) if named else None
    return None if colour is None else not colour.differs(WHITE)


def _float(text: str | None) -> float:
    """The number, or NaN."""
    try:
        return float(text or "")
    except ValueError:
        return math.nan


def drawn_traces(root: etree._Element) -> Iterator[etree._Element]:
    """The visible traces in document order, each once.

    Those in ``definitions`` are drawn where a ``traceView`` outside of them refers to them, to a
    group of them, or to another view of them.
    Raises InputError for a view that shows only a part of such a trace.
    """
    hidden: dict[etree._Element, str] = {}
    for definitions in root.iter("{*}definitions"):
        for element in definitions.iter(*_DRAWN, "{*}traceGroup"):
            hidden[element] = identity(element)
    by_id: dict[str, etree._Element] = {}
    for element, key in hidden.items():
        if key:
            by_id.setdefault(key, element)
    shown: set[etree._Element] = set()
    for element in root.iter(*_DRAWN):
        if element not in hidden:
            yield from _traces(element, by_id, shown)


def _traces(
    element: etree._Element, by_id: dict[str, etree._Element], shown: set[etree._Element]
) -> Iterator[etree._Element]:
    """The traces that a trace, a group or a view shows, without those already ``shown``."""
    todo = [element]
    while todo:
        each = todo.pop()
        if each in shown:
            continue
        shown.add(each)
        if local_name(each) == "trace":
            yield each
            continue
        target = by_id.get((each.get("traceDataRef") or "").lstrip("#"))
        todo += reversed(list(each.iterdescendants(*_DRAWN)))
        if target is not None and target not in shown:
            if each.get("from") or each.get("to"):
                raise InputError("a traceView shows a part of a trace", "export whole traces")
            todo.append(target)


def identity(element: etree._Element) -> str:
    """The id of an element: ``xml:id`` in InkML, in some files ``id``."""
    return str(element.get("id") or element.get(_XML_ID) or "")


def local_name(element: etree._Element) -> str:
    """The tag of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]
