"""What was computed last of small images is given again, but only of equal pixels."""

from __future__ import annotations

import threading

import numpy as np

from hmer_cli.page.clean.remembered import remembered
from hmer_cli.page.load.images import Pixels


def test_equal_pixels_are_computed_once_and_changed_ones_anew() -> None:
    seen: list[int] = []

    @remembered
    def darkest(image: Pixels) -> int:
        seen.append(int(image.min()))
        return seen[-1]

    image = np.full((4, 5), 200, np.uint8)
    assert [darkest(image), darkest(image.copy()), darkest(image.reshape(5, 4))] == [200] * 3
    assert len(seen) == 2  # of another shape it is another image
    image[1, 2] = 7  # in place
    assert darkest(image) == 7


def test_nobody_writes_into_what_others_are_given() -> None:
    inverted = remembered(lambda image: np.invert(image))
    image = np.full((4, 5), 200, np.uint8)
    for _ in range(3):
        mask = inverted(image)
        assert (mask == 55).all()
        mask[1] = 0


def test_results_do_not_change_with_the_image_they_are_of() -> None:
    @remembered
    def itself(image: Pixels) -> Pixels:
        return image

    page = np.full((40, 50), 200, np.uint8)
    part = page[:4, :5]
    found = itself(part)
    part[:] = 7
    assert (found == 200).all() and not np.shares_memory(found, page)
    assert (itself(np.full((4, 5), 200, np.uint8)) == 200).all()


def test_large_images_are_not_kept() -> None:
    count = 0

    @remembered
    def counted(image: Pixels) -> int:
        nonlocal count
        count += 1
        return count

    image = np.zeros((1000, 1000), np.uint8)
    assert [counted(image), counted(image)] == [1, 2]


def test_threads_keep_their_own() -> None:
    calls: list[str] = []

    @remembered
    def named(image: Pixels) -> str:
        calls.append(threading.current_thread().name)
        return calls[-1]

    image = np.zeros((3, 3), np.uint8)
    thread = threading.Thread(target=named, args=(image,), name="other")
    thread.start()
    thread.join()
    assert (named(image), calls[0]) == (threading.current_thread().name, "other")
