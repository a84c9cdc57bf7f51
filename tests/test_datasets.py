"""Data sets in the forms people keep them: which samples, which labels, which way up the ink."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from hmer_cli.datasets.expressions import open_dataset
from hmer_cli.errors import InputError, UsageError

INKML = b'<ink><annotation type="truth">x^2</annotation><trace>1 2, 30 40, 50 5</trace></ink>'
PACKAGE = {
    "CROHME_labeled_2016/TrainINKML/MfrDB/t1.inkml": INKML,
    "CROHME_labeled_2016/TrainINKML/KAIST/t2.inkml": INKML,
    "CROHME_labeled_2016/TrainINKML/caption.txt": b"t1\ta\nt2\tb\nt3\tc\n",
    "CROHME_labeled_2016/TestINKMLGT/v1.inkml": INKML,
    "CROHME_labeled_2016/TestEM2014GT/w1.inkml": INKML,
    "CROHME_labeled_2016/TestEM2014GT/caption.txt": b"w1\td\n",
    "CROHME_labeled_2016/TEST2016_INKML_GT/z1.inkml": b"",
}


def pack(folder: Path, files: dict[str, bytes], *, zipped: bool = False) -> str:
    if zipped:
        with zipfile.ZipFile(folder / "set.zip", "w") as archive:
            for name, data in files.items():
                archive.writestr(name, data)
        return str(folder / "set.zip")
    for name, data in files.items():
        path = folder / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return str(folder / "set")


def picture(ending: str = ".png", *, light_on_dark: bool = False) -> bytes:
    """A thin cross."""
    image = np.full((60, 90), 255, np.uint8)
    cv2.line(image, (10, 10), (80, 50), 0, 2)
    cv2.line(image, (10, 50), (80, 10), 0, 2)
    return cv2.imencode(ending, 255 - image if light_on_dark else image)[1].tobytes()


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize(
    ("split", "labels"),
    [
        ("train", {"t1": "a", "t2": "b", "t3": "c"}),
        ("test2013", {"v1": "x ^ { 2 }"}),
        ("test2014", {"w1": "d"}),
        ("test2016", {"z1": ""}),
    ],
)
def test_splits_of_a_crohme_package(
    tmp_path: Path, split: str, labels: dict[str, str], zipped: bool
) -> None:
    samples = open_dataset(pack(tmp_path, PACKAGE, zipped=zipped), split)
    assert {sample.name: sample.label for sample in samples} == labels


@pytest.mark.parametrize(
    ("file", "split"),
    [
        ("Task1_onlineRec/MainTask_formula/Test/a.inkml", "test2019"),
        ("Task1_onlineRec/MainTask_formula/Train/MfrDB/a.inkml", "train"),
        ("TC11_CROHME23/INKML/test/CROHME2019_test/a.inkml", "test2019"),
        ("TC11_CROHME23/INKML/test/CROHME2023_test/a.inkml", "test2023"),
        ("TC11_CROHME23/INKML/train/CROHME2019/a.inkml", "train"),
        ("crohme2019/crohme2019/test/a.inkml", "test2019"),
        ("Test2019/a.inkml", "test2019"),
    ],
)
def test_splits_by_the_folders_of_later_packages(tmp_path: Path, file: str, split: str) -> None:
    other = "train" if split != "train" else "test2014"
    files = {file: INKML, "TC11_CROHME23/INKML/val/CROHME2016_val/b.inkml": INKML}
    package = pack(tmp_path, files)
    assert [sample.name for sample in open_dataset(package, split)] == ["a"]
    with pytest.raises(UsageError, match=f"it holds {split}"):
        open_dataset(package, other)


def test_package_wants_a_split_and_says_which_it_has(tmp_path: Path) -> None:
    package = pack(tmp_path, PACKAGE)
    with pytest.raises(UsageError, match="train, test2013, test2014, test2016; choose one"):
        open_dataset(package)
    with pytest.raises(UsageError, match="'test1999' is not known"):
        open_dataset(package, "test1999")
    files = {name: data for name, data in PACKAGE.items() if "2014GT" in name}
    part = pack(tmp_path, files, zipped=True)
    assert [sample.name for sample in open_dataset(part)] == ["w1"]
    with pytest.raises(UsageError, match="no split train; it holds test2014"):
        open_dataset(part, "train")


def test_split_of_what_has_none_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no splits, and so no train; leave --split out"):
        open_dataset(pack(tmp_path, {"a.inkml": INKML}), "train")


def test_limit_takes_the_first_by_name(tmp_path: Path) -> None:
    path = pack(tmp_path, {f"{folder}/{name}.inkml": INKML for folder, name in ("zb", "yc", "xa")})
    assert [sample.name for sample in open_dataset(path, limit=2)] == ["a", "b"]
    with pytest.raises(UsageError, match="limit 0"):
        open_dataset(path, limit=0)


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("folder", ["", "img/"])
@pytest.mark.parametrize("ending", [".png", ".jpg", ".bmp"])
@pytest.mark.parametrize("light_on_dark", [False, True])
def test_images_with_captions_are_dark_on_white(
    tmp_path: Path, folder: str, ending: str, light_on_dark: bool, zipped: bool
) -> None:
    data = picture(ending, light_on_dark=light_on_dark)
    name = "ein Kreuz \u00d7"
    files = {f"{folder}{name}{ending}": data, "caption.txt": f"{name}\tx\n".encode()}
    (sample,) = open_dataset(pack(tmp_path, files, zipped=zipped))
    image = sample.image()
    assert (sample.name, sample.label, sample.ink, sample.error) == (name, "x", None, None)
    assert (image.shape, image.dtype) == ((60, 90), np.uint8)
    assert np.median(image) > 240
    assert image.min() < 60


def test_inkml_samples_have_ink_with_the_label_of_the_caption(tmp_path: Path) -> None:
    files = {"1.inkml": INKML, "2.inkml": INKML, "caption.txt": b"1 y\n"}
    first, second = open_dataset(pack(tmp_path, files))
    assert (first.label, second.label) == ("y", "x ^ { 2 }")
    assert first.ink is not None
    assert first.ink.label == "y"
    assert first.ink.strokes[0].tolist() == [[1, 2], [30, 40], [50, 5]]
    assert first.image().min() == 0


@pytest.mark.parametrize(
    ("caption", "label"),
    [
        (r"\sum \limits _ { i } ^ { n } x", r"\sum \limits _ { i } ^ { n } x"),
        (r"\sum _ { i = 1 } ^ { n } x ^ 2", r"\sum \limits _ { i = 1 } ^ { n } x ^ { 2 }"),
        ("x ^ { 2 } _ { 1 }", "x _ { 1 } ^ { 2 }"),
        ("x ^ { 2 } ^ { 1 }", "x ^ { 2 } ^ { 1 }"),  # no LaTeX, but tokens of labels
        (r"y-y_1=m\times(x)", r"y - y _ { 1 } = m \times ( x )"),
        (r"\frac{1}{2", r"\frac { 1 } { 2"),  # no LaTeX: only cut up
    ],
)
def test_captions_become_labels(tmp_path: Path, caption: str, label: str) -> None:
    path = pack(tmp_path, {"1.png": picture(), "caption.txt": f"1.png\t{caption}".encode()})
    assert [sample.label for sample in open_dataset(path)] == [label]


def test_nothing_is_dropped_and_what_fails_says_why(tmp_path: Path) -> None:
    files = {
        "cut.png": picture()[:50],
        "empty.png": b"",
        "fine.png": picture(),
        "unlabelled.png": picture(),
        "caption.txt": b"cut\ta\nempty\tb\nfine\tc\nmissing\td\n",
    }
    samples = {sample.name: sample for sample in open_dataset(pack(tmp_path, files))}
    assert {name: sample.label for name, sample in samples.items()} == {
        "cut": "a",
        "empty": "b",
        "fine": "c",
        "missing": "d",
        "unlabelled": "",
    }
    failed = {name: sample.error for name, sample in samples.items() if sample.error}
    assert failed.keys() == {"cut", "empty", "missing"}
    assert "cut: damaged or truncated image" in (failed["cut"] or "")
    assert "missing: named in caption.txt but not there" in (failed["missing"] or "")
    with pytest.raises(InputError, match="named in caption"):
        samples["missing"].image()


def test_unreadable_inkml_is_a_sample_with_an_error(tmp_path: Path) -> None:
    files = {"1.inkml": b"", "2.inkml": b"<ink><trace>1 NaN</trace></ink>", "caption.txt": b"2\tx"}
    first, second = open_dataset(pack(tmp_path, files))
    assert (first.label, second.label) == ("", "x")
    assert "empty" in (first.error or "")
    assert "NaN" in (second.error or "")


def test_one_ink_file_is_a_data_set(tmp_path: Path) -> None:
    (sample,) = open_dataset(f"{pack(tmp_path, {'one.inkml': INKML})}/one.inkml")
    assert (sample.name, sample.label) == ("one", "x ^ { 2 }")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"readme.txt": b""}, "no InkML and no images"),
        ({"a.png": picture()}, "images without labels; put a caption.txt beside them"),
    ],
)
def test_what_is_no_data_set_is_told(tmp_path: Path, files: dict[str, bytes], message: str) -> None:
    with pytest.raises(InputError, match=message):
        open_dataset(pack(tmp_path, files))


@pytest.mark.data
def test_crohme_train_has_two_files_more_than_captions(
    data_file: Callable[[str], Path],
) -> None:
    samples = open_dataset(str(data_file("crohme.zip")), "train")
    assert len(samples) == 8836
    named = {sample.name: sample for sample in samples}
    assert named["MfrDB0104"].label.startswith(r"c \cdot ( \sqrt [ 3 ] { 2 } )")
    assert named["MfrDB3088"].label == ""
    assert "empty" in (named["MfrDB3088"].error or "")


@pytest.mark.data
def test_both_forms_of_the_2014_test_are_the_same_expressions(
    data_file: Callable[[str], Path],
) -> None:
    drawn = open_dataset(str(data_file("crohme.zip")), "test2014")
    painted = open_dataset(str(data_file("crohme2014-offline.zip")))
    assert len(drawn) == 986
    assert {s.name: s.label for s in drawn} == {s.name: s.label for s in painted}
    assert all(np.mean(sample.image()) > 150 for sample in painted)


@pytest.mark.data
def test_raw_captions_of_scans_become_labels(data_file: Callable[[str], Path]) -> None:
    samples = open_dataset(str(data_file("scan-crops.zip")))
    assert len(samples) == 741
    assert samples[0].label == r"y - y _ { 1 } = m \times ( x - x _ { 1 } )"
    assert all(sample.label and np.median(sample.image()) > 150 for sample in samples[:50])


def test_images_without_a_caption_count_beside_inkml_as_they_do_without(tmp_path: Path) -> None:
    files = {"1.inkml": INKML, "1.png": picture(), "2.png": picture(), "3.png": picture()}
    path = pack(tmp_path, files | {"caption.txt": b"2\tx\n"})
    samples = open_dataset(str(path))
    # The image of 1 is a drawing of its ink.
    assert [(s.file, s.label) for s in samples][1:] == [("2.png", "x"), ("3.png", "")]


def test_what_is_passed_over_of_a_data_set_is_told_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "b.png").write_bytes(picture())
    folder = tmp_path / "near"
    folder.mkdir()
    (folder / "a.png").write_bytes(picture())
    (folder / "caption.txt").write_text("a\tx\na\ty\n")
    (folder / "link").symlink_to("../far")
    assert [s.label for s in open_dataset(str(folder))] == ["x"]
    open_dataset(str(folder))
    assert capsys.readouterr().err.splitlines() == [
        f"hmer: {folder}: 1 linked folder passed over ({folder}/link); name what is to be read",
        f"hmer: {folder}: caption.txt has another label further down for what has one already (a); "
        "the first counts",
    ]


def test_an_image_of_another_caption_is_no_drawing_of_the_ink_of_its_name(tmp_path: Path) -> None:
    files = {"ink/1.inkml": INKML, "scans/1.png": picture(), "scans/2.png": picture()}
    files |= {"scans/caption.txt": b"1\tx\n2\ty\n"}
    samples = open_dataset(pack(tmp_path, files))
    assert [(s.file, s.label) for s in samples] == [
        ("ink/1.inkml", "x ^ { 2 }"),
        ("scans/1.png", "x"),
        ("scans/2.png", "y"),
    ]
    files = {"ink/1.inkml": INKML, "img/1.png": picture(), "caption.txt": b"1\tx\n"}
    (tmp_path / "two").mkdir()
    (sample,) = open_dataset(pack(tmp_path / "two", files))
    assert (sample.file, sample.label) == ("ink/1.inkml", "x")


@pytest.mark.parametrize(
    ("file", "line", "said"),
    [
        ("b.png", "a.png", "a: named in caption.txt but not there; add its file"),
        ("a.pdf", "a.pdf", "a.pdf is neither an image nor InkML"),
        ("a.pdf", "a", "a.pdf is neither an image nor InkML"),
        ("img/a.png", "labels/a", "labels/caption.txt, which is not for img/a.png"),
    ],
)
def test_a_caption_without_its_file_says_what_is_there_instead(
    tmp_path: Path, file: str, line: str, said: str
) -> None:
    folder = "labels/" if "labels" in line else ""
    files = {file: picture(), f"{folder}caption.txt": f"{line.removeprefix('labels/')}\tx".encode()}
    lost = [s for s in open_dataset(pack(tmp_path, files | {"z.png": picture()})) if s.file is None]
    assert [s.label for s in lost] == ["x"]
    assert said in (lost[0].error or "")


def test_photos_of_iphones_have_captions_too(tmp_path: Path) -> None:
    photo = (Path(__file__).parent / "fixtures" / "cross.heic").read_bytes()
    samples = open_dataset(pack(tmp_path, {"a.HEIC": photo, "caption.txt": b"a\tx\n"}))
    assert [(s.name, s.file, s.label) for s in samples] == [("a", "a.HEIC", "x")]
