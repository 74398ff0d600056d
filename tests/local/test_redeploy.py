"""A deployment that failed is told, and does not stand in the way of the next one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from local.deploy import DeployError
from local.stack import Stack

pytestmark = pytest.mark.whole_stack

NOWHERE = dict.fromkeys(("pex_api_url", "pex_oauth_url", "procore_api_url", "procore_login_url"), "http://127.0.0.1:9")
BROKEN = """
  Broken:
    Type: AWS::KMS::Alias
    Properties: {AliasName: no-prefix, TargetKeyId: !Ref Key}

Outputs:"""


def test_a_failed_deployment_names_the_resource_and_a_repaired_one_succeeds(tmp_path: Path) -> None:
    app = tmp_path / "app"
    shutil.copytree(Path(__file__).parent / "fixtures" / "app", app)
    template = app / "template.yaml"
    sound = template.read_text()
    template.write_text(sound.replace("\nOutputs:", BROKEN))
    with (
        pytest.raises(DeployError, match=r"Broken: .*must begin with alias/"),
        Stack(port=0, vendor_urls=NOWHERE, root=app, state=tmp_path / "state"),
    ):
        pass
    template.write_text(sound)
    with Stack(port=0, vendor_urls=NOWHERE, root=app, state=tmp_path / "state") as repaired:
        tables = repaired.clients("dynamodb")
        item = {"pk": {"S": "kept"}, "sk": {"S": "1"}}
        tables.put_item(TableName=repaired.deployment.outputs["ItemsTable"], Item=item)
    template.write_text(sound.replace("\nOutputs:", BROKEN))
    with (
        pytest.raises(DeployError, match=r"Broken: .*must begin with alias/"),
        Stack(port=0, vendor_urls=NOWHERE, root=app, state=tmp_path / "state"),
    ):
        pass
    template.write_text(sound)
    with Stack(port=0, vendor_urls=NOWHERE, root=app, state=tmp_path / "state") as again:
        tables = again.clients("dynamodb")
        assert tables.scan(TableName=again.deployment.outputs["ItemsTable"])["Items"] == [item]
