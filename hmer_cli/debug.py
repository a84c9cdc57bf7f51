"""What hmer saw: each page as it was cleaned, with the regions found on it, as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2

from hmer_cli import files
from hmer_cli.page.open import Page
from hmer_cli.page.regions import Region

_BLUE = (200, 80, 0)  # as OpenCV has it: blue, green, red


def save_page(
    folder: Path, names: Mapping[str, str], page: Page, regions: Sequence[Region]
) -> None:
    """Write ``NAME-pN.png`` into the folder; ``names`` are of the sources. Raises OutputError."""
    picture = cv2.cvtColor(page.image, cv2.COLOR_GRAY2BGR)
    pen = max(1, max(page.image.shape) // 800)
    for region in regions:
        (left, top), (height, width) = region.origin, region.image.shape
        cv2.rectangle(picture, (left, top), (left + width, top + height), _BLUE, pen)
    data = cv2.imencode(".png", picture)[1].tobytes()
    files.replace(folder / f"{names[page.source]}-p{page.number}.png", data)
