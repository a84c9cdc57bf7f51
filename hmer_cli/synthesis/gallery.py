"""Galleries: pictures of handwriting with their labels, as one self-contained HTML file.

Input: `Card` objects. Output: HTML, rendered from ``templates/gallery.html.j2``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup, escape

from hmer_cli.html import render_page


@dataclass(frozen=True)
class Card:
    """One picture, an SVG or an ``img`` element, under its name, with the label it shows."""

    name: str
    picture: str
    label: str


def gallery(title: str, cards: Iterable[Card], total: int, tall: bool = False) -> str:
    """The HTML page; ``total`` pictures there are, of which ``cards`` are shown."""
    shown = [(card.name, Markup(card.picture), card.label) for card in cards]
    height = "60rem" if tall else "11rem"
    return render_page(
        "synthesis", "gallery.html.j2", title=title, cards=shown, total=total, height=height
    )


def image(data: str, alt: str) -> str:
    """An ``img`` element with its PNG in it, given as base64."""
    return f'<img alt="{escape(alt)}" src="data:image/png;base64,{data}">'
