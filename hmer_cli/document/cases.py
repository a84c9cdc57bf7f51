r"""The images of regions to be read, and the readings of regions from those of their images.

Input: regions, readings. Output: readings, where the lines beside a brace, read one by one, make
one with the environment ``cases``: \begin{cases} a \\ b \end{cases}. Single lines are recognised
more accurately than whole systems of equations.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from hmer_cli.geometry import shift
from hmer_cli.ink.render import Readable
from hmer_cli.page.regions import Region
from hmer_cli.recognition.lazy import Reader, ReadsPages
from hmer_cli.recognition.reading import EMPTY_READING, Reading, TokenReading

_BEGIN, _NEXT, _END = r"\begin{cases}", r"\\", r"\end{cases}"


def to_read(region: Region) -> list[Readable]:
    """The images to be read for a region: itself, or each of its lines."""
    return [line.seen for line in region.lines] or [region.seen]


def readings_of(pages: Sequence[Sequence[Region]], reader: Reader) -> list[Reading]:
    """The readings of the regions of these pages, one after the other, for `reading_of`."""
    images = [[image for region in page for image in to_read(region)] for page in pages]
    if not any(images):
        return []
    if isinstance(reader, ReadsPages):
        return [reading for page in reader.read_pages(images) for reading in page]
    return reader.read([image for page in images for image in page])


def reading_of(region: Region, readings: Iterator[Reading]) -> Reading:
    """The region's reading of those of its images, which come next.

    The confidence is the product of those of the lines, since all have to be right. Lines that
    nothing was read of are left out; see `unread_line`.
    """
    if not region.lines:
        return next(readings)
    read = [(line, next(readings)) for line in region.lines]
    read = [(line, reading) for line, reading in read if reading.label]
    if not read:
        return EMPTY_READING
    sure = math.prod(reading.confidence for _, reading in read)
    height, width = region.image.shape
    brace = (0.0, 0.0, float(width), float(height))
    tokens = [TokenReading(_BEGIN, sure, brace)]
    for line, reading in read:
        if len(tokens) > 1:
            tokens.append(TokenReading(_NEXT, sure, brace))
        left, top = line.origin[0] - region.origin[0], line.origin[1] - region.origin[1]
        for token in reading.tokens:
            box = shift(token.box, left, top)
            tokens.append(TokenReading(token.token, token.confidence, box))
    tokens.append(TokenReading(_END, sure, brace))
    label = f" {_NEXT} ".join(reading.label for _, reading in read)
    return Reading(f"{_BEGIN} {label} {_END}", sure, tuple(tokens))


def unread_line(region: Region, reading: Reading) -> str:
    """Why the reading of lines beside a brace is doubtful; empty where all of them were read."""
    rows, depth = 1, 1
    for token in reading.label.partition(_BEGIN)[2].split():
        depth += token.startswith(r"\begin") - token.startswith(r"\end")
        rows += depth == 1 and token == _NEXT
    return "a line of it was not read" if reading.label and rows < len(region.lines) else ""
