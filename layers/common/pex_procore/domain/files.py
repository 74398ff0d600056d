"""What a receipt file is, by its first bytes; its name and its declared type prove nothing."""

from __future__ import annotations

from typing import NamedTuple


class FileKind(NamedTuple):
    extension: str
    content_type: str


_MAGIC: tuple[tuple[bytes, FileKind], ...] = (
    (b"\xff\xd8\xff", FileKind("jpg", "image/jpeg")),
    (b"\x89PNG\r\n\x1a\n", FileKind("png", "image/png")),
    (b"%PDF-", FileKind("pdf", "application/pdf")),
    (b"GIF87a", FileKind("gif", "image/gif")),
    (b"GIF89a", FileKind("gif", "image/gif")),
    (b"II*\0", FileKind("tif", "image/tiff")),
    (b"MM\0*", FileKind("tif", "image/tiff")),
)
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")


def sniff(content: bytes) -> FileKind | None:
    """None for anything that is neither a picture nor a PDF (docs/behaviour.md#receipt-types)."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return FileKind("webp", "image/webp")
    if content[4:8] == b"ftyp" and content[8:12] in _HEIF_BRANDS:
        return FileKind("heic", "image/heic")
    return next((kind for magic, kind in _MAGIC if content.startswith(magic)), None)
