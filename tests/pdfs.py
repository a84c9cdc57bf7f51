"""PDFs written by hand, object by object.

Input: contents and dictionaries of pages. Output: the bytes of files.
"""

from __future__ import annotations

import struct
import zlib

CROSS = "3 w 40 90 m 80 30 l S 80 90 m 40 30 l S"  # as handmade.cross draws it, y up, of 120


def stream(content: bytes | str, extra: str = "") -> bytes:
    data = content if isinstance(content, bytes) else content.encode()
    return f"<</Length {len(data)}{extra}>>stream\n".encode() + data + b"\nendstream"


def made(objects: dict[int, str | bytes]) -> bytes:
    """The bytes of a PDF of these objects, the first of which is its catalogue."""
    out, offsets = bytearray(b"%PDF-1.7\n"), {}
    for number, body in objects.items():
        offsets[number] = len(out)
        out += b"%d 0 obj\n" % number + (body if isinstance(body, bytes) else body.encode())
        out += b"\nendobj\n"
    start, size = len(out), max(objects) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n" % size
    for number in range(1, size):
        known = number in offsets
        out += b"%010d 00000 n \n" % offsets[number] if known else b"0000000000 65535 f \n"
    out += b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (size, start)
    return bytes(out)


def with_object_stream(content: bytes, catalogue: str) -> bytes:
    """One page that shows CROSS, and object 6 in a stream, packed twice, with this content."""
    packed = zlib.compress(zlib.compress(b"6 0 " + content, 9), 9)
    objects = {
        1: f"<</Type/Catalog/Pages 2 0 R{catalogue}>>".encode(),
        2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 160 120]/Contents 4 0 R/Resources<<>>>>",
        4: stream(CROSS),
        5: stream(packed, "/Type/ObjStm/N 1/First 4/Filter[/FlateDecode/FlateDecode]"),
    }
    out, rows = bytearray(b"%PDF-1.5\n"), [(0, 0, 65535)]
    for number, body in objects.items():
        rows.append((1, len(out), 0))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    rows += [(2, 5, 0), (1, len(out), 0)]
    table = b"".join(struct.pack(">BIH", *row) for row in rows)
    keys = "/Type/XRef/Size 8/W[1 4 2]/Root 1 0 R"
    return bytes(out) + b"7 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (
        stream(table, keys),
        len(out),
    )


def one_page(
    content: str | bytes = CROSS,
    box: str = "[0 0 160 120]",
    page: str = "",
    resources: str = "<<>>",
    count: int = 1,
    catalogue: str = "",
    **more: bytes,
) -> bytes:
    """One page; ``more`` are objects named ``o5``, ``o6`` and so on."""
    keys = f"/MediaBox{box}/Contents 4 0 R/Resources{resources}{page}"
    objects: dict[int, str | bytes] = {
        1: f"<</Type/Catalog/Pages 2 0 R{catalogue}>>",
        2: f"<</Type/Pages/Kids[3 0 R]/Count {count}>>",
        3: f"<</Type/Page/Parent 2 0 R{keys}>>",
        4: content if isinstance(content, bytes) else stream(content),
    }
    return made(objects | {int(name[1:]): body for name, body in more.items()})
