"""KMS turns its key by itself and old seals stay readable; another key is told as broken seals, no fault of AWS."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from pex_procore.store.seal import SealBroken, Sealer
from tests.store.tables import Stage

CONTEXT = {"business_id": "1", "kind": "pex"}


class OtherKey:
    """KMS as it answers when the key that is named did not make the seal; moto knows no such answer."""

    def decrypt(self, **_: Any) -> Any:
        raise ClientError({"Error": {"Code": "IncorrectKeyException", "Message": "not the key"}}, "Decrypt")


def test_a_seal_from_before_the_key_turned_opens_afterwards(stage: Stage) -> None:
    blob = Sealer(stage.kms, stage.key_id).seal("token-of-pex", CONTEXT)
    stage.kms.enable_key_rotation(KeyId=stage.key_id)
    stage.kms.rotate_key_on_demand(KeyId=stage.key_id)
    turned = Sealer(stage.kms, stage.key_id)
    assert turned.open(blob, CONTEXT) == "token-of-pex"
    assert turned.open(turned.seal("token-of-tomorrow", CONTEXT), CONTEXT) == "token-of-tomorrow"


def test_a_seal_of_another_key_asks_for_the_credentials_again() -> None:
    with pytest.raises(SealBroken, match="enter them again"):
        Sealer(OtherKey(), "key-2").open(b"sealed by key-1", CONTEXT)
