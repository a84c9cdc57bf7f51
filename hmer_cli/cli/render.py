"""``hmer render``: options and help.

The work is done by `hmer_cli.commands.render`, which is imported when the command is called.
"""

from __future__ import annotations

from typing import Annotated

import typer

from hmer_cli.cli.shared import ForceOption, end


def render(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT", help="InkML files, folders or zip archives.", show_default=False
        ),
    ],
    out: Annotated[
        str, typer.Option("--out", "-o", metavar="DIR", help="Where the images and labels go.")
    ],
    size: Annotated[
        int | None,
        typer.Option(metavar="PIXELS", help="Longer side; as is legible if unset."),
    ] = None,
    padding: Annotated[int, typer.Option(metavar="PIXELS", help="White around the ink.")] = 8,
    pen: Annotated[float, typer.Option(metavar="PIXELS", help="Width of the line.")] = 2.0,
    force: ForceOption = False,
) -> None:
    """Draw InkML as PNG images, with their labels in caption.txt."""
    from hmer_cli.commands import render as verb

    rendered = verb.render_inputs(inputs, out, size=size, padding=padding, pen=pen, force=force)
    end(verb.outcome(rendered))
