"""Files as people hand them in, each made of our own examples: one page, one formula a line."""

from __future__ import annotations

import io
import os
import resource
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from handmade import EXAMPLES, example_image, paged
from numpy.typing import NDArray

from hmer_cli.commands.convert import convert
from hmer_cli.synthesis.engine import InkEngine

Pixels = NDArray[np.uint8]
READ = {
    "pythagoras": "a^2+b^2 = c^2",
    "limit": r"\lim_{x \rightarrow 0} \frac{\sin x}{x} = 1",
    "derivative": r"\frac{d}{dx}x^n = nx^{n-1}",
}


def sheet(names: list[str]) -> Pixels:
    """A page of A4 at 100 dpi with the examples below each other."""
    page = np.full((1169, 827), 255, np.uint8)
    for place, name in enumerate(names):
        image, top = example_image(name), 130 + 330 * place
        page[top : top + image.shape[0], 90 : 90 + image.shape[1]] = image
    return page


def read(data: bytes, folder: Path, name: str) -> list[str]:
    (folder / name).write_bytes(data)
    return [record.latex for record in convert([str(folder / name)], [])]


def png(image: Pixels) -> bytes:
    return cv2.imencode(".png", image)[1].tobytes()


def test_a_page_of_a_pdf_with_a_few_formulas_is_a_page(tmp_path: Path) -> None:
    found = read(paged([sheet(list(READ))]), tmp_path, "a.pdf")
    assert sorted(found) == sorted(READ.values())


def test_printed_head_and_page_number_of_an_exercise_are_no_formula(tmp_path: Path) -> None:
    page = sheet(["pythagoras"])
    for text, x, y in (("Name: ________  Class: ____", 80, 60), ("Exercise sheet 4", 300, 100)):
        cv2.putText(page, text, (x, y), cv2.FONT_HERSHEY_DUPLEX, 0.6, 0, 1, cv2.LINE_AA)
    cv2.putText(page, "17", (405, 1130), cv2.FONT_HERSHEY_DUPLEX, 0.6, 0, 1, cv2.LINE_AA)
    assert read(png(page), tmp_path, "a.png") == [READ["pythagoras"]]


def test_a_formula_on_a_grid_in_which_no_region_is_found_is_read_whole(tmp_path: Path) -> None:
    image = example_image("pythagoras")
    for y in range(10, image.shape[0], 30):
        cv2.line(image, (0, y), (image.shape[1], y), 205, 1)
    for x in range(10, image.shape[1], 30):
        column = image[:, x]
        image[:, x] = np.minimum(column, 205)
    assert read(png(image), tmp_path, "a.png") == [READ["pythagoras"]]


@pytest.mark.parametrize("kind", ["rotate", "owner", "swapped"])
def test_pdf_files_of_odd_pages_show_their_writing(tmp_path: Path, kind: str) -> None:
    pikepdf = pytest.importorskip("pikepdf")
    page, options = sheet(["pythagoras"]), {}
    turned = np.ascontiguousarray(np.rot90(page)) if kind == "rotate" else page
    with pikepdf.open(io.BytesIO(paged([turned]))) as pdf:
        if kind == "rotate":
            pdf.pages[0].obj["/Rotate"] = 90
        elif kind == "owner":
            options["encryption"] = pikepdf.Encryption(owner="secret", user="", R=4)
        else:
            x0, y0, x1, y1 = (float(number) for number in pdf.pages[0].mediabox)
            pdf.pages[0].mediabox = [x1, y1, x0, y0]
        pdf.save(tmp_path / "made.pdf", **options)
    found = read((tmp_path / "made.pdf").read_bytes(), tmp_path, "a.pdf")
    assert found == [READ["pythagoras"]]


@pytest.mark.skipif(sys.platform != "linux", reason="limits are those of Linux")
def test_a_small_address_space_and_one_core_give_the_same_answer() -> None:
    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (1_500_000_000, 1_500_000_000))
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

    command = [sys.executable, "-m", "hmer_cli", "convert", "--no-cache", "-j", "1"]
    done = subprocess.run(
        [*command, str(EXAMPLES / "pythagoras.png"), "-o", "-.tex"],
        capture_output=True,
        check=True,
        preexec_fn=limited,
        text=True,
    )
    assert READ["pythagoras"] in done.stdout
    assert "warning" not in done.stderr.lower()


def test_a_formula_of_forty_terms_is_read_right_or_said_to_be_doubtful(tmp_path: Path) -> None:
    label = " + ".join(f"{letter} ^ {{ {n} }}" for n in range(2, 7) for letter in "abdknuyz")
    drawn = InkEngine().write(label, 3, np.random.default_rng(0)).image
    (tmp_path / "long.png").write_bytes(png(drawn))
    records = convert([str(tmp_path / "long.png")], [], layout="expression")
    assert drawn.shape[1] > 4000
    assert [each.label == label or each.status == "low" for each in records] == [True]
