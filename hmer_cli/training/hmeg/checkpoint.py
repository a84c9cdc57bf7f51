"""Checkpoints and logs of the training runs of HMEG's networks.

A checkpoint holds parameters, optimisers and random state in one file; it is written atomically. A
log has a line of JSON for each stretch of a run: the means of its losses.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from hmer_cli.console import Say
from hmer_cli.errors import InputError
from hmer_cli.training import checkpoint

STEPS = "steps"
"""Key of the number of steps among sums of losses."""

Parts = Mapping[str, nn.Module | torch.optim.Optimizer]


def save(
    path: Path,
    parts: Parts,
    tokens: Sequence[str],
    plan: Mapping[str, Any],
    done: int,
    generator: torch.Generator,
) -> None:
    """Write the states of all parts after ``done`` steps; the old file stays until that is done."""
    content: dict[str, Any] = {key: part.state_dict() for key, part in parts.items()}
    content |= {"plan": dict(plan), "done": done, "tokens": tokens}
    checkpoint.write(path, {**content, "generator": generator.get_state()})


def resume(path: Path, parts: Parts, plan: Mapping[str, Any], generator: torch.Generator) -> int:
    """Give all parts the states of a checkpoint if there is one; the steps that it has done.

    Another number of steps is no other plan. Raises InputError where it is of another plan.
    """
    if not path.exists():
        return 0
    content = checkpoint.read(path, ("plan", "done", "generator", *parts), checkpoint.ANEW)
    if {**content["plan"], "steps": 0} != {**plan, "steps": 0}:
        raise InputError(f"{path} is of another plan", "choose another folder")
    for key, part in parts.items():
        part.load_state_dict(content[key])
    generator.set_state(content["generator"])
    done: int = content["done"]
    return done


def report(log: Path, sums: Counter[str], done: int, begun: float, say: Say) -> None:
    """Add the means of losses since the last line to the log, and tell them; clears the ``sums``.

    ``done`` are the steps so far, ``begun`` the CPU seconds of the process when it began.
    """
    count = sums.pop(STEPS)
    line: dict[str, float] = {key: round(value / count, 4) for key, value in sums.items()}
    line |= {"step": done, "cpu": round(time.process_time() - begun, 1)}
    checkpoint.add_line(log, line)
    say(", ".join(f"{key} {value}" for key, value in line.items()))
    sums.clear()
