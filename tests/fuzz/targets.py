"""Readers of untrusted bytes, one function a kind: only errors raised on purpose may pass.

Each takes bytes, hands them to the readers behind a command, and checks what must hold of any
result. Everything else that is raised is a finding. The seeds of each kind, files of hmer's own
making and what was found with them, lie in ``corpus/KIND``.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pypdfium2 as pdfium

from hmer_cli.commands import compare
from hmer_cli.data import coco
from hmer_cli.data.captions import parse_captions
from hmer_cli.data.store import open_store
from hmer_cli.datasets import pages
from hmer_cli.document import cache
from hmer_cli.document.build_records import records_of
from hmer_cli.document.corrections import Corrections
from hmer_cli.document.formats.text import jsonl
from hmer_cli.document.shards import merged
from hmer_cli.errors import HmerError, InputError, UsageError
from hmer_cli.expr.latex import normalise
from hmer_cli.expr.to_latex import to_latex
from hmer_cli.expr.to_mathml import to_mathml
from hmer_cli.expr.typed import as_formula, check
from hmer_cli.expr.validity import problems
from hmer_cli.ink.ink import Ink
from hmer_cli.ink.inkml import read_inkml
from hmer_cli.ink.notes import kind_of
from hmer_cli.ink.render import legible_ink_image
from hmer_cli.metrics.overlays import picture
from hmer_cli.metrics.regions import PageOutcome
from hmer_cli.page.load import images
from hmer_cli.page.load.pages import Page
from hmer_cli.page.load.pdf_ink import page_strokes
from hmer_cli.page.load.tiff import PageFile, directories
from hmer_cli.page.regions import find_regions
from hmer_cli.training import recipe

CORPUS = Path(__file__).parent / "corpus"
_FEW_PIXELS = 40_000  # some hundredths of a second each
FOLDER = tempfile.TemporaryDirectory(prefix="hmer-fuzz-")


def seeds(kind: str) -> list[bytes]:
    """The files of a kind, in the order of their names."""
    return [path.read_bytes() for path in sorted((CORPUS / kind).iterdir())]


def file_of(data: bytes, name: str) -> Path:
    """A file with these bytes, the same for every call."""
    path = Path(FOLDER.name) / name
    path.write_bytes(data)
    return path


@contextlib.contextmanager
def named(name: str, *kinds: type[HmerError]) -> Iterator[None]:
    """Lets errors of these kinds pass; they must name the input."""
    try:
        yield
    except kinds as error:
        assert str(error).startswith(name), error
        assert error.exit_code != 70, error


def drawn(ink: Ink) -> None:
    """What must hold of any ink."""
    assert all(np.isfinite(stroke).all() and len(stroke) for stroke in ink.strokes)
    if ink.strokes:
        assert legible_ink_image(ink).image.ndim == 2


def inkml(data: bytes) -> None:
    """Ink and its label."""
    with named("a.inkml: ", InputError):
        ink = read_inkml(data, "a.inkml")
        drawn(ink)
        assert ink.label is None or normalise(ink.label) is not None


def latex(data: bytes) -> None:
    """A label and everything that is made of one."""
    source = data.decode("utf-8", "replace")
    for by_user in (True, False):
        with contextlib.suppress(InputError):
            label = normalise(source, typed=by_user)
            problems(label)
            to_mathml(label)
            to_latex(label)
            assert by_user or normalise(label) == label


def typed(data: bytes) -> None:
    """LaTeX as a person typed it."""
    with contextlib.suppress(InputError):
        formula = as_formula(data.decode("utf-8", "replace"))
        check(formula)
        with contextlib.suppress(InputError):
            to_mathml(normalise(formula, typed=True))


def corrections(data: bytes) -> None:
    """A file of ``--corrections``."""
    path = file_of(data, "c.json")
    with named(f"--corrections {path}: ", UsageError):
        found = Corrections.load([path])
        found.find("k", "f", 1, (0, 0, 1, 1))


def captions(data: bytes) -> None:
    """A ``caption.txt``, each of its labels normalised as those of a data set are."""
    with named("c.txt: ", InputError):
        for line in parse_captions(data, "c.txt"):
            assert line.key
            with contextlib.suppress(InputError):
                normalise(line.label)


def page_json(data: bytes) -> None:
    """The truth of a page, drawn on it."""
    with named("a.json", InputError):
        truth = pages._truth(data, "a.json")
        if truth is not None:
            outcome = PageOutcome("a", [(1, 2, 30, 40)], truth["boxes"])
            picture(np.full((40, 60), 255, np.uint8), outcome)


def boxes_json(data: bytes) -> None:
    """Symbol boxes in COCO format."""
    with named("boxes.json", InputError):
        coco.parse(data, "boxes.json")


def shards(data: bytes) -> None:
    """What ``hmer convert --shard`` wrote, made into an output."""
    path = file_of(data, "part.jsonl")
    with named("", UsageError, InputError):
        jsonl(list(records_of(merged([path]), Corrections())))


def recipes(data: bytes) -> None:
    """A training recipe."""
    path = file_of(data, "r.toml")
    with named("", UsageError, InputError):
        recipe.load(path)


def predictions(data: bytes) -> None:
    """A file of ``hmer eval --predictions``."""
    path = file_of(data, "p.tsv")
    with named(str(path), InputError), contextlib.redirect_stdout(io.StringIO()):
        compare.run(path, path)


def cached(data: bytes) -> None:
    """A result in the cache, decompressed; one that is none is computed again."""
    with contextlib.closing(cache.Cache(None, "setting")) as found:
        key = found.key("digest", 1)
        row = key, 0, zlib.compress(data, 1)
        found._base.execute("INSERT OR REPLACE INTO results VALUES (?, ?, ?)", row)
        known = found.find(key)
        assert known is None or isinstance(known, cache.Result)


def cache_file(data: bytes) -> None:
    """A whole cache: whatever lies there, nothing else is found than was kept, in the end that."""
    folder = Path(FOLDER.name) / "cache"
    folder.mkdir(exist_ok=True)
    for ending in ("-wal", "-shm"):
        (folder / f"{cache.FILE}{ending}").unlink(missing_ok=True)
    (folder / cache.FILE).write_bytes(data)
    with contextlib.closing(cache.Cache(folder, "setting")) as found:
        for number in range(3):
            found.find(found.key("digest", number))
        kept = cache.Result("m", ())
        for _ in range(20):  # a damaged index may miss it, until the damage is met
            found.keep({found.key("digest", 9): kept}, {})
            known = found.find(found.key("digest", 9))
            assert known in (kept, None)
        assert known is not None


def notes(data: bytes) -> None:
    """A file of a note app or a web canvas, as it is and packed."""
    for given in (data, gzip.compress(data, 1)) if data.startswith(b"<") else (data,):
        kind = kind_of(given)
        if kind is not None:
            with named("a: ", InputError):
                for ink in kind.read(given, "a"):
                    drawn(ink)


def pdf_strokes(data: bytes) -> None:
    """The content of a PDF page, and the handwriting that its paths are."""
    body = b"<</Length %d>>stream\n%s\nendstream" % (len(data), data)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R>>",
        body,
    ]
    file = b"".join(b"%d 0 obj\n%s\nendobj\n" % each for each in enumerate(objects, start=1))
    with contextlib.suppress(pdfium.PdfiumError):
        document = pdfium.PdfDocument(b"%PDF-1.7\n" + file + b"trailer\n<</Root 1 0 R>>\n%%EOF")
        strokes, images, _, _ = page_strokes(document[0])
        for values in [*(stroke.points for stroke in strokes), images]:
            assert np.isfinite(values).all()
        document.close()


def image(data: bytes) -> None:
    """A small image, cleaned and searched: its regions lie on the page and hold ink."""
    with named("a.bmp", InputError):
        if images.measure(data, "a.bmp") > _FEW_PIXELS:
            return
        page = Page.of("a.bmp", 1, images.decode(data, "a.bmp"))
        for region in find_regions(page, "auto"):
            x0, y0, x1, y1 = region.box
            assert np.isfinite(region.box).all() and x0 < x1 and y0 < y1, region.box
            assert region.image.size and region.image.min() < region.image.max()


def tiff_pages(data: bytes) -> None:
    """The chain of pages of a TIFF."""
    with named("a.tif: ", InputError):
        if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            for offset in directories(data, "a.tif"):
                file = PageFile(data, offset)
                assert file.read() == file.getvalue()


def archive(data: bytes) -> None:
    """A zip archive and every file in it."""
    with named("a.zip", InputError):
        store = open_store("a.zip", data)
        for name in store.names:
            with named("a.zip", InputError):
                store.read(name)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "inkml": inkml,
    "latex": latex,
    "typed": typed,
    "corrections": corrections,
    "captions": captions,
    "page_json": page_json,
    "boxes_json": boxes_json,
    "shards": shards,
    "recipes": recipes,
    "predictions": predictions,
    "cached": cached,
    "cache_file": cache_file,
    "notes": notes,
    "pdf_strokes": pdf_strokes,
    "image": image,
    "tiff_pages": tiff_pages,
    "archive": archive,
}
