"""hmer: handwritten mathematics in, LaTeX out.

::

    from hmer_cli import Converter

    converter = Converter()
    print(converter.read("formula.png").latex)
    for page in converter.pages("notes.pdf"):
        for expression in page.expressions:
            print(expression.id, expression.latex, expression.confidence)

Nothing heavy is imported before it is needed. From here on ONNX Runtime is loaded with its
telemetry off, whoever loads it.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hmer_cli.api import Alternative, ConvertedPage, Converter, Expression, Token
    from hmer_cli.errors import (
        HmerError,
        InputError,
        InternalError,
        MissingError,
        UsageError,
    )

__version__ = "0.3.0.dev0"

if "onnxruntime" not in sys.modules:  # else it is too late: `hmer_cli.models.session` refuses it
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"

_HOMES = {
    "hmer_cli.api": ("Alternative", "ConvertedPage", "Converter", "Expression", "Token"),
    "hmer_cli.errors": (
        "HmerError",
        "InputError",
        "InternalError",
        "MissingError",
        "UsageError",
    ),
}

__all__ = [
    "Alternative",
    "ConvertedPage",
    "Converter",
    "Expression",
    "HmerError",
    "InputError",
    "InternalError",
    "MissingError",
    "Token",
    "UsageError",
    "__version__",
]


if not TYPE_CHECKING:  # which would take every name for one of this module

    def __getattr__(name: str) -> Any:
        """The public names, imported when they are first asked for (PEP 562)."""
        from importlib import import_module

        for home, names in _HOMES.items():
            if name in names:
                return getattr(import_module(home), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
