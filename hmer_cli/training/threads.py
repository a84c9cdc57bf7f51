"""A context in which torch and OpenCV use one thread.

For networks too small to gain from several, and for results that do not depend on the cores.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import torch


@contextmanager
def single_threaded() -> Iterator[None]:
    """Torch and OpenCV on one thread inside, as before outside; results do not depend on cores."""
    before, drawing = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
        cv2.setNumThreads(drawing)
