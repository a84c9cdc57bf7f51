"""Pictures with their labels as one self-contained HTML page."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass

_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ margin: 2rem; font: 15px/1.4 system-ui, sans-serif; background: #f4f2ee; color: #222; }}
h1 {{ font-size: 1.3rem; font-weight: 600; }}
main {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1rem; }}
figure {{ margin: 0; display: flex; flex-direction: column; background: #fff;
  border-radius: 4px; box-shadow: 0 1px 3px #0003; }}
figure > div {{ flex: 1; display: flex; align-items: center; justify-content: center;
  padding: 1rem; }}
svg, img {{ max-width: 100%; max-height: {height}; width: auto; height: auto; }}
figcaption {{ padding: .5rem 1rem; border-top: 1px solid #eee; overflow-wrap: anywhere; }}
figcaption b {{ font-weight: 600; margin-right: .6em; }}
code {{ font-size: .85em; }}
</style>
</head>
<body>
<h1>{title}</h1>
<main>
"""


@dataclass(frozen=True)
class Card:
    """One picture, an SVG or an ``img`` element, under its name, with the label it shows."""

    name: str
    picture: str
    label: str


def gallery(title: str, cards: Iterable[Card], total: int, tall: bool = False) -> str:
    """The HTML page; ``total`` pictures there are, of which ``cards`` are shown."""
    figures = [_figure(card) for card in cards]
    note = "" if len(figures) == total else f"<p>The first {len(figures)} of {total}.</p>\n"
    head = _HEAD.format(title=html.escape(title), height="60rem" if tall else "11rem")
    return "".join([head, *figures, "</main>\n", note, "</body>\n</html>\n"])


def image(data: str, alt: str) -> str:
    """An ``img`` element with its PNG in it, given as base64."""
    return f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{data}">'


def _figure(card: Card) -> str:
    label = f"<code>{html.escape(card.label)}</code>" if card.label else ""
    return (
        f"<figure><div>{card.picture}</div>"
        f"<figcaption><b>{html.escape(card.name)}</b>{label}</figcaption></figure>\n"
    )
