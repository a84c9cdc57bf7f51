"""The clipboard of the desktop: text by pyperclip, pictures by Pillow.

Input and output: text to copy, or the bytes of a PNG. Raises MissingError without either.
"""

from __future__ import annotations

import io

from hmer_cli.errors import InputError, MissingError

_TOOLS = "on Linux that takes wl-clipboard or xclip, and a desktop"


def copy(text: str) -> None:
    """Put text on the clipboard. Raises MissingError where there is none."""
    try:
        import pyperclip
    except ModuleNotFoundError as error:
        remedy = 'try: pip install "hmer-cli[clipboard]"'
        raise MissingError("--copy: pyperclip is not installed", remedy) from error
    try:
        pyperclip.copy(text)
    except pyperclip.PyperclipException as error:
        raise MissingError("--copy: there is no clipboard to be reached", _TOOLS) from error


def paste() -> bytes:
    """The picture on the clipboard as a PNG file.

    Raises MissingError where there is no clipboard, InputError where it holds no picture.
    """
    from PIL import Image, ImageGrab

    try:
        found = ImageGrab.grabclipboard()
    except (NotImplementedError, OSError, ChildProcessError) as error:
        raise MissingError("--paste: there is no picture to be had", _TOOLS) from error
    if not isinstance(found, Image.Image):
        raise InputError("--paste: the clipboard holds no picture", "copy one, then try again")
    buffer = io.BytesIO()
    found.save(buffer, "PNG")
    return buffer.getvalue()
