"""Whatever bytes a file holds, reading it gives a result or an error that names it.

Bounded examples run with the other tests; for a longer search, before a release:
``HMER_FUZZ=100000 pytest tests/fuzz``.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hmer_cli.data.coco import parse
from hmer_cli.data.store import parse_captions
from hmer_cli.datasets.pages import _truth
from hmer_cli.document.corrections import Corrections
from hmer_cli.errors import InputError, UsageError
from hmer_cli.expr.latex import normalise
from hmer_cli.expr.validity import problems
from hmer_cli.ink.inkml import read_inkml
from hmer_cli.ink.render import legible_ink_image
from hmer_cli.metrics.overlays import picture
from hmer_cli.metrics.regions import PageOutcome
from hmer_cli.training import recipe

fuzzed = settings(
    max_examples=int(os.environ.get("HMER_FUZZ", "150")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

INKML = rb"""<?xml version="1.0"?><!DOCTYPE ink><ink xmlns="http://www.w3.org/2003/InkML">
<definitions><context xml:id="c" brushRef="#b"><inkSource><traceFormat><channel name="X"/>
<channel name="Y" orientation="-ve"/></traceFormat><channelProperties><channelProperty channel="X"
name="resolution" value="1000" units="1/cm"/><channelProperty channel="Y" name="resolution"
value="500" units="1/cm"/></channelProperties></inkSource></context><brush xml:id="b">
<brushProperty name="transparency" value="0"/></brush><canvasTransform xml:id="t">
<mapping type="affine">1 0 0, 0 -1 9</mapping></canvasTransform><trace xml:id="h">1 2, 3 4</trace>
</definitions><annotation type="truth">$\frac{a}{2} \over \rm x$</annotation><annotationXML>
<math><mfrac><mi>a</mi><mtable><mtr><mtd>b</mtd></mtr></mtable></mfrac></math></annotationXML>
<trace id="0" contextRef="#c">1 2,'3'4,"5-6,*?,#F T</trace><traceGroup><traceView
traceDataRef="#h"/><trace id="1" continuation="end" priorRef="#0">7 8 9 10 1e9</trace>
</traceGroup></ink>"""

LATEX = st.lists(
    st.sampled_from(
        r"x 2 \frac \sqrt { } [ ] ^ _ ' & \\ \over \rm \cal \left( \right) \left \right \sum"
        r" \limits \begin{matrix} \end{matrix} \begin{array} \end{cases} \not = \root \of"
        r" \substack \pmod ~"
        r" \hat \operatorname* \hspace{2em} \text % \intercal \input \prime é".split()
    ),
    max_size=60,
).map(" ".join)


@st.composite
def mutated(draw: st.DrawFn, seed: bytes) -> bytes:
    """The seed with some bytes changed, pieces cut out, doubled or moved."""
    data = bytearray(seed)
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, max(len(data) - 1, 0)))
        end = start + draw(st.integers(0, 40))
        piece = bytes(data[start:end])
        new = draw(
            st.sampled_from([b"", piece * 2, piece * 300, piece[::-1], b"9" * 400, b"\xff\x00<"])
            | st.binary(max_size=8)
        )
        data[start:end] = new
    return bytes(data)


@fuzzed
@given(mutated(INKML))
def test_inkml(data: bytes) -> None:
    try:
        ink = read_inkml(data, "a.inkml")
    except InputError as error:
        assert str(error).startswith("a.inkml: ")
        return
    assert all(np.isfinite(stroke).all() and len(stroke) for stroke in ink.strokes)
    if ink.label is not None:
        assert normalise(ink.label) is not None
    assert legible_ink_image(ink).image.ndim == 2


@fuzzed
@given(LATEX | st.text(max_size=60))
def test_latex(source: str) -> None:
    for split in (True, False):
        with suppress(InputError):
            label = normalise(source, split=split)
            problems(label)
            if split:
                assert normalise(label) == label


CORRECTIONS = json.dumps(
    {
        "hmer": "corrections",
        "version": 1,
        "corrections": [
            {"key": "k", "file": "f", "page": 1, "box": [1, 2, 3, 4], "latex": r"\frac{a}{b}"}
        ],
    }
).encode()


@fuzzed
@given(data=mutated(CORRECTIONS))
def test_corrections(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_bytes(data)
    try:
        found = Corrections.load([path])
    except UsageError as error:
        assert str(path) in str(error)
        return
    found.find("k", "f", 1, (0, 0, 1, 1))


@fuzzed
@given(mutated(b"\xef\xbb\xbfa\tx ^ 2\nb.png y\nimg/c\t\\frac{a}{b}\n"))
def test_captions(data: bytes) -> None:
    assert all(name and isinstance(label, str) for name, label in parse_captions(data).items())


@fuzzed
@given(mutated(b'{"formulas": [[1, 2, 30, 40], [1e3, 2.5, -3, 4]], "labels": ["x"]}'))
def test_page_json(data: bytes) -> None:
    truth = _truth(data)
    if truth is not None:
        outcome = PageOutcome("a", [(1, 2, 30, 40)], truth["boxes"])
        picture(np.full((40, 60), 255, np.uint8), outcome)


@fuzzed
@given(
    mutated(
        b'{"images": [{"id": 1, "file_name": "a.png"}], "categories": [{"id": 1, "name": "x"}],'
        b' "annotations": [{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}]}'
    )
)
def test_boxes(data: bytes) -> None:
    with suppress(InputError):
        parse(data, "boxes.json")


RECIPES = Path(__file__).parents[2] / "train" / "recipes"


@fuzzed
@given(data=st.data())
def test_recipe(data: st.DataObject, tmp_path: Path) -> None:
    seeds = sorted(RECIPES.glob("*.toml"))
    if not seeds:
        pytest.skip("no recipes here")
    path = tmp_path / "r.toml"
    path.write_bytes(data.draw(mutated(seeds[0].read_bytes())))
    with suppress(UsageError, InputError):
        recipe.load(path)
