"""What hmer eval measures is what hmer convert does: the same images give the same answers."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from handmade import INKML
from numpy.typing import NDArray

from hmer_cli.commands import eval as verb
from hmer_cli.commands.convert import convert
from hmer_cli.datasets.pages import open_any
from hmer_cli.ink.render import Readable, image_of
from hmer_cli.metrics.evaluation import Evaluation
from hmer_cli.recognition.reading import Reading
from hmer_cli.synthesis.engine import InkEngine

Image = NDArray[np.uint8]


class Fingerprint:
    """Reads the very pixels: any difference in what it is shown is one in what it says."""

    model = "fingerprint"

    def read(self, images: Sequence[Readable]) -> list[Reading]:
        return [Reading(f"x _ {{ {' '.join(str(self._sum(i)))} }}", 0.9) for i in images]

    def _sum(self, image: Readable) -> int:
        pixels = image_of(image).astype(np.int64)
        return int((pixels * np.arange(1, pixels.size + 1).reshape(pixels.shape)).sum()) % 10**12


def written() -> Image:
    label = r"\frac { a + b } { 2 } = \sqrt { x ^ { 2 } - 1 }"
    image = InkEngine().write(label, 7, np.random.default_rng(7)).image
    return np.pad(image, 60, constant_values=255)


def shaded(image: Image) -> Image:
    fall = np.linspace(0.9, 0.45, image.shape[1])
    return (image * fall).astype(np.uint8)


def sloped(image: Image) -> Image:
    height, width = image.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 4, 1)
    return np.asarray(cv2.warpAffine(image, turn, (width, height), borderValue=(255,)), np.uint8)


def punched(image: Image) -> Image:
    image = image.copy()
    for y in (20, image.shape[0] - 20):
        cv2.circle(image, (12, y), 9, (0,), -1)
    return image


KINDS: dict[str, Callable[[Image], Image]] = {
    "plain": lambda image: image,
    "shaded": shaded,
    "sloped": sloped,
    "punched": punched,
    "all": lambda image: shaded(punched(sloped(image))),
    "white-on-black": lambda image: 255 - image,
    "empty": lambda image: np.full_like(image, 255),
}


def answers(folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """What eval reads in each file, and what convert does."""
    found = verb.evaluate(open_any(str(folder)), Fingerprint())  # type: ignore[arg-type]
    assert isinstance(found, Evaluation)
    files = sorted(str(path) for path in folder.rglob("*") if path.suffix != ".txt")
    records = convert(files, (), layout="expression", recogniser=Fingerprint())
    return (
        {outcome.name: outcome.reading.label for outcome in found.outcomes},
        {Path(record.source).stem: record.label for record in records},
    )


def test_eval_reads_what_convert_reads(tmp_path: Path) -> None:
    for name, change in KINDS.items():
        cv2.imwrite(str(tmp_path / f"{name}.png"), change(written()))
    captions = "".join(f"{name}\tx\n" for name in KINDS)
    (tmp_path / "caption.txt").write_text(captions)
    scored, converted = answers(tmp_path)
    assert scored == converted
    assert scored["plain"] == scored["white-on-black"]
    assert len(set(scored.values())) == len(KINDS) - 1
    assert not scored["empty"]


def test_eval_reads_ink_as_convert_does(tmp_path: Path) -> None:
    (tmp_path / "ink.inkml").write_text(INKML)
    (tmp_path / "caption.txt").write_text("ink\tx\n")
    scored, converted = answers(tmp_path)
    assert scored == converted
    assert scored["ink"]


@pytest.mark.data
def test_scans_are_scored_as_they_are_converted(
    data_file: Callable[[str], Path], tmp_path: Path
) -> None:
    with zipfile.ZipFile(data_file("scan-crops.zip")) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))[:40]
        for name in names:
            (tmp_path / Path(name).name).write_bytes(archive.read(name))
        (caption,) = (name for name in archive.namelist() if name.endswith("caption.txt"))
        (tmp_path / "caption.txt").write_bytes(archive.read(caption))
    scored, converted = answers(tmp_path)
    there = {name: scored[name] for name in converted}
    assert len(there) == 40
    assert there == converted
