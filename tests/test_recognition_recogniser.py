"""The shipped recogniser: what it promises of every reading, and that its LaTeX compiles."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hmer_cli.datasets.expressions import Sample, open_dataset
from hmer_cli.errors import MissingError, UsageError
from hmer_cli.expr.validity import problems
from hmer_cli.ink.ink import Ink
from hmer_cli.ink.inkml import read_inkml
from hmer_cli.ink.render import Readable, legible_ink_image
from hmer_cli.metrics.calibration import expected_calibration_error
from hmer_cli.models.registry import resolve
from hmer_cli.recognition.charset import CHARSETS
from hmer_cli.recognition.reading import EMPTY_READING
from hmer_cli.recognition.recogniser import Recogniser

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture(scope="module")
def recogniser() -> Recogniser:
    return Recogniser.load()


@pytest.fixture(scope="module")
def inks() -> list[Ink]:
    files = sorted(EXAMPLES.glob("*.inkml"))
    return [read_inkml(path.read_bytes(), path.stem) for path in files]


def test_examples_are_read_right_to_most_of_their_tokens(
    recogniser: Recogniser, inks: list[Ink]
) -> None:
    import jiwer

    truths = [ink.label or "" for ink in inks]
    assert len(truths) >= 5
    written = [legible_ink_image(ink) for ink in inks]
    for shown in written, [each.image for each in written]:
        read = [reading.label for reading in recogniser.read(shown)]
        assert jiwer.wer(truths, read) < 0.35


def test_every_reading_is_valid_latex_with_a_confidence_and_places(
    recogniser: Recogniser, inks: list[Ink]
) -> None:
    for ink in inks:
        written = legible_ink_image(ink)
        (reading,) = recogniser.read([written])
        assert problems(reading.label) == []
        assert 0 < reading.confidence < 1
        assert [token.token for token in reading.tokens] == reading.label.split()
        chances = [reading.confidence, *(other.confidence for other in reading.alternatives)]
        assert chances == sorted(chances, reverse=True) and sum(chances) <= 1
        labels = {reading.label, *(other.label for other in reading.alternatives)}
        assert 1 < len(labels) == len(chances) <= 5
        assert not any(problems(label) for label in labels)
        height, width = written.image.shape
        for token in reading.tokens:
            x0, y0, x1, y1 = token.box
            assert 0 <= token.confidence <= 1
            assert 0 < (x0 + x1) / 2 < width
            assert 0 < (y0 + y1) / 2 < height


def test_what_an_image_gives_does_not_depend_on_the_others(
    recogniser: Recogniser, inks: list[Ink]
) -> None:
    images = [legible_ink_image(ink) for ink in inks]
    together = recogniser.read(images)
    assert recogniser.read(images[::-1]) == together[::-1]
    assert [recogniser.read([image])[0] for image in images] == together


def test_expressions_of_one_page_are_read_with_each_others_symbols(
    recogniser: Recogniser, inks: list[Ink]
) -> None:
    images = [legible_ink_image(ink) for ink in inks]
    alone = recogniser.read(images)
    assert recogniser.read_pages([[image] for image in images]) == [[each] for each in alone]
    pages = recogniser.read_pages([[], [image for image in images for _ in range(3)]])
    assert pages[0] == []
    surer = [
        thrice.confidence - once.confidence
        for once, thrice in zip(alone, pages[1][::3], strict=True)
        if once.label == thrice.label
    ]
    assert len(surer) >= len(alone) - 1 and sum(surer) > 0


def test_paper_without_ink_gives_nothing(recogniser: Recogniser) -> None:
    blank = np.full((100, 200), 255, np.uint8)
    assert recogniser.read([blank]) == [EMPTY_READING]
    assert recogniser.read([]) == []
    assert recogniser.read_pages([[blank, blank], []]) == [[EMPTY_READING] * 2, []]


def test_what_the_strokes_say_changes_what_is_read(recogniser: Recogniser, inks: list[Ink]) -> None:
    written = [legible_ink_image(ink) for ink in inks]
    from_ink, from_images = (
        [reading.confidence for reading in recogniser.read(shown)]
        for shown in (written, [each.image for each in written])
    )
    assert all(a != b for a, b in zip(from_ink, from_images, strict=True))


def test_ink_and_images_have_each_their_own_calibration(
    recogniser: Recogniser, inks: list[Ink], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recogniser, "_calibration", {"ink": (0, 0, 2), "image": (0, 0, -2)})
    written = legible_ink_image(inks[0])
    shown = [written, written.image]
    for readings in recogniser.read(shown), *recogniser.read_pages([shown]):
        assert [each.confidence for each in readings] == pytest.approx([0.881, 0.119], abs=1e-3)


def test_ink_of_very_many_strokes_is_read_by_its_image(recogniser: Recogniser) -> None:
    dots = [
        np.array([(12 * (i % 30), 12 * (i // 30)), (12 * (i % 30) + 8, 12 * (i // 30))])
        for i in range(300)
    ]
    (reading,) = recogniser.read(
        [legible_ink_image(Ink(tuple(d.astype(np.float32) for d in dots)))]
    )
    assert problems(reading.label) == []


def test_a_file_that_holds_no_weights_is_refused(tmp_path: Path) -> None:
    (tmp_path / "wrong.onnx").write_bytes(b"no weights")
    with pytest.raises(MissingError, match="holds no recogniser"):
        Recogniser.load(str(tmp_path / "wrong.onnx"))
    with pytest.raises(MissingError, match="holds no recogniser"):
        Recogniser.load("hmer-lines-3")


@pytest.mark.parametrize("part", ['"tokens"', "hmer.graph.look", "hmer.graph2.say"])
def test_damaged_weights_are_missing_weights(part: str, tmp_path: Path) -> None:
    """No byte of the file can make it a bug: one of the metadata, or of a packed model, is lost."""
    weights = resolve(None)
    data = bytearray(weights.read_bytes())
    at = data.index(part.encode())
    at += 2 if part.startswith('"') else len(part) + 3000
    data[at] ^= 1
    path = tmp_path / "damaged.onnx"
    path.write_bytes(data)
    image = np.full((60, 160), 255, np.uint8)
    image[20:40, 20:24] = image[28:31, 60:90] = image[14:17, 110:130] = image[14:44, 120:123] = 0
    with pytest.raises(MissingError, match=r"holds no recogniser|damaged"):
        Recogniser.load(str(path)).read([image])


@pytest.mark.data
@pytest.mark.tex
@pytest.mark.slow
@pytest.mark.parametrize("way", [Sample.readable, Sample.image])
def test_every_reading_of_the_2014_test_compiles(
    way: Callable[[Sample], Readable],
    recogniser: Recogniser,
    data_file: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    samples = open_dataset(str(data_file("crohme.zip")), "test2014")
    labels = [reading.label for reading in recogniser.read([way(sample) for sample in samples])]
    assert len(labels) == 986
    assert all(labels)
    body = "\n".join(rf"\[ {label} \]" for label in labels)
    preamble = "\\documentclass{article}\\usepackage{amsmath,amssymb}\\begin{document}\n"
    (tmp_path / "all.tex").write_text(preamble + body + "\n\\end{document}\n")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    made = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout[-2000:]


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("rescoring", [True, False])
def test_confidence_is_the_share_of_right_answers(
    rescoring: bool, data_file: Callable[[str], Path]
) -> None:
    samples = open_dataset(str(data_file("crohme.zip")), "test2014", 400)
    readings = Recogniser.load(rescoring=rescoring).read([sample.readable() for sample in samples])
    right = [reading.label == s.label for reading, s in zip(readings, samples, strict=True)]
    assert expected_calibration_error([r.confidence for r in readings], right) < 0.1


def test_answers_keep_to_the_charset(inks: list[Ink], tmp_path: Path) -> None:
    kept = r"0 1 2 3 4 5 6 7 8 9 + - = \frac { } ^ _".split()
    file = tmp_path / "sums.txt"
    file.write_text("\n".join(kept), encoding="utf-8")
    images = [legible_ink_image(ink) for ink in inks]
    read = Recogniser.load(charset=str(file)).read(images)
    assert any(reading.label for reading in read)
    assert {token for reading in read for token in reading.label.split()} <= set(kept)


def test_the_charset_of_crohme_holds_what_its_writers_wrote(data: Path) -> None:
    samples = open_dataset(str(data / "crohme.zip"), "train")
    assert {token for sample in samples for token in sample.label.split()} == CHARSETS["crohme"]


def test_a_charset_that_is_not_there_is_told() -> None:
    with pytest.raises(UsageError, match=r"no charset 'klingon'.*crohme"):
        Recogniser.load(charset="klingon")


@pytest.mark.parametrize(
    ("text", "told"), [("x\n\\fraq\n", r"\\fraq: no tokens of labels"), ("x y\n", "line 1")]
)
def test_what_is_no_token_of_a_charset_is_told(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "mine.txt"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=told):
        Recogniser.load(charset=str(file))
