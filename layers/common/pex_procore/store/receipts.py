"""Receipts between PEX and Procore, in the bucket, under one prefix per business."""

from __future__ import annotations

import uuid
from typing import Any

from botocore.exceptions import ClientError

from pex_procore.store import keys
from pex_procore.store.aws import ask, error_code, tell


class S3Receipts:
    """A key that is not this business's raises ValueError, whatever is stored there."""

    def __init__(self, client: Any, bucket: str, business_id: int) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = keys.receipt_prefix(business_id)

    def put(self, content: bytes, content_type: str) -> str:
        key = f"{self._prefix}{uuid.uuid4().hex}"
        tell(self._client.put_object, Bucket=self._bucket, Key=key, Body=content, ContentType=content_type)
        return key

    def get(self, key: str) -> bytes:
        """Raises KeyError when the object is gone (the bucket forgets by itself)."""
        self._require_own(key)
        try:
            content: bytes = ask(self._read, key=key)["content"]
        except ClientError as error:
            if error_code(error) != "NoSuchKey":
                raise
            raise KeyError(key) from None
        return content

    def _read(self, key: str) -> dict[str, bytes]:
        return {"content": self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()}

    def delete(self, key: str) -> None:
        """Succeeds also when the object is already gone."""
        self._require_own(key)
        tell(self._client.delete_object, Bucket=self._bucket, Key=key)

    def _require_own(self, key: str) -> None:
        if not key.startswith(self._prefix):
            raise ValueError("the key of a receipt of another business")
