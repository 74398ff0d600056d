"""Small but real receipts: a JPEG and a PNG that show the amount, a PDF with text. Same words, same bytes."""

from __future__ import annotations

import hashlib
import struct
import zlib
from decimal import Decimal

KINDS = {"jpg": "Image", "png": "Image", "pdf": "Pdf"}

_ROWS = {
    "0": (7, 5, 5, 5, 7),
    "1": (2, 6, 2, 2, 7),
    "2": (7, 1, 7, 4, 7),
    "3": (7, 1, 3, 1, 7),
    "4": (5, 5, 7, 1, 1),
    "5": (7, 4, 7, 1, 7),
    "6": (7, 4, 7, 5, 7),
    "7": (7, 1, 2, 2, 2),
    "8": (7, 5, 7, 5, 7),
    "9": (7, 5, 7, 1, 7),
    "$": (3, 6, 2, 3, 6),
    ".": (0, 0, 0, 0, 2),
    "-": (0, 0, 7, 0, 0),
}


def receipt_file(kind: str, merchant: str, amount: Decimal, day: str, salt: str = "") -> bytes:
    """Raise ValueError for a kind other than jpg, png or pdf."""
    if kind == "pdf":
        return _pdf([merchant.strip()[:40] or "Receipt", day, "", f"TOTAL  ${abs(amount)}", "", "Thank you", salt])
    if kind not in KINDS:
        raise ValueError(f"A receipt is jpg, png or pdf, not '{kind}'.")
    words = f"{merchant.strip()}|{day}|{amount}|{salt}"
    grid = _picture(f"${abs(amount)}", words)
    return _jpeg(grid, words) if kind == "jpg" else _png(grid, words)


def _picture(amount: str, words: str) -> list[list[int]]:
    """Grey values on paper: the amount on top, a bar pattern of the other words below."""
    glyphs = [_ROWS[letter] for letter in amount if letter in _ROWS]
    width = 2 + 4 * len(glyphs)
    grid = [[245] * width for _ in range(14)]
    for place, glyph in enumerate(glyphs):
        for row, bits in enumerate(glyph):
            for column in range(3):
                if bits & (4 >> column):
                    grid[2 + row][2 + 4 * place + column] = 20
    bars = hashlib.sha256(words.encode()).digest()
    for column in range(1, width - 1):
        shade = 60 + bars[column % 32] // 2
        for row in range(9, 13):
            grid[row][column] = shade
    return grid


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _png(grid: list[list[int]], words: str, scale: int = 6) -> bytes:
    lines = [b"\0" + bytes(value for value in row for _ in range(scale)) for row in grid for _ in range(scale)]
    header = struct.pack(">IIBBBBB", len(grid[0]) * scale, len(grid) * scale, 8, 0, 0, 0, 0)
    text = b"Comment\0" + words.encode("latin-1", "replace")
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", header),
            _chunk(b"tEXt", text),
            _chunk(b"IDAT", zlib.compress(b"".join(lines), 9)),
            _chunk(b"IEND", b""),
        ]
    )


def _segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def _jpeg(grid: list[list[int]], words: str) -> bytes:
    """Baseline grey JPEG of solid 8 by 8 blocks: only their means are coded, with a four-bit table of sizes 0 to 8."""
    height, width = len(grid) * 8, len(grid[0]) * 8
    bits: list[str] = []
    before = 0
    for row in grid:
        for value in row:
            step, before = value - 128 - before, value - 128
            size = abs(step).bit_length()
            bits.append(f"{size:04b}")
            if size:
                bits.append(f"{step if step > 0 else step + (1 << size) - 1:0{size}b}")
            bits.append("0")
    stream = "".join(bits)
    stream += "1" * (-len(stream) % 8)
    scan = int(stream, 2).to_bytes(len(stream) // 8, "big").replace(b"\xff", b"\xff\x00")
    return b"".join(
        [
            b"\xff\xd8",
            _segment(0xE0, b"JFIF\0\x01\x01\x00\x00\x01\x00\x01\x00\x00"),
            _segment(0xFE, words.encode("utf-8")[:200]),
            _segment(0xDB, b"\0" + bytes([8] * 64)),
            _segment(0xC0, struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00"),
            _segment(0xC4, b"\x00" + bytes([0, 0, 0, 9] + [0] * 12) + bytes(range(9))),
            _segment(0xC4, b"\x10" + bytes([1] + [0] * 15) + b"\x00"),
            _segment(0xDA, b"\x01\x01\x00\x00\x3f\x00"),
            scan,
            b"\xff\xd9",
        ]
    )


def _pdf(lines: list[str]) -> bytes:
    shown = "".join(f"({line.translate({40: None, 41: None, 92: None})}) Tj 0 -18 Td\n" for line in lines)
    stream = f"BT /F1 12 Tf 20 250 Td\n{shown}ET".encode("latin-1", "replace")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 260 290] /Contents 4 0 R"
        b" /Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Courier >> >> >> >>",
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(stream), stream),
    ]
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    for place in places:
        out += b"%010d 00000 n \n" % place
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    return bytes(out)
