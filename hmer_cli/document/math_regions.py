"""What is found on a page before its formulas are read: regions of mathematics, words, drawings.

Input: regions, with each what was found out about it. Output: `MathRegions`, one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from hmer_cli.document.records import Drawing, Surroundings, TextWord
from hmer_cli.geometry import Box
from hmer_cli.page.regions import Region


@dataclass(frozen=True)
class MathRegions:
    """The regions in reading order; with each, what it says if it is words, how ``sure`` these are
    (0 to 1), and whether it was ``added`` to those that the search found. ``upright``: it lies as
    it should, as words are read, it is print, or nothing. ``doubts`` say what speaks against where
    each ends. ``text`` are the words in none of them, ``unread`` the regions of those that were not
    read, ``drawings`` what is no writing, where they are asked for. ``too_pale`` are the boxes of
    signs that were left out for that, in pixels of the source. ``surroundings`` are those of each
    region, None or nothing at all where they are not known.
    """

    regions: tuple[Region, ...] = ()
    words: tuple[str, ...] = ()
    sure: tuple[float, ...] = ()
    added: tuple[bool, ...] = ()
    upright: bool = False
    text: tuple[TextWord, ...] = ()
    unread: tuple[Region, ...] = ()
    drawings: tuple[Drawing, ...] = ()
    doubts: tuple[str, ...] = ()
    too_pale: tuple[Box, ...] = ()
    surroundings: tuple[Surroundings | None, ...] = ()

    @classmethod
    def of(cls, regions: Sequence[Region]) -> MathRegions:
        """Regions as they were found."""
        count = len(regions)
        none = ("",) * count
        return cls(
            tuple(regions),
            none,
            (0.0,) * count,
            (False,) * count,
            doubts=none,
            surroundings=(None,) * count,
        )

    def __iter__(self) -> Iterator[tuple[Region, str, float, bool, str]]:
        return zip(self.regions, self.words, self.sure, self.added, self.doubts, strict=True)

    @property
    def about(self) -> tuple[Surroundings | None, ...]:
        """The surroundings of each region."""
        return self.surroundings or (None,) * len(self.regions)


NO_REGIONS = MathRegions()


def together(bands: Sequence[MathRegions]) -> MathRegions:
    """What the bands of a page hold, their lines of text numbered one after the other."""
    said: list[TextWord] = []
    for band in bands:
        first = 1 + max((word.line for word in said), default=-1)
        said += [replace(word, line=word.line + first) for word in band.text]
    return MathRegions(
        tuple(region for band in bands for region in band.regions),
        tuple(words for band in bands for words in band.words),
        tuple(sure for band in bands for sure in band.sure),
        tuple(added for band in bands for added in band.added),
        any(band.upright for band in bands),
        tuple(said),
        tuple(region for band in bands for region in band.unread),
        tuple(drawing for band in bands for drawing in band.drawings),
        tuple(doubt for band in bands for doubt in band.doubts),
        surroundings=tuple(each for band in bands for each in band.about),
    )
