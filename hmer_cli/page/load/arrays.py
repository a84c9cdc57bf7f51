"""Images in memory (arrays, PIL images) and open files -> bytes of a file.

Images passed from Python become PNG, and are then opened by the same code as files.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from hmer_cli.console import one_line
from hmer_cli.data.store import MAX_BYTES
from hmer_cli.errors import HmerError, InputError, UsageError, is_out_of_memory
from hmer_cli.page.load.aspect import SQUARE, squaring
from hmer_cli.page.load.exif import turn_of, turned


class BinaryFile(Protocol):
    """An open file: what ``open(..., "rb")``, `io.BytesIO` or a member of an archive is."""

    def read(self) -> bytes:
        """All that is left in it; most take the number of bytes to read at a time, too."""
        ...


class ArrayLike(Protocol):
    """An array of NumPy, or what it takes for one, such as a tensor of PyTorch on the CPU."""

    def __array__(self) -> NDArray[Any]: ...


InMemory: TypeAlias = bytes | bytearray | memoryview | BinaryFile | ArrayLike | Image.Image
Given: TypeAlias = str | os.PathLike[str] | InMemory
"""What a `hmer_cli.Converter` reads."""

_MODES = {2: "LA", 3: "RGB", 4: "RGBA"}
_DEEP = frozenset(("I", "F", "I;16", "I;16L", "I;16B", "I;16N"))  # of any levels, as arrays are
_PLAIN = {"La": "LA", "RGBa": "RGBA", "PA": "RGBA"}  # others with transparency, as PNG has it
_PIECE = 1 << 20  # bytes
_DPI = 100.0  # of the coarser side of pixels that are not square
_KEPT = frozenset(("1", "L", "LA", "P", "RGB", "RGBA"))  # as PNG has them


def as_file(given: object) -> bytes:
    """The bytes of a file or of an open one, those of an image in memory as PNG.

    Arrays are (H, W), or (H, W, C) with C of 1 (gray), 2 (gray and alpha), 3 (RGB) or 4 (RGBA).
    uint8 is taken as it is and truth values as black and white; whole numbers are 0 to 255, or 0
    to 65535 where one is larger; floats are 0 to 1, or as whole numbers where one is larger.

    Raises UsageError for what is no image, InputError for one that cannot be read or saved, and
    beyond MAX_BYTES.
    """
    if callable(read := getattr(given, "read", None)):
        given = _content(read)
    if isinstance(given, bytes | bytearray | memoryview):
        _check_length(memoryview(given).nbytes)
        return bytes(given)
    if isinstance(given, Image.Image):
        return _png(given)
    if hasattr(given, "__array__"):
        return _png(_image(_levels(_array(given))))
    kind = type(given).__name__
    raise UsageError(
        f"{kind} is no image", "give a path, bytes, an open file, a PIL image or an array"
    )


def _content(read: Callable[..., object]) -> object:
    """What is left in an open file. Raises UsageError for one of text, InputError."""
    try:
        content = _in_pieces(read)
    except HmerError:
        raise
    except Exception as error:  # ValueError where it is closed; decompressors raise their own
        if is_out_of_memory(error):
            raise
        what = f"the open file cannot be read ({one_line(str(error)) or type(error).__name__})"
        raise InputError(what, "open it again") from error
    if isinstance(content, str):
        raise UsageError("the file is open as text", "open it in binary mode, 'rb'")
    return content


def _in_pieces(read: Callable[..., object]) -> object:
    """All that is left, asked for in pieces, so that no more than MAX_BYTES are taken up; what is
    not bytes as it comes first, and all at once where no number of bytes can be asked for."""
    try:
        piece = read(_PIECE)
    except TypeError:
        return read()
    data = bytearray()
    while isinstance(piece, bytes | bytearray | memoryview) and piece:
        data += piece
        _check_length(len(data))
        piece = read(_PIECE)
    return data if data else piece


def _check_length(count: int) -> None:
    if count > MAX_BYTES:
        raise InputError(f"the file given is larger than {MAX_BYTES >> 20} MiB", "split it")


def _array(given: Any) -> NDArray[Any]:
    """As NumPy takes it. Raises UsageError where it refuses, as for tensors on a GPU."""
    try:
        return np.asarray(given)
    except Exception as error:  # of any library
        kind = type(given).__name__
        raise UsageError(
            f"{kind} is no array ({one_line(str(error))})", "make it one of NumPy"
        ) from error


def _image(array: NDArray[np.uint8]) -> Image.Image:
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.ndim == 2:
        return Image.fromarray(array)
    return Image.fromarray(array, _MODES[array.shape[2]])


def _levels(array: NDArray[Any]) -> NDArray[np.uint8]:
    """The array as uint8, 0 to 255. Raises UsageError for shapes and types that are no image."""
    channels = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (1, *_MODES))
    if not channels or not array.size:
        raise UsageError(
            f"an array of shape {array.shape} is no image",
            "give (H, W), or (H, W, C) with C of 1 to 4",
        )
    if array.dtype == np.bool_:
        return np.where(array, 255, 0).astype(np.uint8)
    if not np.issubdtype(array.dtype, np.integer) and not np.issubdtype(array.dtype, np.floating):
        raise UsageError(f"an array of {array.dtype} is no image", "give whole numbers or floats")
    if array.dtype == np.uint8:
        return array
    low, high = float(array.min()), float(array.max())
    if not (low >= 0 and high <= 65535):  # also where one is not a number
        raise UsageError(f"levels of {low:g} to {high:g} are no image's", "scale them to 0 to 255")
    if np.issubdtype(array.dtype, np.floating) and high <= 1:
        return np.rint(array * 255).astype(np.uint8)
    return np.asarray(array / 257 if high > 255 else array).round().astype(np.uint8)


def _png(image: Image.Image) -> bytes:
    """The image as PNG, rotated as its EXIF orientation says, with the shape of its pixels. Raises
    InputError."""
    try:
        image.load()
        opened = isinstance(image, ImageFile.ImageFile)  # copies keep a header that is not theirs
        times = squaring(image) if opened else SQUARE
        upright = turned(image, turn_of(image))
        if upright.mode in _DEEP:
            upright = _image(_levels(np.asarray(upright)))
        kept = (
            upright if upright.mode in _KEPT else upright.convert(_PLAIN.get(upright.mode, "RGB"))
        )
        data = io.BytesIO()
        shape = {} if times == SQUARE else {"dpi": (_DPI * times[1], _DPI * times[0])}
        kept.save(data, "PNG", compress_level=1, **shape)
    except UsageError:
        raise
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error
        raise InputError("the image cannot be decoded", "open it again") from error
    return data.getvalue()
