"""Gallery: pictures of handwriting with their labels -> one self-contained HTML file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

_ENVIRONMENT = Environment(
    loader=PackageLoader("hmer_cli.synthesis"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


@dataclass(frozen=True)
class Card:
    """One picture, an SVG or an ``img`` element, under its name, with the label it shows."""

    name: str
    picture: str
    label: str


def gallery(title: str, cards: Iterable[Card], total: int, tall: bool = False) -> str:
    """The HTML page; ``total`` pictures there are, of which ``cards`` are shown."""
    shown = [(card.name, Markup(card.picture), card.label) for card in cards]
    template = _ENVIRONMENT.get_template("gallery.html.j2")
    return template.render(
        title=title, cards=shown, total=total, height="60rem" if tall else "11rem"
    )


def image(data: str, alt: str) -> str:
    """An ``img`` element with its PNG in it, given as base64."""
    return f'<img alt="{escape(alt)}" src="data:image/png;base64,{data}">'
