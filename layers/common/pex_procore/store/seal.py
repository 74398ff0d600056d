"""Credentials sealed with KMS, each bound to its business and kind by the encryption context."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from botocore.exceptions import ClientError

from pex_procore.store.aws import ask, error_code

MAX_BYTES = 4096  # KMS encrypts no more in one call
KEPT = 256  # opened credentials that a warm function remembers; without the sealed ones they cannot be asked for

_NOT_OURS = {"InvalidCiphertextException", "IncorrectKeyException"}


class SealBroken(Exception):
    """What is stored was not sealed for this business and kind with this key."""


class Sealer:
    def __init__(self, kms_client: Any, key_id: str) -> None:
        self._kms = kms_client
        self._key_id = key_id
        self._opened = lru_cache(KEPT)(self._decrypt)

    def seal(self, text: str, context: Mapping[str, str]) -> bytes:
        plain = text.encode()
        if not 0 < len(plain) <= MAX_BYTES:
            raise ValueError(f"a credential must have 1 to {MAX_BYTES} bytes, this one has {len(plain)}")
        answer = ask(self._kms.encrypt, KeyId=self._key_id, Plaintext=plain, EncryptionContext=dict(context))
        return bytes(answer["CiphertextBlob"])

    def open(self, blob: bytes, context: Mapping[str, str]) -> str:
        """Raises SealBroken."""
        return self._opened(blob, tuple(sorted(context.items())))

    def _decrypt(self, blob: bytes, context: tuple[tuple[str, str], ...]) -> str:
        try:
            answer = ask(self._kms.decrypt, KeyId=self._key_id, CiphertextBlob=blob, EncryptionContext=dict(context))
        except ClientError as error:
            if error_code(error) not in _NOT_OURS:
                raise
            raise SealBroken(
                "The stored credentials do not open with this deployment's key: enter them again."
            ) from None
        return bytes(answer["Plaintext"]).decode()
