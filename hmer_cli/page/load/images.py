"""Image files -> grayscale pixels, for any bit depth, palette, alpha channel or orientation.

Input: the bytes of a file. Output: (H, W) uint8. Raises InputError for what cannot be decoded.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import math
import re
import threading
import warnings
from collections.abc import Iterator
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, features

from hmer_cli.errors import InputError
from hmer_cli.geometry import MAX_SIDE
from hmer_cli.page.load.aspect import SQUARE, Times, squaring
from hmer_cli.page.load.colour import as_gray
from hmer_cli.page.load.exif import turn_of, turned
from hmer_cli.page.load.kinds import is_avif, is_heic
from hmer_cli.page.load.tiff import PageFile

Pixels = NDArray[np.uint8]
"""Grayscale of shape (H, W), 0 black to 255 white."""

MAX_PIXELS = 100_000_000
"""More than A3 at 600 dpi (70 million) and most cameras have, but for the full resolution of some
phones (108 or 200 million); larger files are refused by their header."""

AMPLE = 30_000_000
"""Pixels: more than any scan of A4 at 400 dpi has, convention; larger images are read reduced."""

_PLAIN = ("L", "RGB", "RGBA")  # modes whose means are those of what is seen
_REDUCIBLE = (*_PLAIN, "1", "P", "LA", "CMYK", "YCbCr")
_HEIC_READERS = ("pi_heif", "pillow_heif")  # the first only reads, and comes without GPL parts
_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF", "AVIF")
_STRIP = 1 << 22  # pixels that are computed with at a time

_FILTERING = threading.Lock()  # the filters of warnings are those of all threads


def decode(data: bytes, name: str, directory: int = 0) -> Pixels:
    """Decode to (H, W) uint8: rotated by EXIF, transparency composed on white. Raises InputError.

    ``directory``: offset of the page's directory in a TIFF (``tiff.py``); 0 is the first page.
    """
    with _opened(data, name, directory) as image:
        return _upright(image, name)


def is_by_libtiff(data: bytes, name: str, directory: int) -> bool:
    """Whether libtiff would unpack this page of a TIFF. Raises InputError."""
    with _opened(data, name, directory) as image:
        return any(tile[0] == "libtiff" for tile in image.tile)  # type: ignore[attr-defined]


def _upright(image: Image.Image, name: str) -> Pixels:
    try:
        with _of_any_size(image):
            image.load()
        upright = turned(image, turn_of(image))
        if upright is not image:
            image.close()  # its pixels are not needed twice
        return _gray(upright)
    except InputError:
        raise
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error
        raise _damaged(name, error) from error


def decode_reduced(data: bytes, name: str, directory: int = 0) -> tuple[Pixels, int]:
    """As ``decode``, with images of more than AMPLE pixels downscaled; and the integer factor.

    Downscaling (a box filter) saves memory: the recogniser sees symbols at about 20 pixels, and in
    an image of AMPLE pixels they are larger. Raises InputError.
    """
    with _opened(data, name, directory) as image:
        factor = math.ceil(math.sqrt(image.width * image.height / AMPLE))
        if factor == 1 or image.mode not in _REDUCIBLE:
            return _upright(image, name), 1
        try:
            small = _reduced(image, factor)
            return _gray(turned(small, turn_of(image))), factor  # loading a TIFF has turned it
        except Exception as error:
            raise _damaged(name, error) from error


def _reduced(image: Image.Image, factor: int) -> Image.Image:
    """The image downscaled by an integer factor; JPEG by its scaled decoding first."""
    width, height = (-(-side // factor) for side in image.size)
    image.draft(image.mode, (width, height))
    with _of_any_size(image):
        image.load()
    left = max(1, round(image.width / width))
    if left > 1:
        mode = "RGBA" if _is_clear(image) else "L" if image.mode == "L" else "RGB"
        small = Image.new(mode, (-(-image.width // left), -(-image.height // left)))
        rows = max(left, _STRIP // image.width // left * left)
        for top in range(0, image.height, rows):
            strip = image.crop((0, top, image.width, min(top + rows, image.height)))
            small.paste(strip.convert(mode).reduce(left), (0, top // left))
        image = small
    return image


def _is_clear(image: Image.Image) -> bool:
    """Whether something can be seen through an image. Writers of BMP leave alpha 0, and viewers
    ignore it."""
    if image.format == "BMP" and image.mode == "RGBA":
        return image.getchannel("A").getextrema() != (0, 0)
    return "A" in image.getbands() or "transparency" in image.info


def measure(data: bytes, name: str, directory: int = 0) -> int:
    """Number of pixels of the decoded image, from the header alone. Raises InputError."""
    if is_heic(data):
        width, height = _heic(data, name).size
        return width * height
    with _opened(data, name, directory) as image:
        return image.width * image.height


def measure_squaring(data: bytes, name: str, directory: int = 0) -> Times:
    """How many times wider and higher the upright image is to be drawn for square pixels, from the
    header alone. Raises InputError."""
    if is_heic(data):
        return SQUARE  # no HEIC names a resolution
    with _opened(data, name, directory) as image:
        try:
            return squaring(image)
        except Exception:  # of damaged headers, whose pixels tell what is wrong
            return SQUARE


def shrunk(image: Pixels, longest: int) -> Pixels:
    """The image with a longer side of at most ``longest`` pixels."""
    height, width = image.shape
    scale = longest / max(height, width, 1)
    if scale >= 1:
        return image
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _opened(data: bytes, name: str, directory: int) -> Image.Image:
    if is_heic(data):
        return _opened_heic(data, name)
    file = PageFile(data, directory) if directory else io.BytesIO(data)
    try:
        try:
            image = Image.open(file, formats=_FORMATS)
        except Image.DecompressionBombWarning:  # a program may have made it an error
            with _of_any_size():
                image = Image.open(file, formats=_FORMATS)
    except Image.DecompressionBombError as error:
        pixels = re.search(r"\d+", str(error))
        raise _too_large(name, int(pixels[0]) if pixels else 2 * MAX_PIXELS) from None
    except Exception as error:
        if is_avif(data) and not features.check("avif"):
            raise InputError(
                f"{name}: an AVIF image, which the installed Pillow cannot read",
                'pip install "pillow>=11.3", or save it as PNG',
            ) from None
        raise _damaged(name, error) from error
    _check_size(image.size, name)
    return image


@contextlib.contextmanager
def _of_any_size(image: Image.Image | None = None) -> Iterator[None]:
    """Without Pillow's warning of large images, whose limit is below MAX_PIXELS, for this while: a
    program keeps its own filters of warnings."""
    limit = Image.MAX_IMAGE_PIXELS
    if image is not None and (limit is None or image.width * image.height <= limit):
        yield
        return
    with _FILTERING, warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield


def _heic(data: bytes, name: str) -> Any:
    """The file, not decoded. Reading it takes a package that is not installed with hmer."""
    for package in _HEIC_READERS:
        with contextlib.suppress(ImportError):
            reader = importlib.import_module(package)
            break
    else:
        raise InputError(
            f"{name}: a HEIC photo, which takes a package to read",
            'pip install "hmer-cli[heic]", or save it as JPEG',
        )
    try:
        file = reader.open_heif(io.BytesIO(data), convert_hdr_to_8bit=True)
    except Exception as error:
        raise _damaged(name, error) from error
    _check_size(file.size, name)
    return file


def _opened_heic(data: bytes, name: str) -> Image.Image:
    """Upright already."""
    file = _heic(data, name)
    try:
        return cast(Image.Image, file.to_pillow())
    except Exception as error:
        raise _damaged(name, error) from error


def _check_size(size: tuple[int, int], name: str) -> None:
    width, height = size
    if width * height > MAX_PIXELS:
        raise _too_large(name, width * height)
    if max(size) > MAX_SIDE:
        raise InputError(
            f"{name}: image of {width} x {height} pixels, over the limit of {MAX_SIDE} a side",
            "cut it into parts",
        )


def _too_large(name: str, pixels: int) -> InputError:
    return InputError(
        f"{name}: image of {pixels / 1e6:.0f} million pixels, over the limit of "
        f"{MAX_PIXELS / 1e6:.0f} million",
        "scale it down or cut it into parts",
    )


def _damaged(name: str, error: Exception) -> InputError:
    return InputError(f"{name}: damaged or truncated image", "save or export it again")


def _gray(image: Image.Image) -> Pixels:
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _deep(np.asarray(image), image.mode.startswith("I;16"))
    if _is_clear(image):
        return _composite(image if image.mode in ("LA", "RGBA") else image.convert("RGBA"))
    if image.mode in ("1", "L"):
        return np.asarray(image.convert("L"))
    return as_gray(np.asarray(image.convert("RGB")))


def _strips(shape: tuple[int, ...]) -> Iterator[slice]:
    """Slices of rows of about _STRIP pixels, to bound the memory of intermediate results."""
    rows = max(1, _STRIP // max(shape[1], 1))
    return (slice(top, top + rows) for top in range(0, shape[0], rows))


def _deep(values: NDArray[Any], words: bool) -> Pixels:
    """16 bit by its high byte, if there is one; 32 bit and float, which name no white, by their
    finite range."""
    gray = np.empty(values.shape, np.uint8)
    low, high = _finite_range(values)
    if words and high <= 255:  # 8 bit in a wider file
        low, scale = 0.0, 1.0
    elif words or (low >= 0 and 255 < high <= 65535):
        low, scale = 0.0, 1 / 256
    else:
        scale = 255.0 / (high - low) if high > low else 0.0
    for rows in _strips(values.shape):
        strip = np.nan_to_num(values[rows].astype(np.float64), nan=high, posinf=high, neginf=low)
        gray[rows] = np.clip((strip - low) * scale, 0, 255)
    return gray


def _finite_range(values: NDArray[Any]) -> tuple[float, float]:
    low, high = np.inf, -np.inf
    for rows in _strips(values.shape):
        finite = values[rows][np.isfinite(values[rows])]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    return (low, high) if low <= high else (0.0, 0.0)


def _composite(image: Image.Image) -> Pixels:
    """On white, but bright ink on a mostly transparent sheet on black, where it can be seen.

    ``image`` has an alpha channel; its colours are laid on the paper before they become gray.
    """
    shown = total = 0.0
    for _, strip in _strips_of(image):
        alpha = np.asarray(strip.getchannel("A"), dtype=np.float32)
        shown += float(np.vdot(np.asarray(strip.convert("L"), dtype=np.float32), alpha))
        total += float(alpha.sum())
    bright = shown > 127.5 * total
    paper = 0 if bright and total < 127.5 * image.width * image.height else 255
    colours = np.empty((image.height, image.width, 3), np.uint8)
    for rows, strip in _strips_of(image):
        over = np.asarray(strip.getchannel("A"), dtype=np.uint32)[..., None]
        there = np.asarray(strip.convert("RGB"))
        colours[rows] = (there * over + paper * (255 - over) + 127) // 255
    return as_gray(colours)


def _strips_of(image: Image.Image) -> Iterator[tuple[slice, Image.Image]]:
    for rows in _strips((image.height, image.width)):
        foot = min(rows.stop, image.height)
        yield rows, image.crop((0, rows.start, image.width, foot))
