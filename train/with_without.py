r"""Build the data sets that answer whether written expressions help a recogniser.

    python train/with_without.py ../shared/data/crohme.zip --out runs/with

Four archives: CROHME's training set (all) and every tenth expression of it (tenth), and each with
as many expressions again as all of it has, written by the ink engine (all-ink, tenth-ink): labels
of the expressions that are kept, and as many that the grammar invents. All hold the tests of 2013
and 2014. Then train the same recipe on each from chance, and compare:

    for name in tenth tenth-ink all all-ink; do
        hmer train train/recipes/with-without.toml --data runs/with/$name.zip --out runs/with/$name
    done

or go on with weights that know all of CROHME, which a tenth of it can teach nothing:

    for name in all all-ink; do
        hmer train train/recipes/wide.toml --from hmer-wide-3 --data runs/with/$name.zip \
            --set recomposition.share=0 --set schedule.minutes=10 --set schedule.rate=1e-4 \
            --set name=wide-$name --out runs/with/wide-$name
    done
"""

from __future__ import annotations

import argparse
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from hmer_cli.errors import InputError
from hmer_cli.ink.inkml import write_inkml
from hmer_cli.learn.datasets import Sample, open_dataset
from hmer_cli.write.engine import InkEngine
from hmer_cli.write.phrases import Phrases

SETS = {"tenth": 10, "all": 1}
"""Names, and of how many training expressions one is kept."""

FOLDERS = {"train": "TrainINKML", "test2013": "TestINKMLGT", "test2014": "TestEM2014GT"}
SEED = 1


def main() -> None:
    """Write the archives."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", help="the CROHME package, folder or zip")
    parser.add_argument("--out", type=Path, default=Path("runs/with"))
    parser.add_argument("--count", type=int, help="how many to write; else as many as people wrote")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    splits = {name: list(readable(open_dataset(given.data, name))) for name in FOLDERS}
    count = given.count or len(splits["train"])
    for name, every in SETS.items():
        kept = splits["train"][::every]
        for suffix, more in (("", 0), ("-ink", count)):
            path = given.out / f"{name}{suffix}.zip"
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                for split, samples in (splits | {"train": kept}).items():
                    put(archive, split, samples)
                for number, ink in enumerate(written([s.label for s in kept], more)):
                    place = PurePosixPath(FOLDERS["train"], "written", f"{number:05}.inkml")
                    archive.writestr(str(place), ink)
            sys.stderr.write(f"{path}: {len(kept)} of people, {more} written\n")


def readable(samples: Sequence[Sample]) -> Iterator[Sample]:
    """Those with a label and ink."""
    for sample in samples:
        try:
            if sample.label and sample.ink is not None:
                yield sample
        except InputError:
            continue


def put(archive: zipfile.ZipFile, split: str, samples: Sequence[Sample]) -> None:
    """The samples as InkML of that split, each with the label that the data set gives it."""
    for sample in samples:
        assert sample.ink is not None
        content = write_inkml(sample.ink.with_label(sample.label))
        archive.writestr(f"{FOLDERS[split]}/people/{sample.name}.inkml", content)


def written(labels: Sequence[str], count: int) -> Iterator[bytes]:
    """InkML of so many expressions, each in a hand of its own: half of them these labels."""
    engine, phrases = InkEngine(), Phrases()
    for index in range(count):
        rng = np.random.default_rng((SEED, index))
        while True:
            label = str(rng.choice(labels)) if index % 2 else phrases.sample(rng)
            try:
                done = engine.write(label, int(rng.integers(2**32)), rng)
            except InputError:
                continue
            break
        assert done.ink is not None
        yield write_inkml(done.ink)


if __name__ == "__main__":
    main()
