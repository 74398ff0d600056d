"""With roles enforced, a permission that is missing from the template is missing here too."""

from __future__ import annotations

import json
import shutil
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from local.stack import Stack

pytestmark = pytest.mark.whole_stack

APP = Path(__file__).parent / "fixtures" / "app"
NOWHERE = dict.fromkeys(("pex_api_url", "pex_oauth_url", "procore_api_url", "procore_login_url"), "http://127.0.0.1:9")
SEND_POLICY = """      Policies:
        - SQSSendMessagePolicy: {QueueName: !GetAtt Work.QueueName}
"""


def send_callback(stack: Stack, message: dict[str, object]) -> None:
    body = json.dumps(message).encode()
    urllib.request.urlopen(urllib.request.Request(f"{stack.url}/callbacks/pex/key", body, method="POST")).close()


def test_the_roles_of_the_template_are_enough_for_a_run() -> None:
    with Stack(port=0, vendor_urls=NOWHERE, root=APP, enforce_roles=True) as stack:
        send_callback(stack, {"id": "allowed", "items": [{"n": 1}]})
        files = stack.clients("s3")
        deadline = time.monotonic() + 30
        while not files.list_objects_v2(Bucket=stack.deployment.outputs["FilesBucket"])["KeyCount"]:
            assert time.monotonic() < deadline, "the run did not get to its end"
            time.sleep(0.1)


def test_a_function_without_a_permission_fails(tmp_path: Path) -> None:
    shutil.copytree(APP, tmp_path / "app")
    template = tmp_path / "app" / "template.yaml"
    whole = template.read_text()
    assert SEND_POLICY in whole
    template.write_text(whole.replace(SEND_POLICY, ""))
    with Stack(port=0, vendor_urls=NOWHERE, root=tmp_path / "app", enforce_roles=True) as stack:
        with pytest.raises(urllib.error.HTTPError) as refusal:
            send_callback(stack, {"id": "refused"})
        assert refusal.value.code == 502
        assert b"AccessDenied" in refusal.value.read()
