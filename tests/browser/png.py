"""Screenshots in 256 colours: a third of the bytes, and nobody sees the difference. Knows what Chromium writes only."""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from functools import cache

SIGNATURE = b"\x89PNG\r\n\x1a\n"
RGB = 3  # bytes of a pixel; screenshots have no transparency
Colour = bytes


def shrink(png: bytes) -> bytes:
    chunks = list(_chunks(png))
    width, height, depth, kind = struct.unpack(">IIBB", chunks[0][1][:10])
    assert (depth, kind) == (8, 2), "not a screenshot"
    lines = list(_lines(zlib.decompress(b"".join(data for name, data in chunks if name == b"IDAT")), width * RGB))
    pixels = [[line[at : at + RGB] for at in range(0, len(line), RGB)] for line in lines]
    counted = Counter(pixel for row in pixels for pixel in row)
    palette = [colour for colour, _ in counted.most_common(256)]

    @cache
    def place(colour: Colour) -> int:
        return min(
            range(len(palette)), key=lambda at: sum((a - b) ** 2 for a, b in zip(palette[at], colour, strict=True))
        )

    body = b"".join(b"\0" + bytes(place(pixel) for pixel in row) for row in pixels)
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = ((b"IHDR", head), (b"PLTE", b"".join(palette)), (b"IDAT", zlib.compress(body, 9)), (b"IEND", b""))
    return SIGNATURE + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    )


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while at < len(png):
        length, name = struct.unpack(">I4s", png[at : at + 8])
        yield name, png[at + 8 : at + 8 + length]
        at += 12 + length


def _lines(raw: bytes, width: int) -> Iterator[bytes]:
    """Undoes the filters, of which each line names its own."""
    above = bytes(width)
    for start in range(0, len(raw), width + 1):
        kind, line = raw[start], bytearray(raw[start + 1 : start + 1 + width])
        for at in range(width):
            left = line[at - RGB] if at >= RGB else 0
            corner = above[at - RGB] if at >= RGB else 0
            guess = (0, left, above[at], (left + above[at]) // 2, _nearest(left, above[at], corner))[kind]
            line[at] = (line[at] + guess) & 255
        above = bytes(line)
        yield above


def _nearest(left: int, above: int, corner: int) -> int:
    """Paeth's guess."""
    target = left + above - corner
    return min((left, above, corner), key=lambda one: abs(target - one))
