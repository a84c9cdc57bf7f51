r"""Typed LaTeX -> the same as it can stand in a formula, beside others and in a line of text.

Input: LaTeX that `typed.check` lets through. Output: LaTeX. An environment that is a display of its
own, such as ``align``, becomes one that stands in a formula and has no numbers; what reaches to the
end of its group, such as ``\over``, gets a group of its own.
"""

from __future__ import annotations

import re

from hmer_cli.expr.spellings import INFIX, SWITCHES

_INNER = {"align": "aligned", "gather": "gathered", "multline": "gathered", "equation": ""}
"""What stands in a formula instead of an environment that is a display of its own."""

_DISPLAY = re.compile(
    rf"\\begin\{{(?P<name>{'|'.join(_INNER)})(?P<star>\*?)\}}(?P<body>.*)\\end\{{(?P=name)(?P=star)\}}",
    re.DOTALL,
)
_NUMBERING = re.compile(
    r"\\(?:(?:nonumber|notag)(?![A-Za-z])|(?:tag\s*\*?|label)\s*\{(?:[^{}]|\{[^{}]*\})*\})"
)
_SPLIT = re.compile(r"(?<=\\begin\{)split(?=\})|(?<=\\end\{)split(?=\})")
_STYLES = (r"\displaystyle", r"\textstyle", r"\scriptstyle", r"\scriptscriptstyle")
_REACHING = re.compile(
    rf"\\(?:{'|'.join(word[1:] for word in (*INFIX, *SWITCHES, *_STYLES))})(?![A-Za-z])"
)


def is_display(latex: str) -> bool:
    """Whether it is an environment that is a display of its own."""
    return _DISPLAY.fullmatch(latex.strip()) is not None


def within(latex: str) -> str:
    """The LaTeX within a formula; ``split``, which only a display knows, is ``aligned`` there."""
    text = latex.strip()
    if found := _DISPLAY.fullmatch(text):
        inner, body = _INNER[found["name"]], _NUMBERING.sub("", found["body"]).strip()
        if inner and body.startswith("["):  # which is no sign there
            body = f"{{[}}{body[1:]}"
        text = f"\\begin{{{inner}}}{body}\\end{{{inner}}}" if inner else body
    text = _SPLIT.sub("aligned", text)
    return f"{{{text}}}" if _REACHING.search(text) else text
