"""Takes the screenshot of a review page in the README; needs Chromium.

python examples/shoot.py
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from hmer_cli.commands.convert import convert

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

from chromium import PROGRAM, Chromium  # noqa: E402

SIZE = (1240, 790)
COLOURS = 192
STEPS = """
    order.value = "page"; arrange();
    const root = entries.findIndex((entry) => entry.latex.includes("sqrt"));
    activate(cards[root], { scroll: false });
    light(cards[root], entries[root].label.split(" ").indexOf("4"));"""


def main() -> None:
    """Reads the page of notes, points at a sign under the root, writes docs/review.gif."""
    if PROGRAM is None:
        raise SystemExit("Chromium is not installed")
    os.chdir(HERE)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "review.html"
        convert(["lecture.png"], [str(page)])
        with Chromium(Path(folder) / "profile") as browser:
            browser.size(*SIZE)
            browser.open(page)
            browser.run(STEPS)
            time.sleep(3)
            shot = Image.open(io.BytesIO(browser.screenshot())).convert("RGB")
    # A GIF, since hmer reads every PNG and WebP image in this folder as an example.
    shot.quantize(COLOURS, dither=Image.Dither.NONE).save(
        HERE.parent / "docs" / "review.gif", optimize=True
    )


if __name__ == "__main__":
    main()
