"""Which channel of a trace is X and which is Y: trace formats and contexts of InkML."""

from __future__ import annotations

from lxml import etree

from hmer_cli.ink.traces import Channels

_XML_ID = "{http://www.w3.org/XML/1998/namespace}id"


class Formats:
    """The trace formats of one InkML document, by the traces they hold for.

    A trace follows its ``contextRef``, else that of a trace group around it, else the document's
    only format wherever that stands, else the last one set before it (InkML 4.1 and 6.3), else
    X Y in this order.
    """

    def __init__(self, root: etree._Element) -> None:
        found = list(root.iter("{*}traceFormat"))
        self._by_id: dict[str, Channels] = {}
        self._current: dict[etree._Element, Channels] = {}
        self._default = _channels(found[0]) if len(found) == 1 else None
        if len(found) > 1:
            self._collect(root)

    def channels(self, trace: etree._Element) -> Channels:
        """The channels of one trace."""
        if self._default is not None:
            return self._default
        if not self._by_id and not self._current:
            return Channels()
        for element in (trace, *trace.iterancestors("{*}traceGroup")):
            reference = (element.get("contextRef") or "").lstrip("#")
            if reference in self._by_id:
                return self._by_id[reference]
        return self._current.get(trace, Channels())

    def _collect(self, root: etree._Element) -> None:
        current = Channels()
        for element in root.iter("{*}traceFormat", "{*}inkSource", "{*}context", "{*}trace"):
            tag = local_name(element)
            if tag == "trace":
                self._current[element] = current
                continue
            channels = self._of(element, tag)
            if channels is None:
                continue
            key = identity(element)
            if key:
                self._by_id[key] = channels
            if element.getparent() is root:
                current = channels

    def _of(self, element: etree._Element, tag: str) -> Channels | None:
        """The channels that a format, ink source or context sets; None where it sets none."""
        if tag == "traceFormat":
            return _channels(element)
        inside = next(element.iter("{*}traceFormat"), None)
        if inside is not None:
            return _channels(inside)
        for attribute in ("traceFormatRef", "inkSourceRef", "contextRef"):
            reference = (element.get(attribute) or "").lstrip("#")
            if reference in self._by_id:
                return self._by_id[reference]
        return None


def _channels(form: etree._Element) -> Channels:
    """X and Y among the channels of one format; the intermittent ones come last, as in the data."""
    names: dict[str, int] = {}
    signs: dict[str, int] = {}
    for position, channel in enumerate(form.iter("{*}channel")):
        name = (channel.get("name") or "").upper()
        names.setdefault(name, position)
        signs.setdefault(name, -1 if channel.get("orientation") == "-ve" else 1)
    if "X" not in names or "Y" not in names:
        return Channels()
    return Channels(names["X"], names["Y"], signs["X"], signs["Y"])


def identity(element: etree._Element) -> str:
    """The id of an element, which InkML calls ``xml:id`` and files in the wild also ``id``."""
    return str(element.get("id") or element.get(_XML_ID) or "")


def local_name(element: etree._Element) -> str:
    """The tag of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]
