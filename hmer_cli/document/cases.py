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
    """The images to be read for a region: itself, or what is before its brace and each line."""
    return [each.seen for each in _pieces(region)] or [region.seen]


def _pieces(region: Region) -> list[Region]:
    """What is read by itself of a system: before its brace, if anything is, and its lines."""
    return [*([region.before] if region.before is not None else []), *region.lines]


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

    The confidence is the product of those of all that was read, since all have to be right. Pieces
    that nothing was read of are left out; see `unread_line`. There are no tokens where those of a
    piece are not known.
    """
    if not region.lines:
        return next(readings)
    both = [(piece, next(readings)) for piece in _pieces(region)]
    read = [(piece, reading) for piece, reading in both if reading.label]
    before = [each for each in read if each[0] is region.before]
    lines = [each for each in read if each[0] is not region.before]
    if not lines:
        return EMPTY_READING
    sure = math.prod(reading.confidence for _, reading in read)
    height, width = region.image.shape
    brace = (0.0, 0.0, float(width), float(height))
    tokens: list[TokenReading] = []
    for each, reading in before:
        tokens += _placed(each, reading, region)
    for line, reading in lines:
        tokens.append(TokenReading(_BEGIN if line is lines[0][0] else _NEXT, sure, brace))
        tokens += _placed(line, reading, region)
    tokens.append(TokenReading(_END, sure, brace))
    label = f" {_NEXT} ".join(reading.label for _, reading in lines)
    parts = [*(reading.label for _, reading in before), f"{_BEGIN} {label} {_END}"]
    placed = all(reading.tokens for _, reading in read)
    return Reading(" ".join(parts), sure, tuple(tokens) if placed else ())


def _placed(piece: Region, reading: Reading, region: Region) -> Iterator[TokenReading]:
    """The tokens of a piece, with their boxes in the region that it is of."""
    left, top = piece.origin[0] - region.origin[0], piece.origin[1] - region.origin[1]
    for token in reading.tokens:
        yield TokenReading(token.token, token.confidence, shift(token.box, left, top))


def unread_line(region: Region, reading: Reading) -> str:
    """Why the reading of lines beside a brace is doubtful; empty where all of them were read."""
    if not region.lines or not reading.label:
        return ""
    before, _, after = reading.label.partition(_BEGIN)
    rows, depth = 1, 1
    for token in after.split():
        depth += token.startswith(r"\begin") - token.startswith(r"\end")
        rows += depth == 1 and token == _NEXT
    whole = rows == len(region.lines) and (region.before is None or before)
    return "" if whole else "a line of it was not read"
