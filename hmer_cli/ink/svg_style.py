"""Style of SVG elements: presentation attributes < rules of style sheets < style attributes.

Input: the texts of ``<style>`` elements, and an element with the style around it. Output: its
properties. Method: the cascade of CSS 2.1 (sections 5 and 6.4) for selectors of type, class and id,
joined by spaces and ``>``; custom properties (``var()``) are replaced. Selectors of other kinds and
``@`` rules but ``@media`` of screens match nothing, and what is no length counts as not given.
Texts are split in time linear in their length.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lxml import etree

from hmer_cli.errors import InputError
from hmer_cli.ink.svg_geometry import LENGTHS, TRANSFORMS, is_valid

Style = dict[str, str]

_INHERITED = frozenset(
    "fill fill-rule stroke stroke-width stroke-opacity fill-opacity color visibility marker "
    "marker-start marker-mid marker-end".split()
)
_OWN = frozenset(
    "display opacity transform transform-origin transform-box clip-path mask mix-blend-mode".split()
)
_IN_CSS = frozenset(("d", *TRANSFORMS))  # attributes named so have another form, or meaning
_KNOWN = _INHERITED | _OWN | LENGTHS | _IN_CSS
_CUSTOM = "--"
_UNSET = ("unset", "revert", "revert-layer")
_WIDE = ("inherit", "initial", *_UNSET)

_MAX_TESTS = 20_000_000
"""Parts of selectors tried for one drawing, some seconds; what else takes as long counts as one."""
_COPIED, _READ, _REPLACED = 4, 4, 1000  # properties and characters that count as a test
_VARIABLES = 4  # tests that replacing a variable counts as
_MAX_VALUE = 1000  # characters of a value with ``var()``, and of what replaces several
_MAX_NESTED = 8  # of ``var()`` in the value of another

_PIECE = re.compile(r"[^{}]+|[{}]")
_COMPOUND = re.compile(r"(\*|[A-Za-z_][\w-]*+)?+((?:[.#][A-Za-z_-][\w-]*+|:root)*+)")
_PART = re.compile(r"[.#:][\w-]+")
_VARIABLE = re.compile(r"(?<![\w-])var\(")
_NAMED = re.compile(r"\s*+(--[\w-]++)\s*+(?:,(.*))?+", re.DOTALL)
_BRACKET = re.compile(r"[()]")
_SCREEN = re.compile(r"@media\s+(all|screen|only\s+screen)\s*$")


class _Names(NamedTuple):
    """What selectors ask of an element."""

    tag: str
    classes: frozenset[str]
    identity: str
    is_root: bool


@dataclass(frozen=True)
class _Compound:
    """``path.st0#a``: what one element must be, and whether it is the parent (``>``) of what comes
    after it or any element around it."""

    tag: str
    classes: frozenset[str]
    identity: str
    is_root: bool
    is_parent: bool = False

    def holds(self, element: _Names) -> bool:
        """Whether an element is so."""
        if self.tag and self.tag != element.tag:
            return False
        if self.identity and self.identity != element.identity:
            return False
        if self.is_root and not element.is_root:
            return False
        return self.classes <= element.classes


@dataclass(frozen=True)
class _Rule:
    """One selector, from the element outwards, with its declarations; ``weight`` orders rules."""

    selector: tuple[_Compound, ...]
    declarations: Style
    weight: tuple[int, int, int, int, int]


class StyleSheet:
    """The rules of a drawing. ``name`` is that of its file, for errors."""

    def __init__(self, texts: Sequence[str], name: str) -> None:
        self._rules: defaultdict[str, list[_Rule]] = defaultdict(list)
        self._name = name
        self._tests = self._count = 0
        self._names: dict[etree._Element, _Names] = {}
        for text in texts:
            for selectors, block in _blocks(text):
                declarations = _declarations(block)
                for selector in selectors.split(","):
                    self._add(selector, declarations)

    def style(self, element: etree._Element, around: Style) -> Style:
        """The properties of an element inside one with the style ``around``.

        Raises InputError where the rules or properties are too many to be tried.
        """
        self._spend(len(around) // _COPIED)
        found = {key: value for key, value in around.items() if _is_inherited(key)}
        text = element.get("style") or ""
        read = len(text) + len(element.get("class") or "")
        for key in _INHERITED | _OWN:
            value = element.get(key)
            if value is not None and _counts(key, value):
                found[key] = value
                read += len(value)
        self._spend(read // _READ)
        important: Style = {}
        for rule in self._rules_of(element):
            self._spend(len(rule.declarations) // _COPIED)
            (important if rule.weight[0] else found).update(rule.declarations)
        own, urgent = _declarations(text)
        found |= own | important | urgent
        return _replaced(found, around, self._spend)

    def _spend(self, tests: int) -> None:
        self._tests += tests
        if self._tests > _MAX_TESTS:
            what = f"{self._name}: too many rules of style, or properties"
            raise InputError(what, "export it without CSS")

    def _add(self, selector: str, declarations: tuple[Style, Style]) -> None:
        parsed = _selector(selector)
        if parsed is None:
            return
        own = parsed[0]
        key = (
            f"#{own.identity}" if own.identity else min((f".{c}" for c in own.classes), default="")
        )
        counts = (
            sum(bool(part.identity) for part in parsed),
            sum(len(part.classes) + part.is_root for part in parsed),
            sum(bool(part.tag) for part in parsed),
        )
        for important, declared in enumerate(declarations):
            if declared:
                self._count += 1
                rule = _Rule(parsed, declared, (important, *counts, self._count))
                self._rules[key or own.tag].append(rule)

    def _rules_of(self, element: etree._Element) -> list[_Rule]:
        """The rules of an element, the one that counts most last."""
        if not self._rules:
            return []
        names = self._names_of(element)
        keys = ["", names.tag, f"#{names.identity}", *(f".{name}" for name in names.classes)]
        tried = (rule for key in keys for rule in self._rules.get(key, ()))
        return sorted(
            (rule for rule in tried if self._holds(rule, element)), key=lambda rule: rule.weight
        )

    def _holds(self, rule: _Rule, element: etree._Element) -> bool:
        """Whether a rule is of an element."""
        own, *others = rule.selector
        if not self._is(own, element):
            return False
        around = element.getparent()
        for other in others:
            if not other.is_parent:
                while around is not None and not self._is(other, around):
                    around = around.getparent()
            if around is None or not self._is(other, around):
                return False
            around = around.getparent()
        return True

    def _is(self, compound: _Compound, element: etree._Element) -> bool:
        self._spend(1 + len(compound.classes) // _COPIED)
        return compound.holds(self._names_of(element))

    def _names_of(self, element: etree._Element) -> _Names:
        if element not in self._names:
            classes = frozenset((element.get("class") or "").split())
            is_root = element.getparent() is None
            self._names[element] = _Names(
                local_name(element), classes, element.get("id") or "", is_root
            )
        return self._names[element]


def local_name(element: etree._Element) -> str:
    """The tag of an element without its namespace; empty for comments."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _is_inherited(key: str) -> bool:
    return key in _INHERITED or key.startswith(_CUSTOM)


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    """The selectors and declarations of a style sheet."""
    before, inside, skipped = "", "", 0
    opened: list[bool] = []  # of each block around: whether it is one of screens
    for piece in _PIECE.findall(_without_comments(text)):
        if piece == "{":
            prelude = before.rpartition(";")[2].strip()
            at = prelude.startswith("@")
            opened.append(not skipped and _SCREEN.match(prelude.lower()) is not None)
            skipped += at and not opened[-1]
            inside = "" if at else prelude
            opened[-1] = opened[-1] or not at
            before = ""
        elif piece == "}":
            if inside and not skipped:
                yield inside, before
            if opened and not opened.pop():
                skipped -= 1
            before = inside = ""
        else:
            before = piece


def _without_comments(text: str) -> str:
    text = text.replace("<!--", " ").replace("-->", " ")
    parts = text.split("/*")
    return " ".join([parts[0], *(part.partition("*/")[2] for part in parts[1:])])


def _selector(text: str) -> tuple[_Compound, ...] | None:
    """The compounds of a selector, the last first; None for what is not understood."""
    found: list[_Compound] = []
    is_parent = False
    for word in text.replace(">", " > ").split():
        if word == ">":
            is_parent = True
            continue
        match = _COMPOUND.fullmatch(word)
        if match is None:
            return None
        parts = _PART.findall(match[2])
        if found:
            found[-1] = _with_parent(found[-1], is_parent)
        found.append(
            _Compound(
                "" if match[1] in (None, "*") else match[1],
                frozenset(part[1:] for part in parts if part.startswith(".")),
                next((part[1:] for part in parts if part.startswith("#")), ""),
                ":root" in parts,
            )
        )
        is_parent = False
    return tuple(reversed(found)) or None


def _with_parent(compound: _Compound, is_parent: bool) -> _Compound:
    return _Compound(compound.tag, compound.classes, compound.identity, compound.is_root, is_parent)


def _declarations(text: str) -> tuple[Style, Style]:
    """The declarations of a block that are known, and those that are important."""
    usual: Style = {}
    important: Style = {}
    for part in _without_comments(text).split(";"):
        key, _, value = part.partition(":")
        key = key.strip()
        key = key if key.startswith(_CUSTOM) else key.lower()
        value, urgent, _ = value.partition("!important")
        value = value.strip()
        if key.startswith(_CUSTOM) or (key in _KNOWN and _counts(key, value)):
            (important if urgent else usual)[key] = value
    return usual, important


def _counts(key: str, value: str) -> bool:
    """Whether a value overrides others: one that is not valid is as if it was not given (CSS 2.1,
    section 4.2)."""
    return "var(" in value or value.strip().lower() in _WIDE or is_valid(key, value)


def _replaced(style: Style, around: Style, spend: Callable[[int], None]) -> Style:
    """The style without ``var()``, ``inherit``, ``initial`` and their like."""
    spend(len(style) // _COPIED)
    found = {}
    for key, value in style.items():
        if around.get(key) is value:  # it has none, and most are inherited
            found[key] = value
            continue
        if "var(" in value:
            value = _without_variables(value, style, spend)
            if not (key.startswith(_CUSTOM) or _counts(key, value)):
                value = "unset"
        word = value.strip().lower()
        if word == "inherit" or (word in _UNSET and _is_inherited(key)):
            value = around.get(key, "")
        elif word in _WIDE:
            value = ""
        if value:
            found[key] = value
    return found


def _without_variables(value: str, style: Style, spend: Callable[[int], None]) -> str:
    """The value with those of its variables, or with what stands for them; empty where one of them
    is not given, which makes the value invalid (CSS Variables 1, section 3), or it is too long."""
    for _ in range(_MAX_NESTED):
        found: list[str] = []
        at = size = 0
        if len(value) > _MAX_VALUE and "var(" in value:
            break
        for match in _VARIABLE.finditer(value):
            if match.start() < at:
                continue  # in what stands for another
            end = _end(value, match.end())
            named = _NAMED.fullmatch(value[match.end() : end])
            known = named and (style.get(named[1]) or named[2])
            if known is None:
                return ""
            size += len(known)
            spend(_VARIABLES + len(known) // _REPLACED)
            if found and size > _MAX_VALUE:
                return ""
            found += [value[at : match.start()], known.strip()]
            at = end + 1
        if not found:
            return value
        value = "".join([*found, value[at:]])
    return ""


def _end(value: str, start: int) -> int:
    """Where the bracket is closed that was opened before ``start``: at the end, if nowhere."""
    opened = 1
    for match in _BRACKET.finditer(value, start):
        opened += 1 if match[0] == "(" else -1
        if not opened:
            return match.start()
    return len(value)
