"""The precision of training: mixed with bfloat16 where the device computes in it.

Input: a device. Output: the context of a forward pass. Processors without instructions for bfloat16
emulate it: a step of the graph model takes over twice as long as in float32 (AVX2).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import torch

_BFLOAT16 = ("avx512_bf16", "amx_bf16", "bf16")
"""Instructions of x86-64 and ARM, by the names of `torch.cpu.get_capabilities`."""


def autocast(device: torch.device) -> torch.autocast:
    """Mixed precision on ``device`` if it has bfloat16, else float32 as it is."""
    return torch.autocast(device.type, torch.bfloat16, enabled=_has_bfloat16(device.type))


@cache
def _has_bfloat16(kind: str) -> bool:
    if kind == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if kind != "cpu":
        return True
    # Older versions of PyTorch do not tell.
    found: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(found.get(name, False) for name in _BFLOAT16)
