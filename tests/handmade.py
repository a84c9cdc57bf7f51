"""What the tests of convert work on: handwriting drawn here, files made of it, a reader of it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hmer_cli.data.captions import Captions, read_ink
from hmer_cli.data.store import open_store
from hmer_cli.errors import InputError
from hmer_cli.ink.ink import Ink
from hmer_cli.ink.render import Readable, image_of
from hmer_cli.page.load.pages import Page, PageRange, open_sheets
from hmer_cli.page.load.sources import find_sources
from hmer_cli.recognition.reading import Reading

Pixels = NDArray[np.uint8]

INKML = """<ink xmlns="http://www.w3.org/2003/InkML">
<trace id="0">0 0, 10 20, 20 40</trace><trace id="1">20 0, 0 40</trace></ink>"""

EARLIER = "% Handwritten expressions read by hmer 0.2.0 (hmer-wide-9).\n"
"""The beginning of an output of an earlier run, which may be replaced."""

NO_PAGES = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj
xref
0 3
0000000000 65535 f\x20
0000000009 00000 n\x20
0000000052 00000 n\x20
trailer<</Size 3/Root 1 0 R>>
startxref
96
%%EOF
"""

# Made by pypdf 7.1: one blank page of 72 x 72 points, user password "secret", RC4 of 128 bits.
ENCRYPTED = Path(__file__).parent / "fixtures" / "encrypted.pdf"


EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def example_image(name: str) -> Pixels:
    """The image of one of the examples, dark ink on white."""
    image = cv2.imread(str(EXAMPLES / f"{name}.png"), cv2.IMREAD_GRAYSCALE)
    assert image is not None
    return np.asarray(image, np.uint8)


def cross(height: int = 120, width: int = 160) -> Pixels:
    """An x of two pen strokes in the middle of a white page."""
    page = np.full((height, width), 255, np.uint8)
    for x0, x1 in ((40, 80), (80, 40)):
        cv2.line(page, (x0, 30), (x1, 90), 0, 3, cv2.LINE_AA)
    return page


CROSS_BOX = (38, 28, 83, 93)
"""Where the strokes of ``cross`` lie, give or take the pen: x0, y0, x1, y1."""


def encoded(pixels: Pixels, kind: str = "PNG", mode: str = "L", **options: object) -> bytes:
    """The bytes of an image file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def paged(pages: Sequence[Pixels], kind: str = "PDF") -> bytes:
    """The bytes of a PDF or TIFF of several pages."""
    first, *others = [Image.fromarray(page) for page in pages]
    buffer = io.BytesIO()
    first.save(buffer, kind, save_all=True, append_images=others)
    return buffer.getvalue()


class FakeRecogniser:
    """Reads the same label in every image, and remembers how many it was shown at a time."""

    model = "fake-1"

    def __init__(self, label: str = "x ^ { 2 }", confidence: float = 0.9) -> None:
        self.label = label
        self.confidence = confidence
        self.batches: list[int] = []

    def read(self, images: Sequence[Readable]) -> list[Reading]:
        self.batches.append(len(images))
        shown = [image_of(image) for image in images]
        assert all(image.dtype == np.uint8 and image.ndim == 2 for image in shown)
        return [Reading(self.label, self.confidence) for _ in images]

    def certainty(self, images: Sequence[Readable]) -> list[float]:
        return [0.0 for _ in images]


def inks_of(
    path: Path, label: bool = True, report: Callable[[InputError], None] | None = None
) -> list[Ink]:
    """Every ink of a folder, zip archive or file; with ``report``, bad files are passed over."""
    store = open_store(path)
    captions, found = Captions(store), []
    for name in store.inks():
        try:
            found.append(read_ink(store, name, captions, label))
        except InputError as error:
            if report is None:
                raise
            report(error)
    return found


def open_pages(path: str | Path, pages: PageRange | None = None) -> Iterator[Page]:
    """Every page of a file, folder, glob, zip or ``-``. Raises InputError at a bad one."""
    for source in find_sources([str(path)]):
        for sheet in open_sheets(source, pages):
            yield sheet.draw()
