"""The Python API: what a script gets, from whatever it gives, in threads and processes."""

from __future__ import annotations

import io
import json
import multiprocessing
import pickle
import subprocess
import sys
import zipfile
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from handmade import CROSS_BOX, INKML, FakeRecogniser, Pixels, cross, encoded, paged
from PIL import Image
from test_one_way import Fingerprint

import hmer_cli
from hmer_cli import Alternative, Converter, Expression, InputError, MissingError, UsageError
from hmer_cli.commands.convert import convert
from hmer_cli.document.ids import named
from hmer_cli.errors import HmerError, InternalError, OutputError
from hmer_cli.models.registry import shipped_dir
from hmer_cli.page.load.worker import WorkerError
from hmer_cli.recognition.reading import Alternative as Other
from hmer_cli.recognition.reading import Reading, TokenReading

EXAMPLES = Path(__file__).parent.parent / "examples"


def fake(**options: object) -> Converter:
    return Converter(recogniser=FakeRecogniser(), **options)  # type: ignore[arg-type]


def read(given: object) -> str:
    return Converter(recogniser=Fingerprint()).read(given).label


class OneToken(FakeRecogniser):
    """Reads an x in the middle of every image."""

    def read(self, images: object) -> list[Reading]:
        token = TokenReading("x", 0.8, (2.0, 3.0, 12.0, 13.0))
        others = (Other("x ^ { 2 }", 0.06), Other("}", 0.01))
        return [Reading("x", 0.9, (token,), others)]


def test_an_expression_says_all_there_is_to_say(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded(cross()))
    found = Converter(recogniser=OneToken()).read(path)
    assert isinstance(found, Expression)
    assert (found.alias, found.source, found.page, found.model) == (
        "a-p1-r1",
        str(path),
        1,
        "fake-1",
    )
    assert found.latex == found.label == "x"
    assert (found.confidence, found.status, found.error) == (0.9, "ok", None)
    assert found.mathml is not None and found.mathml.startswith("<math")
    assert found.box is not None
    assert all(abs(a - b) <= 2 for a, b in zip(found.box, CROSS_BOX, strict=True))
    (token,) = found.tokens
    assert (token.token, token.confidence) == ("x", 0.8)
    assert found.box[0] - 4 <= token.box[0] < token.box[2] <= found.box[2]
    square, invalid = found.alternatives
    assert square == Alternative("x^2", "x ^ { 2 }", 0.06)
    assert invalid == Alternative("}", "}", 0.01)
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain["tokens"][0]["token"] == "x"
    assert plain["alternatives"][0] == {"latex": "x^2", "label": "x ^ { 2 }", "confidence": 0.06}


def test_tokens_of_ink_are_in_the_units_of_its_ink() -> None:
    found = Converter(recogniser=OneToken()).read(INKML.encode())
    assert found.box == (0, 0, 20, 40)
    (token,) = found.tokens
    assert token.box == pytest.approx((-5, -4.17, 3.33, 4.17), abs=0.01)


class Tensor:
    """What NumPy can take for an array."""

    def __array__(self, dtype: object = None, copy: object = None) -> Pixels:
        return cross()


@pytest.mark.parametrize(
    "given",
    [
        cross(),
        cross().astype(np.int64),
        cross().astype(np.uint16),
        cross().astype(np.uint16) * 257,
        cross() / np.float32(255),
        cross() > 250,
        255 - cross(),
        cross() < 250,
        cross()[..., None],
        np.repeat(cross()[..., None], 3, 2),
        np.dstack([np.repeat(cross()[..., None], 3, 2), np.full(cross().shape, 255, np.uint8)]),
        np.dstack([np.zeros((*cross().shape, 3), np.uint8), 255 - cross()]),
        np.asfortranarray(cross()),
        cross()[::-1][::-1],
        Image.fromarray(cross()),
        Image.fromarray(cross()).convert("CMYK"),
        Image.fromarray(cross()).convert("P"),
        Image.fromarray(cross().astype(np.uint16)),
        Image.fromarray(cross().astype(np.uint16) * 257),
        Image.frombytes("I;16B", cross().shape[::-1], (cross().astype(">u2") * 257).tobytes()),
        Image.fromarray(cross()).convert("LA").convert("La"),
        Image.fromarray(cross()).convert("RGBA").convert("RGBa"),
        encoded(cross()),
        bytearray(encoded(cross())),
        io.BytesIO(encoded(cross())),
        Tensor(),
    ],
    ids=lambda given: f"{type(given).__name__}-{getattr(given, 'dtype', '')}",
)
def test_an_image_reads_the_same_in_whatever_form_it_is_given(given: object) -> None:
    binary = isinstance(given, np.ndarray) and given.dtype == np.bool_
    assert read(given) == read(_two_levels() if binary else encoded(cross()))


def _two_levels() -> Pixels:
    return np.where(cross() > 250, 255, 0).astype(np.uint8)


@pytest.mark.parametrize(
    "given",
    [
        3,
        None,
        [1, 2],
        np.zeros(5),
        np.zeros((4, 4, 7)),
        np.zeros((0, 4)),
        np.full((4, 4), np.nan),
        np.full((4, 4), -1),
        np.array([["a"]]),
        io.StringIO("text"),
        "-",
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_image_is_wrong_usage_at_once(given: object) -> None:
    with pytest.raises(UsageError):
        fake().read(given)
    with pytest.raises(UsageError):
        fake().pages(given)  # before anything is asked of the pages


@pytest.mark.parametrize(
    "options",
    [
        {"layout": "x"},
        {"jobs": 0},
        {"jobs": "2"},
        {"cache": 3},
        {"model": "m"},
        {"charset": "crohme"},
    ],
)
def test_wrong_arguments_raise_at_once(options: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        fake(**options)


def test_a_file_that_was_closed_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(cross()))
    with (tmp_path / "a.png").open("rb") as file:
        assert fake().read(file).status == "ok"
    with pytest.raises(InputError, match="closed"):
        fake().read(file)


def test_an_archive_in_memory_is_opened(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.png", encoded(cross()))
        archive.writestr("b.png", b"no image")
    pages = list(fake().pages(packed.getvalue(), name="both"))
    assert [page.source for page in pages] == ["both/a.png", "both/b.png"]
    assert pages[0].expressions and pages[1].error
    with pytest.raises(InputError, match="both: holds 2 files"):
        fake().read(packed.getvalue(), name="both")


def test_a_path_with_nul_is_told() -> None:
    with pytest.raises(InputError, match="NUL"):
        fake().read("a\0.png")


def test_one_page_may_be_given_as_a_number(tmp_path: Path) -> None:
    frames = [Image.fromarray(cross()) for _ in range(3)]
    frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:])
    assert [page.number for page in fake().pages(tmp_path / "a.tif", pages=2)] == [2]
    with pytest.raises(UsageError):
        fake().pages(tmp_path / "a.tif", pages=0)


def test_weights_may_be_given_as_a_path() -> None:
    default = Converter()
    named = Converter(model=shipped_dir() / f"{default.reader.model}.onnx")
    assert named.reader.model == default.reader.model


def test_a_notebook_shows_what_is_valid_typeset() -> None:
    found = Converter(recogniser=OneToken()).read(encoded(cross()))
    assert found._repr_latex_() == r"$\displaystyle x$"
    assert fake().read(np.full((9, 9), 255, np.uint8))._repr_latex_() is None


def test_wrong_pages_models_and_charsets_raise_at_once() -> None:
    with pytest.raises(UsageError):
        fake().pages("a.pdf", pages="4-1")
    with pytest.raises(UsageError):
        Converter(charset="klingon")
    with pytest.raises(UsageError, match=r"charset \['x'\] is not understood"):
        Converter(charset=["x"])  # type: ignore[arg-type]
    with pytest.raises(MissingError):
        Converter(model="no-such-weights")


def test_convert_refuses_a_wrong_layout_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(cross()))
    with pytest.raises(UsageError, match="layout"):
        convert([str(tmp_path)], (), layout="x", recogniser=FakeRecogniser())  # type: ignore[arg-type]


def test_pages_and_records_are_the_same_with_the_same_ids(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(paged([cross(), cross()]))
    (tmp_path / "a.png").write_bytes(encoded(cross()))
    records = convert([str(tmp_path)], (), recogniser=FakeRecogniser())
    pages = list(fake().pages(tmp_path))
    expressions = [expression for page in pages for expression in page.expressions]
    assert [(page.number, page.error) for page in pages] == [(1, None), (2, None), (1, None)]
    assert [(e.id, e.alias) for e in expressions] == [(n.id, n.alias) for n in named(records)]
    assert [e.box for e in expressions] == [record.region for record in records]
    (second,) = fake().pages(tmp_path / "a.pdf", pages="2")
    assert second.number == 2
    assert json.loads(json.dumps(second.to_dict()))["expressions"][0]["alias"] == "a-p2-r1"


def test_a_file_that_cannot_be_opened_raises_and_stops_no_other(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no image")
    (tmp_path / "b.png").write_bytes(encoded(cross()))
    with pytest.raises(InputError, match="not a kind of file"):
        list(fake().pages(tmp_path / "a.png"))
    with pytest.raises(InputError, match="no such file"):
        fake().read(tmp_path / "none.png")
    bad, good = fake().pages(tmp_path)
    assert bad.error is not None and "a.png" in bad.error
    assert good.error is None and good.expressions


def test_the_only_page_of_a_file_raises_its_own_error(monkeypatch: pytest.MonkeyPatch) -> None:
    cut_off = encoded(cross())[:60]
    for call in (fake().read, lambda image: list(fake().pages(image))):
        with pytest.raises(InputError, match="image: ") as caught:
            call(cut_off)
        assert caught.value.remedy
        monkeypatch.setattr(FakeRecogniser, "read", lambda *_: 1 / 0)
        with pytest.raises(InternalError) as bug:
            call(cross())
        assert bug.value.exit_code == 70
        monkeypatch.undo()


def test_of_a_file_of_several_pages_those_that_fail_stop_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(FakeRecogniser, "read", lambda *_: 1 / 0)
    pages = list(fake().pages(paged([cross(), cross(), cross()])))
    assert [(page.number, page.error is None) for page in pages] == [(n, False) for n in (1, 2, 3)]


def test_a_blank_image_is_an_expression_that_failed() -> None:
    found = fake().read(np.full((50, 80), 255, np.uint8), name="blank.png")
    assert (found.status, found.latex, found.box, found.alias) == (
        "failed",
        "",
        None,
        "blank-p1-r1",
    )
    assert found.error is not None and "blank.png" in found.error


def test_a_cache_is_used_the_second_time(tmp_path: Path) -> None:
    for _ in range(2):
        converter = Converter(cache=tmp_path / "cache")
        found = converter.read(EXAMPLES / "circle.inkml")
    assert found.tokens
    assert converter.reader._loaded is None  # type: ignore[attr-defined]


@pytest.mark.parametrize("cache", [False, True])
def test_another_thread_may_go_on_with_the_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    names = ["a.png", "b.png", "c.png"]
    for i, name in enumerate(names):
        Path(name).write_bytes(encoded(cross(width=160 + i)))
    reader = FakeRecogniser()
    reader.identity = "fake"  # type: ignore[attr-defined]
    found = Converter(cache="kept" if cache else False, recogniser=reader).pages("*.png")
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        pages = [one.submit(next, found).result(), *other.submit(list, found).result()]
    assert [(page.source, page.error) for page in pages] == [(name, None) for name in names]
    assert Path("kept").is_dir() == cache


def test_one_converter_serves_many_threads() -> None:
    converter = Converter()
    paths = sorted(EXAMPLES.glob("*.inkml"))[:3] * 2
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(converter.read, paths))
    assert together == [converter.read(path) for path in paths]


def test_a_converter_can_be_sent_to_another_process() -> None:
    converter = Converter(layout="expression", charset="crohme")
    path = EXAMPLES / "pythagoras.png"
    here = converter.read(path)
    again = pickle.loads(pickle.dumps(converter))
    assert again.read(path) == here
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        assert pool.submit(converter.read, path).result() == here


@pytest.mark.parametrize("error", [
    InternalError("x.png: page 1", ValueError("boom")), InputError("a", "b"), MissingError("m"),
    UsageError("u"), OutputError("o"), WorkerError("time"),
])  # fmt: skip
def test_errors_come_back_from_another_process_as_they_were(error: HmerError) -> None:
    error.exit_code = 7
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


def test_every_public_name_is_there_and_documented() -> None:
    for name in hmer_cli.__all__:
        assert name in dir(hmer_cli)
        assert name.startswith("__") or getattr(hmer_cli, name).__doc__
    with pytest.raises(AttributeError):
        hmer_cli.nothing  # type: ignore[attr-defined]  # noqa: B018


def test_importing_hmer_brings_nothing_heavy() -> None:
    code = "import sys, hmer_cli; print([m for m in ('numpy', 'cv2', 'PIL', 'onnxruntime', "
    code += "'typer', 'hmer_cli.api') if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert said.stdout.strip() == "[]"


def test_the_package_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "hmer_cli", "--version"]
    said = subprocess.run(command, check=True, capture_output=True, text=True)
    assert said.stdout == f"hmer {hmer_cli.__version__}\n"


@pytest.mark.parametrize("files", [1, 2])
def test_a_bad_file_of_a_folder_is_a_page_with_an_error(tmp_path: Path, files: int) -> None:
    for number in range(files):
        (tmp_path / f"{number}.png").write_bytes(b"x")
    pages = list(fake().pages(tmp_path))
    assert [page.error is not None for page in pages] == [True] * files
    with pytest.raises(InputError, match=r"0\.png"):
        list(fake().pages(tmp_path / "0.png"))


def test_images_of_32_bits_are_read_as_arrays_are() -> None:
    deep = Image.fromarray(np.asarray(cross(), np.int32))
    assert deep.mode == "I"
    assert fake().read(deep).latex == fake().read(cross()).latex
    with pytest.raises(UsageError, match="are no image's"):
        fake().read(Image.fromarray(np.full((9, 9), -5, np.int32)))


def test_data_without_a_name_is_an_image() -> None:
    assert fake().read(cross(), name=None).source == "image"
    assert [page.source for page in fake().pages(cross(), name="")] == ["image"]


def test_what_a_folder_holds_besides_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.png").write_bytes(encoded(cross()))
    (tmp_path / "b.txt").write_text("b")
    assert len(list(fake().pages(tmp_path))) == 1
    assert "1 file passed over (1 .txt)" in capsys.readouterr().err
