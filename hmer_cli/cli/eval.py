"""``hmer eval``: options and help.

The work is done by `hmer_cli.commands.eval`, which is imported when the command is called.
"""

from __future__ import annotations

from typing import Annotated

import typer

from hmer_cli.cli.shared import CharsetOption, ModelOption, completes_to, end

_SPLITS = ("train", "test2013", "test2014", "test2016", "test2019", "test2023")


DatasetArgument = Annotated[
    str,
    typer.Argument(
        metavar="DATASET",
        help="A CROHME package; InkML; images with caption.txt; pages with a JSON each: "
        "a folder or zip.",
        show_default=False,
    ),
]
SplitOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Of a CROHME package: train, test2013, test2014, ...",
        autocompletion=completes_to(*_SPLITS),
    ),
]
LimitOption = Annotated[int | None, typer.Option(metavar="N", help="The first N by name.")]
SampleOption = Annotated[int | None, typer.Option(metavar="N", help="N drawn at random.")]
SeedOption = Annotated[int, typer.Option(metavar="N", help="Another seed, another sample.")]
PagesOption = Annotated[
    str | None,
    typer.Option(metavar="DIR", help="Where the files of the pages are, if not beside."),
]
JsonOption = Annotated[
    str | None, typer.Option(metavar="FILE", help="Scores as JSON; - is stdout.")
]
PredictionsOption = Annotated[
    str | None, typer.Option(metavar="FILE", help="Every prediction, as TSV; - is stdout.")
]
WorstOption = Annotated[
    str | None,
    typer.Option(metavar="DIR", help="Of pages: pictures of the worst, with their boxes."),
]
LgOption = Annotated[
    str | None,
    typer.Option(metavar="DIR", help="Label graphs (.lg) of truths and predictions."),
]
CtcOption = Annotated[
    bool, typer.Option("--ctc", help="The CTC model only, without graph models or decoder.")
]


def evaluate(
    dataset: DatasetArgument,
    split: SplitOption = None,
    limit: LimitOption = None,
    sample: SampleOption = None,
    seed: SeedOption = 0,
    pages: PagesOption = None,
    json: JsonOption = None,
    predictions: PredictionsOption = None,
    worst: WorstOption = None,
    lg: LgOption = None,
    model: ModelOption = None,
    charset: CharsetOption = None,
    ctc: CtcOption = False,
) -> None:
    """Score the recogniser on a labelled data set: WER, CER, ExpRate and the errors."""
    from hmer_cli.commands import eval as verb

    found = verb.run(
        dataset,
        split,
        limit,
        sample=sample,
        seed=seed,
        pages=pages,
        json_file=json,
        predictions=predictions,
        worst=worst,
        lg=lg,
        model=model,
        charset=charset,
        ctc=ctc,
    )
    end(verb.outcome(found))
