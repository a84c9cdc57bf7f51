"""Records as a table of Apache Arrow, for Parquet files and Ray Data.

Input: rows as ``.jsonl`` has them. Output: a table whose columns and types are always the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hmer_cli.document.records import PUBLIC


def table(rows: Sequence[dict[str, Any]]) -> Any:
    """Rows as an Arrow table, which has the same columns and types whatever is in the rows."""
    import pyarrow as arrow

    text, number = arrow.string(), arrow.float64()
    box = arrow.list_(number)
    other = arrow.struct({"latex": text, "label": text, "confidence": number})
    token = arrow.struct({"token": text, "confidence": number, "box": box})
    kinds = {
        **dict.fromkeys(("id", "alias", "derivation"), text),
        **dict.fromkeys(PUBLIC, text),
        **{"page": arrow.int64(), "region": box, "confidence": number},
        **{"alternatives": arrow.list_(other), "tokens": arrow.list_(token)},
    }
    return arrow.Table.from_pylist(list(rows), schema=arrow.schema(list(kinds.items())))
