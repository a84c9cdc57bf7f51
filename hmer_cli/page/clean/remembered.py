"""What was computed last of small images: one step after another looks at the same pixels.

Input: a function of an image (H, W). Output: the same function, which gives its last results again
for equal pixels: images as copies, all else shared, so that nobody writes into it. Large images, of
which the copies would fill the memory, are computed each time.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import numpy as np

from hmer_cli.page.load.images import Pixels

_SMALL = 1 << 18  # pixels: images of one expression, convention
_LAST = 2  # results a thread keeps: of an image as it is, and as it is cleaned

Result = TypeVar("Result")


def remembered(function: Callable[[Pixels], Result]) -> Callable[[Pixels], Result]:
    """The function, with the last results of small images kept by each thread."""
    kept = threading.local()

    @wraps(function)
    def run(image: Pixels) -> Result:
        if image.size > _SMALL:
            return function(image)
        if not hasattr(kept, "results"):
            kept.results = deque(maxlen=_LAST)
        key = image.shape, image.tobytes(), image.dtype
        for known, result in kept.results:
            if known == key:
                return _own(result)
        # Of a copy: a result may hold the pixels, and shall neither change with the image nor keep
        # the page in memory of which that is a part.
        result = function(image.copy())
        kept.results.append((key, result))
        return _own(result)

    return run


def _own(result: Any) -> Any:
    return result.copy() if isinstance(result, np.ndarray) else result
