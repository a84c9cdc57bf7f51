"""Image files -> grayscale pixels, whatever their depth, palette, alpha or orientation."""

from __future__ import annotations

import contextlib
import importlib
import io
import re
import warnings
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from hmer_cli.errors import InputError
from hmer_cli.page.load.colour import as_gray

Pixels = NDArray[np.uint8]
"""Grayscale of shape (H, W), 0 black to 255 white."""

MAX_SIDE = 32_767
"""Pixels of one side: more are nobody's page, and OpenCV counts no further in places."""
MAX_PIXELS = 100_000_000
"""Beyond any camera or A3 at 600 dpi (70 million); larger files are refused by their header."""

_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_HEIC_READERS = ("pi_heif", "pillow_heif")  # the first only reads, and comes without GPL parts
_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP")

# The limit above is checked on the header, before a pixel is decoded.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


def count_frames(data: bytes, name: str) -> int:
    """How many pages the file holds; only TIFF has more than one. Raises InputError."""
    with _opened(data, name) as image:
        if image.format != "TIFF":
            return 1
        try:
            return int(getattr(image, "n_frames", 1))
        except Exception as error:
            raise _damaged(name, error) from error


def decode(data: bytes, name: str, frame: int = 0) -> Pixels:
    """The pixels of one frame, upright by EXIF, on white where transparent. Raises InputError."""
    with _opened(data, name) as image:
        try:
            if frame:
                image.seek(frame)
            _check_size(image.size, name)
            ImageOps.exif_transpose(image, in_place=True)
            return _gray(image)
        except InputError:
            raise
        except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error
            raise _damaged(name, error) from error


def shrunk(image: Pixels, longest: int) -> Pixels:
    """The image with a longer side of at most ``longest`` pixels."""
    height, width = image.shape
    scale = longest / max(height, width, 1)
    if scale >= 1:
        return image
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def is_heic(data: bytes) -> bool:
    """Whether these bytes are a photo as iPhones take them, told by its header."""
    return data[4:8] == b"ftyp" and data[8:12] in _HEIC


def _opened(data: bytes, name: str) -> Image.Image:
    if is_heic(data):
        return _opened_heic(data, name)
    try:
        image = Image.open(io.BytesIO(data), formats=_FORMATS)
    except Image.DecompressionBombError as error:
        pixels = re.search(r"\d+", str(error))
        raise _too_large(name, int(pixels[0]) if pixels else 2 * MAX_PIXELS) from None
    except Exception as error:
        raise _damaged(name, error) from error
    _check_size(image.size, name)
    return image


def _opened_heic(data: bytes, name: str) -> Image.Image:
    """Upright already. Reading it takes a package that is not installed with hmer."""
    for package in _HEIC_READERS:
        with contextlib.suppress(ImportError):
            reader = importlib.import_module(package)
            break
    else:
        raise InputError(
            f"{name}: a HEIC photo, which takes a package to read",
            f"pip install {_HEIC_READERS[0].replace('_', '-')}, or save it as JPEG",
        )
    try:
        file = reader.open_heif(io.BytesIO(data), convert_hdr_to_8bit=True)
    except Exception as error:
        raise _damaged(name, error) from error
    _check_size(file.size, name)
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
        return _deep(image)
    if "A" in image.getbands() or "transparency" in image.info:
        return _composite(image.convert("RGBA"))
    if image.mode in ("1", "L"):
        return np.asarray(image.convert("L"))
    return as_gray(np.asarray(image.convert("RGB")))


def _deep(image: Image.Image) -> Pixels:
    """16 bit by its high byte; 32 bit and float, which name no white, by their range."""
    values = np.asarray(image)
    if image.mode.startswith("I;16") or (values.min() >= 0 and 255 < values.max() <= 65535):
        return (values.astype(np.uint32) >> 8).astype(np.uint8)
    finite = np.nan_to_num(values.astype(np.float64))
    low, high = float(finite.min()), float(finite.max())
    scale = 255.0 / (high - low) if high > low else 0.0
    return ((finite - low) * scale).astype(np.uint8)


def _composite(image: Image.Image) -> Pixels:
    """On white, but bright ink on a mostly transparent sheet on black, where it can be seen."""
    gray = np.asarray(image.convert("RGB").convert("L"), dtype=np.float32)
    alpha = np.asarray(image.getchannel("A"), dtype=np.float32) / 255.0
    bright = float((gray * alpha).sum()) > 127.5 * float(alpha.sum())
    paper = 0.0 if bright and float(alpha.mean()) < 0.5 else 255.0
    return cast(Pixels, np.rint(gray * alpha + paper * (1.0 - alpha)).astype(np.uint8))
