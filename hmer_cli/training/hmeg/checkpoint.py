"""Checkpoint of a training run of the glyph or painter networks, in one file.

Parameters, optimisers and random state; written atomically.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from hmer_cli.errors import InputError
from hmer_cli.training import checkpoint

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
