"""The labels of the research data: CROHME's captions, its InkML, scans and physics formulas."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from hmer_cli.data.captions import Captions
from hmer_cli.data.store import open_store
from hmer_cli.expr.latex import normalise
from hmer_cli.expr.tokens import join, tokenize
from hmer_cli.expr.tree import LabelError, parse, to_tokens
from hmer_cli.expr.validity import problems
from hmer_cli.ink.inkml import read_inkml

DataFile = Callable[[str], Path]

pytestmark = pytest.mark.data


def captions(path: Path) -> dict[str, str]:
    """The labels of every caption.txt in an archive, by split and name."""
    with zipfile.ZipFile(path) as archive:
        return {
            f"{PurePosixPath(name).parent.name}/{line.split(maxsplit=1)[0]}": line.split("\t")[1]
            for name in archive.namelist()
            if name.endswith("caption.txt")
            for line in io.TextIOWrapper(archive.open(name), "utf-8")
        }


@pytest.fixture(scope="module")
def crohme(data_file: DataFile) -> dict[str, str]:
    return {k: join(tokenize(v)) for k, v in captions(data_file("crohme.zip")).items()}


def test_every_caption_is_valid(crohme: dict[str, str]) -> None:
    assert len(crohme) == 9820
    assert {name: p for name, label in crohme.items() if (p := problems(label))} == {}


def test_every_caption_is_the_spelling_of_its_tree(crohme: dict[str, str]) -> None:
    changed = [c for c in crohme.values() if join(to_tokens(parse(tokenize(c)))) != c]
    assert changed == []


def test_the_normaliser_leaves_every_caption_alone(crohme: dict[str, str]) -> None:
    assert [label for label in crohme.values() if normalise(label) != label] == []


def valid_share(sources: list[str]) -> float:
    """The share of raw LaTeX that becomes a valid label."""

    def valid(source: str) -> bool:
        try:
            return not problems(normalise(source))
        except LabelError:
            return False

    return sum(map(valid, sources)) / len(sources)


def test_raw_captions_of_scans_become_valid_labels(data_file: DataFile) -> None:
    assert valid_share(list(captions(data_file("scan-crops.zip")).values())) >= 0.997


@pytest.mark.slow
def test_physics_formulas_become_valid_labels(data_file: DataFile) -> None:
    lines = data_file("formulas.txt").read_text(encoding="utf-8").splitlines()
    assert valid_share(lines) >= 0.99


@pytest.mark.slow
def test_labels_derived_from_inkml_agree_with_the_captions(data_file: DataFile) -> None:
    """The shares of train/LABELS.md, which lists the causes of the rest."""
    store = open_store(data_file("crohme.zip"))
    known = Captions(store)
    equal: dict[str, list[bool]] = {"TrainINKML": [], "TestEM2014GT": []}
    for name in store.inks():
        caption = known.find(name)
        if caption is not None and (data := store.read(name)):
            split = next(part for part in PurePosixPath(name).parts if part in equal)
            equal[split].append(read_inkml(data, name).label == join(tokenize(caption)))
    assert {split: len(cases) for split, cases in equal.items()} == {
        "TrainINKML": 8834,
        "TestEM2014GT": 986,
    }
    assert sum(equal["TrainINKML"]) / 8834 >= 0.998
    assert sum(equal["TestEM2014GT"]) / 986 >= 0.994
