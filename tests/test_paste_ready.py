"""What is read of real handwriting compiles in one document, and KaTeX sets it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from test_convert import DOCUMENT
from test_expr_to_latex import KATEX

from hmer_cli.commands.convert import convert
from hmer_cli.document.records import Record

ANSWERS = 500


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("paste")


@pytest.fixture(scope="module")
def records(folder: Path, data_file: Callable[[str], Path]) -> list[Record]:
    """500 expressions of CROHME 2014 and the notes, converted to ``eqs.tex``."""
    with zipfile.ZipFile(data_file("crohme.zip")) as archive:
        names = [name for name in archive.namelist() if "TestEM2014GT/" in name]
        inks = sorted(name for name in names if name.endswith(".inkml"))[:ANSWERS]
        (folder / "crohme").mkdir()
        for name in inks:
            (folder / "crohme" / Path(name).name).write_bytes(archive.read(name))
    inputs = [str(folder / "crohme"), str(data_file("notes"))]
    records = convert(inputs, [str(folder / "eqs.tex")], jobs=1, cache=folder / "cache")
    assert sum(record.source.endswith(".inkml") for record in records) >= ANSWERS
    return records


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.tex
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex not found")
def test_it_compiles_in_one_document(folder: Path, records: list[Record]) -> None:
    (folder / "doc.tex").write_text(DOCUMENT % ("", r"\input{eqs}"))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "doc.tex"]
    run = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    assert run.returncode == 0, run.stdout[-2000:]
    assert "Package hmer Warning" not in (folder / "doc.log").read_text("latin-1")


@pytest.mark.slow
@pytest.mark.data
def test_katex_sets_it_under_strict(records: list[Record]) -> None:
    node = shutil.which("node")
    if node is None or subprocess.run([node, "-e", 'require("katex")'], check=False).returncode:
        pytest.skip("KaTeX not found")
    typed = [record.latex for record in records if record.usable]
    assert len(typed) > ANSWERS
    run = subprocess.run(
        [node, "-e", KATEX],
        input=json.dumps(typed),
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )
    assert json.loads(run.stdout) == []
