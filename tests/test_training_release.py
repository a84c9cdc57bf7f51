"""The release: stages that are done are passed over, and the whole chain runs at toy size."""

from __future__ import annotations

import contextlib
import hashlib
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("msgspec")
pytest.importorskip("lightgbm")

from hmer_cli.commands import release as verb
from hmer_cli.errors import InputError, MissingError, UsageError
from hmer_cli.page.detect.detector import FILES, Detector
from hmer_cli.training import stages
from hmer_cli.training.recipe import Recipe
from hmer_cli.training.release import Job, Runner, Scores, load_release
from hmer_cli.training.stages import KINDS

pytestmark = pytest.mark.torch

TRAIN = Path(__file__).parent.parent / "train"
PLAN = """
[data]
letters = "letters.txt"
[[stage]]
name = "first"
kind = "copy"
output = "a.txt"
uses = ["letters"]
scores = { size = 3 }
[[stage]]
name = "second"
kind = "copy"
output = "b.txt"
from = ["first"]
"""


class Copies:
    """A kind of stage that copies what it is given, and counts how often it does."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def __call__(self, job: Job) -> Scores:
        self.made.append(job.stage.name)
        given = [*job.data.values(), *job.outputs.values()]
        job.output.write_bytes(b"".join(path.read_bytes() for path in given))
        return {"size": float(job.output.stat().st_size)}


@contextlib.contextmanager
def silent(what: str, total: int) -> Iterator[object]:
    yield lambda done, found: None


def runner(folder: Path, copies: Copies, plan: str = PLAN) -> Runner:
    (folder / "plan.toml").write_text(plan)
    kinds = {"copy": copies}
    release = load_release(folder / "plan.toml", kinds)
    return Runner(release, folder, folder, folder / "out", kinds, lambda line: None, silent)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "letters.txt").write_text("abc")
    return tmp_path


def test_what_is_done_is_passed_over_and_what_is_damaged_is_made_anew(folder: Path) -> None:
    copies = Copies()
    assert runner(folder, copies).run() == []
    assert (folder / "out" / "weights" / "b.txt").read_text() == "abc"
    assert runner(folder, copies).run() == [] and copies.made == ["first", "second"]
    (folder / "out" / "second" / "b.txt").write_text("broken")
    assert runner(folder, copies).run() == [] and copies.made == ["first", "second", "second"]


def test_a_stage_can_be_run_with_no_more_than_it_comes_from(folder: Path) -> None:
    copies = Copies()
    runner(folder, copies).run(["first"])
    assert copies.made == ["first"]
    with pytest.raises(UsageError, match=r"no stage 'third'.*first, second"):
        runner(folder, copies).run(["third"])


def test_a_stage_that_was_interrupted_finds_what_it_left(folder: Path) -> None:
    found: list[bool] = []

    def halting(job: Job) -> Scores:
        found.append((job.folder / "half").is_file())
        (job.folder / "half").write_text("")
        if not found[-1]:
            raise KeyboardInterrupt
        return Copies()(job)

    whole = runner(folder, Copies())
    whole.kinds = {"copy": halting}
    with pytest.raises(KeyboardInterrupt):
        whole.run(["first"])
    assert whole.run(["first"]) == [] and found == [False, True]


def test_nothing_is_mixed_with_what_other_settings_or_data_made(folder: Path) -> None:
    runner(folder, Copies()).run()
    other = PLAN.replace('from = ["first"]', 'from = ["first"]\nseed = 7')
    with pytest.raises(UsageError, match=r"second was made or begun with other settings"):
        runner(folder, Copies(), other).run()
    (folder / "letters.txt").write_text("abd")
    with pytest.raises(UsageError, match=r"first was made or begun with other"):
        runner(folder, Copies()).run()


def test_a_stage_that_left_nothing_can_be_begun_with_other_data(folder: Path) -> None:
    def failing(job: Job) -> Scores:
        raise InputError("no")

    first = runner(folder, Copies())
    first.kinds = {"copy": failing}
    with pytest.raises(InputError):
        first.run()
    (folder / "letters.txt").write_text("abd")
    assert runner(folder, Copies()).run() == []


def test_outputs_of_one_name_are_all_there(folder: Path) -> None:
    plan = PLAN.replace("a.txt", "best.pt").replace("b.txt", "best.pt")
    runner(folder, Copies(), plan).run()
    found = {path.name for path in (folder / "out" / "weights").iterdir()}
    assert found == {"first.pt", "second.pt"}


def test_a_run_does_without_optional_symbols_that_are_missing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[tuple[str, ...]] = []

    def train(plan: Recipe, *given: object) -> None:
        used.append(plan.recomposition.symbols)
        raise InputError("no")

    monkeypatch.setattr(stages, "train_recogniser", train)
    (folder / "a.toml").write_text('[recomposition]\nsymbols = ["pen.gz", "mouse.gz"]\n')
    (folder / "plan.toml").write_text(
        """
        optional = ["mouse"]
        data = { crohme = "letters.txt", pen = "pen.gz", mouse = "mouse.gz" }
        [[stage]]
        name = "reader"
        kind = "recogniser"
        recipe = "a.toml"
        output = "best.pt"
        uses = ["crohme", "pen", "mouse"]
        """
    )
    (folder / "pen.gz").write_text("")
    release, said = load_release(folder / "plan.toml", KINDS), list[str]()
    run = Runner(release, folder, folder, folder / "out", KINDS, said.append, silent)
    with pytest.raises(InputError):
        run.run()
    assert "mouse.gz, which is missing" in " ".join(said)
    (folder / "mouse.gz").write_text("")
    with pytest.raises(InputError):
        run.run()
    assert used == [("pen.gz",), ("pen.gz", "mouse.gz")]


def test_a_result_that_is_not_that_of_the_release_is_told(folder: Path) -> None:
    (folder / "letters.txt").write_text("abcd")
    assert runner(folder, Copies()).run() == ["first: size is 4, not 3"]
    other = PLAN.replace('output = "a.txt"', f'output = "a.txt"\nsha256 = "{"0" * 64}"')
    (wrong, told) = runner(folder, Copies(), other).run()
    assert "size" in wrong and "SHA-256" in told


def test_missing_data_is_told_with_its_stage(folder: Path) -> None:
    (folder / "letters.txt").unlink()
    with pytest.raises(InputError, match=r"letters\.txt is missing; first needs it"):
        runner(folder, Copies()).run()


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('kind = "copy"', 'kind = "melt"', "kind: no melt"),
        ('from = ["first"]', 'from = ["second"]', "from: no second"),
        ('name = "second"', 'name = "first"', "first"),
        ('uses = ["letters"]', 'uses = ["numbers"]', "uses: no numbers"),
        ('output = "a.txt"', "output = 3", "Expected `str`"),
        ('output = "a.txt"', 'output = "a.txt"\nspeed = 3', "speed"),
        ("[data]", "[data", "no release"),
    ],
)
def test_a_wrong_release_is_refused_and_told(folder: Path, old: str, new: str, fault: str) -> None:
    with pytest.raises(UsageError, match=fault):
        runner(folder, Copies(), PLAN.replace(old, new))


def test_the_release_of_the_project_makes_the_files_of_the_detector() -> None:
    release = load_release(TRAIN / "release.toml", KINDS)
    assert set(FILES) < {stage.output for stage in release.stage}
    assert all((TRAIN / stage.recipe).exists() for stage in release.stage)


def test_fonts_are_found_by_name_and_missing_ones_told(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "B.ttf").write_text("")
    (tmp_path / "A.otf").write_text("")
    assert [path.name for path in verb.find_fonts(["B.ttf", "A.otf"], [tmp_path])] == [
        "B.ttf",
        "A.otf",
    ]
    with pytest.raises(MissingError, match=r"C\.ttf.*Debian"):
        verb.find_fonts(["A.otf", "C.ttf"], [tmp_path])


def test_recipes_that_records_cite_stay_as_they_are() -> None:
    """A recipe that was run is a record: another run gets another file. Comments may change."""
    known = json.loads((TRAIN / "recipes" / "sha256.json").read_text(encoding="utf-8"))
    found = {path.name: values_digest(path) for path in (TRAIN / "recipes").glob("*.toml")}
    records = (TRAIN / "RECORDS.md").read_text(encoding="utf-8")
    cited = {name: digest for name, digest in found.items() if f"recipes/{name}" in records}
    assert {name: found.get(name) for name in known} == known
    assert cited.items() <= known.items(), (
        f"add them to sha256.json: {cited.items() - known.items()}"
    )


def values_digest(path: Path) -> str:
    """The SHA-256 of what a recipe says, comments aside."""
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def test_the_whole_release_runs_at_toy_size(tmp_path: Path) -> None:
    assert verb.release(TRAIN / "release.toml", None, tmp_path, toy=True) == []
    weights = tmp_path / "weights"
    assert Detector(weights)
    from hmer_cli.recognition.recogniser import Recogniser

    recogniser = Recogniser.load(str(weights / "hmer-1.onnx"))
    assert recogniser.model == "hmer-1"
    assert {"graph", "graph2"} <= recogniser.metadata.keys()  # as the shipped hmer-wide-9
