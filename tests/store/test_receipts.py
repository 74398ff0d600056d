from __future__ import annotations

import re

import pytest

from pex_procore.domain.errors import TryLater
from pex_procore.services.ports import ReceiptBucket
from pex_procore.store.receipts import S3Receipts
from tests.store.mischief import BusyClient, LosingClient
from tests.store.tables import Stage

JPEG = b"\xff\xd8\xff\xe0 not really a photograph"


def receipts_of(stage: Stage, business_id: int = 1) -> S3Receipts:
    receipts = S3Receipts(stage.s3, stage.bucket, business_id)
    _: ReceiptBucket = receipts
    return receipts


def test_a_receipt_is_stored_under_a_generated_key_of_its_business(stage: Stage) -> None:
    receipts = receipts_of(stage, 42)
    key, other = (receipts.put(JPEG, "image/jpeg") for _ in range(2))
    assert key != other
    assert re.fullmatch(r"B/42/[0-9a-f]{32}", key)
    assert receipts.get(key) == JPEG
    head = stage.s3.head_object(Bucket=stage.bucket, Key=key)
    assert head["ContentType"] == "image/jpeg"


def test_a_deleted_receipt_is_gone_and_may_be_deleted_again(stage: Stage) -> None:
    receipts = receipts_of(stage)
    key = receipts.put(JPEG, "image/jpeg")
    receipts.delete(key)
    receipts.delete(key)
    with pytest.raises(KeyError):
        receipts.get(key)


@pytest.mark.parametrize("other", [2, 11])
def test_a_receipt_of_another_business_is_neither_read_nor_deleted(stage: Stage, other: int) -> None:
    key = receipts_of(stage, 1).put(JPEG, "image/jpeg")
    theirs = receipts_of(stage, other)
    with pytest.raises(ValueError, match="another business"):
        theirs.get(key)
    with pytest.raises(ValueError, match="another business"):
        theirs.delete(key)
    assert receipts_of(stage, 1).get(key) == JPEG


def test_a_receipt_whose_storing_was_not_answered_is_stored_once(stage: Stage) -> None:
    receipts = S3Receipts(LosingClient(stage.s3, "put_object"), stage.bucket, 1)
    key = receipts.put(JPEG, "image/jpeg")
    assert [one["Key"] for one in stage.s3.list_objects_v2(Bucket=stage.bucket)["Contents"]] == [key]


def test_a_busy_bucket_asks_to_try_later() -> None:
    receipts = S3Receipts(BusyClient("SlowDown", 503), "bucket", 1)
    with pytest.raises(TryLater):
        receipts.put(JPEG, "image/jpeg")
    with pytest.raises(TryLater):
        receipts.get("B/1/a")
