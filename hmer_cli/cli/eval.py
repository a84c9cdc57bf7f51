"""``hmer eval``: options and help.

The work is done by `hmer_cli.commands.eval`, which is imported when the command is called.
"""

from __future__ import annotations

from typing import Annotated

import typer

from hmer_cli.cli.shared import CharsetOption, ModelOption, completes_to, end

_SPLITS = ("train", "test2013", "test2014", "test2016", "test2019", "test2023")


def evaluate(
    dataset: Annotated[
        str,
        typer.Argument(
            metavar="DATASET",
            help="A CROHME package; InkML; images with caption.txt; pages with a JSON each: "
            "a folder or zip.",
            show_default=False,
        ),
    ],
    split: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Of a CROHME package: train, test2013, test2014, ...",
            autocompletion=completes_to(*_SPLITS),
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option(metavar="N", help="The first N by name.")] = None,
    sample: Annotated[int | None, typer.Option(metavar="N", help="N drawn at random.")] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Another seed, another sample.")] = 0,
    pages: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Where the files of the pages are, if not beside."),
    ] = None,
    json: Annotated[
        str | None, typer.Option(metavar="FILE", help="Scores as JSON; - is stdout.")
    ] = None,
    predictions: Annotated[
        str | None, typer.Option(metavar="FILE", help="Every prediction, as TSV; - is stdout.")
    ] = None,
    worst: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Of pages: pictures of the worst, with their boxes."),
    ] = None,
    lg: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Label graphs (.lg) of truths and predictions."),
    ] = None,
    model: ModelOption = None,
    charset: CharsetOption = None,
    ctc: Annotated[
        bool, typer.Option("--ctc", help="The CTC model only, without graph models or decoder.")
    ] = False,
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
