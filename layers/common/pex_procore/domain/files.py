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
)


def sniff(content: bytes) -> FileKind | None:
    """None for anything Procore shows no preview of (docs/behaviour.md#receipt-types)."""
    return next((kind for magic, kind in _MAGIC if content.startswith(magic)), None)
