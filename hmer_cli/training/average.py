"""Average the weights of runs that began with one another, and make a weights file of them.

    python train/average.py train/recipes/wide.toml runs/wide3 runs/wide2 \
        --data ../shared/data/crohme.zip --out runs/average

Models on one slope of the loss: their mean lies lower than either (Izmailov et al., UAI 2018;
Wortsman et al., ICML 2022). Batch norm's means are taken anew, as none of the runs has those of the
mean. The recipe and the log are those of the first run.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hmer_cli.commands.train import deliver, shown
from hmer_cli.networks.layers import set_drop_rates
from hmer_cli.training.batches.images import Batch
from hmer_cli.training.loop import BEST, LOG
from hmer_cli.training.recipe import load
from hmer_cli.training.registry import load_system

BATCHES, EVERY, SEED = 120, 3, 0
"""Training batches that tell the means anew, and of how many expressions one is drawn for them."""


def main() -> None:
    """Average, settle, deliver."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("recipe", type=Path)
    told = "folders that hmer train wrote; one named twice counts twice"
    parser.add_argument("runs", type=Path, nargs="+", help=told)
    parser.add_argument("--data", type=Path, required=True, help="the CROHME package")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    plan = load(given.recipe)
    system, content = load_system(given.runs[0] / BEST)
    states = [system.model.state_dict()]
    states += [load_system(run / BEST)[0].model.state_dict() for run in given.runs[1:]]
    system.model.load_state_dict(mean(states))
    settle(system.model, shown(system, plan, given.data, BATCHES, EVERY, SEED))
    given.out.mkdir(parents=True, exist_ok=True)
    torch.save({**content, "average": system.model.state_dict()}, given.out / BEST)
    shutil.copyfile(given.runs[0] / LOG, given.out / LOG)
    deliver(plan, given.data, given.out, shlex.join(["python", *sys.argv]))


def mean(states: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of every parameter that the first has; what counts is that of the first.

    What some have not, as readers of images alone no stem for motion, is the mean of the others.
    """
    first, *_ = states
    known = {name: [state[name] for state in states if name in state] for name in first}
    return {
        name: torch.stack(known[name]).mean(dim=0) if value.is_floating_point() else value
        for name, value in first.items()
    }


@torch.no_grad()
def settle(model: Any, batches: list[Batch]) -> None:
    """Take the running means and deviations of batch norm anew, each batch counting the same."""
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None
    set_drop_rates(model, 0.0, 0.0)
    model.train()
    with torch.autocast("cpu", torch.bfloat16):
        for batch in batches:
            model.encoder(batch.given(model.shape.channels))
    model.eval()


if __name__ == "__main__":
    main()
