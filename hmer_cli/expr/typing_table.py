"""The tables of `hmer_cli.expr` as JSON data, for the LaTeX preview in review pages.

Output: a dictionary that ``templates/mathml.js`` and ``sound.js`` read.
"""

from __future__ import annotations

from typing import Any

from hmer_cli.expr import typed_commands
from hmer_cli.expr.commands import (
    COVERS,
    FONTS,
    GRIDS,
    INTEGRALS,
    OPERATORS,
    PLACERS,
    STACKING,
    STACKS,
)
from hmer_cli.expr.faces import FACED, INSTEAD, MISPRINTED, MISPRINTED_TO_END
from hmer_cli.expr.glyphs import (
    ACCENTS,
    BIG,
    BRACES,
    CLOSING,
    GLYPHS,
    OPENING,
    RAISING,
    UNDER,
    WIDE,
)
from hmer_cli.expr.lexer import WORDS
from hmer_cli.expr.parser import MAX_DEPTH
from hmer_cli.expr.spellings import (
    ALIGNED,
    ENVIRONMENTS,
    FENCES,
    SCRIPT_RUN,
    SILENT,
    SYNONYMS,
    UNICODE,
    UPRIGHT,
)
from hmer_cli.expr.to_mathml import FENCES as BRACKETS
from hmer_cli.expr.to_mathml import SIGNED, TALL, TIGHT
from hmer_cli.expr.typed import BLANKS, MAX_TOKENS, UNSEEN
from hmer_cli.expr.typed import MAX_DEPTH as TYPED_DEPTH


def typing_table() -> dict[str, Any]:
    """The ``grammar`` of ``templates/mathml.js`` and, under ``typed``, of ``templates/sound.js``;
    deterministic, serialisable as JSON."""
    sets = {
        "stacks": STACKS,
        "operators": OPERATORS,
        "stacking": STACKING - INTEGRALS,
        "integrals": INTEGRALS,
        "covers": COVERS,
        "fonts": FONTS,
        "placers": PLACERS,
        "silent": SILENT,
        "sizes": FENCES,
        "upright": UPRIGHT,
        "tall": TALL,
        "tight": TIGHT,
        "signed": SIGNED,
        "big": BIG,
        "raising": RAISING,
        "opening": OPENING,
        "closing": CLOSING,
        "under": UNDER,
        "braces": BRACES,
        "wide": WIDE,
        "grids": GRIDS,
        "words": WORDS,
    }
    return {
        **{name: sorted(members) for name, members in sets.items()},
        "glyphs": {token: [*glyph] for token, glyph in sorted(GLYPHS.items())},
        "accents": ACCENTS,
        "fences": BRACKETS,
        "environments": ENVIRONMENTS | dict.fromkeys(ALIGNED, "aligned"),
        "synonyms": SYNONYMS | UNICODE,
        "scripts": SCRIPT_RUN,
        "depth": MAX_DEPTH,
        "typed": _typed(),
    }


def _typed() -> dict[str, Any]:
    """What may be typed."""
    names = """STARRED ONCE LIMITED SCRIPTS BARE DELIMITERS TEXT LETTERS INKLESS HIDING
        POSITIONED""".split()
    tables = ("COMMANDS", "NUMBERING", "ENVIRONMENTS", "DISPLAYS", "REPLACED")
    return {
        **{name.lower(): sorted(getattr(typed_commands, name)) for name in names},
        **{name.lower(): dict(sorted(getattr(typed_commands, name).items())) for name in tables},
        "misprinted": {
            font: sorted(signs) for font, signs in (MISPRINTED | MISPRINTED_TO_END).items()
        },
        "switches": sorted(MISPRINTED_TO_END),
        "faced": FACED,
        "instead": INSTEAD,
        "script_run": SCRIPT_RUN,
        "glue": typed_commands.GLUE,
        "blanks": BLANKS,
        "unseen": UNSEEN,
        "depth": TYPED_DEPTH,
        "most": MAX_TOKENS,
    }
