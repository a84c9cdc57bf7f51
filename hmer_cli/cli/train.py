"""``hmer train``: options and help.

The work is done by `hmer_cli.commands.train` or, for a release, `hmer_cli.commands.release`, which
are imported when the command is called.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hmer_cli.cli.shared import end
from hmer_cli.errors import UsageError

RecipeArgument = Annotated[
    Path | None,
    typer.Argument(metavar="[RECIPE]", help="A file of train/recipes.", show_default=False),
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="A CROHME package or any labelled data set; of a release, their folder.",
        show_default=False,
    ),
]
MoreOption = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="PATH",
        help="Learn from all of this data set too; may be given often.",
        show_default=False,
    ),
]
OutOption = Annotated[
    Path | None,
    typer.Option(
        "--out", "-o", metavar="DIR", help="Weights, curves and record; runs/RECIPE if unset."
    ),
]
StartOption = Annotated[
    str | None,
    typer.Option("--from", metavar="NAME", help="Weights to begin with: a name or a file."),
]
ChangesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Another value for the recipe, as schedule.images=20000; may be given often.",
        show_default=False,
    ),
]
ReleaseOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Instead of one recipe, all stages of train/release.toml that are not done.",
        show_default=False,
    ),
]
StagesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--stage",
        metavar="NAME",
        help="Of a release: this stage and what it comes from; may be given often.",
        show_default=False,
    ),
]
ToyOption = Annotated[
    bool, typer.Option("--toy", help="Of a release: a toy run of minutes, on data of its own.")
]


def train(
    recipe: RecipeArgument = None,
    data: DataOption = None,
    more: MoreOption = None,
    out: OutOption = None,
    start: StartOption = None,
    changes: ChangesOption = None,
    release: ReleaseOption = None,
    stages: StagesOption = None,
    toy: ToyOption = False,
) -> None:
    """Train a recogniser, or everything that ships, or go on with a run that was interrupted.

    On several GPUs: torchrun --nproc_per_node=N -m hmer_cli.cli train ...
    """
    if (recipe is None) == (release is None):
        raise UsageError("name either a RECIPE or a --release")
    if recipe is None and release is not None:
        if more or start or changes:
            raise UsageError("--more, --from and --set change a RECIPE", "edit the release instead")
        from hmer_cli.commands import release as whole

        folder = out or Path("runs") / (f"{release.stem}-toy" if toy else release.stem)
        end(whole.outcome(whole.release(release, data, folder, stages or (), toy)))
    elif recipe is not None:
        if stages or toy:
            raise UsageError("--stage and --toy are of a --release", "leave them out")
        if data is None:
            raise UsageError("no data is named", "give --data PATH")
        from hmer_cli.commands import train as verb

        target = out or Path("runs") / recipe.stem
        verb.train(recipe, data, target, start, changes or (), more or ())
