"""Puts the real `template.yaml` on the emulated AWS, the way `sam package` and `sam deploy` would.

The artefacts of `sam build` are not used: they hold the third-party packages compiled for the deployed processor
(arm64), which this machine may be unable to load. Packaging here follows the same rules: a function's zip is its
`CodeUri`, a layer's zip is its `ContentUri` under `python/`; the layer's requirements come from the emulator's own
virtual environment, where every function process finds them.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import platform
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import yaml
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError

ARTEFACT_BUCKET = "local-artefacts"
STACK_NAME = "connector"
DEPLOY_SECONDS = 120.0
DONE = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
NEVER_MADE = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_COMPLETE")

Template = dict[str, Any]
Clients = Callable[[str], Any]


class DeployError(RuntimeError):
    """The template could not be put on the emulated AWS; the text says which resource and why."""


@dataclass(frozen=True)
class Deployment:
    outputs: dict[str, str]
    resources: dict[str, str]
    """Physical ids by logical id."""
    api_id: str
    stage: str
    template: Template
    changed: bool
    """False when the stack on the emulator was already made from exactly this template and code."""


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms (`!Ref`, `!GetAtt`, `!Sub`, …)."""


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)
# "2026-01-01" stays text, as CloudFormation reads it
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load_yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.load(path.read_text("utf-8"), _Loader)
    except FileNotFoundError as error:
        raise DeployError(f"{path} does not exist, so there is nothing to deploy.") from error
    except yaml.YAMLError as error:
        raise DeployError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise DeployError(f"{path} holds no YAML mapping.")
    return content


def package(root: Path, upload: Callable[[bytes], str]) -> Template:
    """The template with every local path replaced: code by what `upload` answers for its zip, definitions inline."""
    template = load_yaml(root / "template.yaml")
    for name, resource in template.get("Resources", {}).items():
        properties = resource.get("Properties", {})
        match resource.get("Type"):
            case "AWS::Serverless::Function" if isinstance(properties.get("CodeUri"), str):
                properties["CodeUri"] = upload(zip_folder(_folder(root, properties["CodeUri"], name)))
            case "AWS::Serverless::LayerVersion" if isinstance(properties.get("ContentUri"), str):
                folder = _folder(root, properties["ContentUri"], name)
                properties["ContentUri"] = upload(zip_folder(folder, "python/"))
            case "AWS::Serverless::StateMachine" if isinstance(properties.get("DefinitionUri"), str):
                properties["Definition"] = load_yaml(root / properties.pop("DefinitionUri"))
    return template


def _folder(root: Path, uri: str, name: str) -> Path:
    folder = root / uri
    if not folder.is_dir():
        raise DeployError(f"{name} in template.yaml points to {uri}, which is no folder under {root}.")
    return folder


def zip_folder(folder: Path, prefix: str = "") -> bytes:
    """The same bytes for the same files, whenever they were written."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in _files(folder):
            entry = zipfile.ZipInfo(prefix + path.relative_to(folder).as_posix(), (1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
            yield path


def without_unseen_conditions(node: Any) -> Any:
    """The emulator's access check takes a condition on a KMS encryption context as never met, and knows no TLS: such a
    condition of an Allow is left out, and a Deny of plain HTTP as a whole. Everything else of every role is checked."""
    if isinstance(node, list):
        return [without_unseen_conditions(one) for one in node if not _denies_plain_http(one)]
    if not isinstance(node, dict):
        return node
    if node.get("Effect") == "Allow" and "kms:EncryptionContext:" in json.dumps(node.get("Condition")):
        node = {key: value for key, value in node.items() if key != "Condition"}
    return {key: without_unseen_conditions(value) for key, value in node.items()}


def _denies_plain_http(node: Any) -> bool:
    if not isinstance(node, dict) or node.get("Effect") != "Deny":
        return False
    return "aws:SecureTransport" in json.dumps(node.get("Condition"))


def without_math_alarms(template: Template) -> Template:
    """The emulator refuses alarms over several metrics. It sounds none anyway."""
    kept = {
        name: resource
        for name, resource in template.get("Resources", {}).items()
        if resource.get("Type") != "AWS::CloudWatch::Alarm" or "Metrics" not in resource["Properties"]
    }
    return {**template, "Resources": kept}


def deploy(clients: Clients, root: Path, parameters: Mapping[str, str]) -> Deployment:
    """Creates the stack, or updates it when it is there and differs. `parameters` the template lacks are left out."""
    upload = _uploader(clients("s3"))
    template = without_math_alarms(without_unseen_conditions(package(root, upload)))
    declared = template.get("Parameters", {})
    chosen = {name: value for name, value in sorted(parameters.items()) if name in declared}
    body = json.dumps(template)
    fingerprint = hashlib.sha256((body + json.dumps(chosen)).encode()).hexdigest()

    formation = clients("cloudformation")
    stack = _find_stack(formation)
    tags = {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])} if stack else {}
    changed = not stack or stack["StackStatus"] not in DONE or tags.get("fingerprint") != fingerprint
    if changed:
        request = {
            "StackName": STACK_NAME,
            "TemplateURL": upload(body.encode()).replace("s3://", "https://s3.amazonaws.com/"),
            "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in chosen.items()],
            "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
            "Tags": [{"Key": "fingerprint", "Value": fingerprint}],
        }
        try:
            (formation.update_stack if stack else formation.create_stack)(**request)
        except ClientError as error:
            if "No updates are to be performed" not in str(error):  # said after a failed update was rolled back
                raise
        else:
            stack = _settled_stack(formation)
    assert stack is not None
    resources = formation.describe_stack_resources(StackName=STACK_NAME)["StackResources"]
    return Deployment(
        outputs={output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])},
        resources={one["LogicalResourceId"]: one["PhysicalResourceId"] for one in resources},
        api_id=_only(resources, "AWS::ApiGateway::RestApi"),
        stage=_only(resources, "AWS::ApiGateway::Stage"),
        template=template,
        changed=changed,
    )


def _only(resources: list[dict[str, Any]], kind: str) -> str:
    found = [str(one["PhysicalResourceId"]) for one in resources if one["ResourceType"] == kind]
    if len(found) != 1:
        raise DeployError(f"The template must make exactly one {kind}, but it makes {len(found)}.")
    return found[0]


def _uploader(s3: Any) -> Callable[[bytes], str]:
    uploaded: set[str] = set()

    def upload(content: bytes) -> str:
        key = hashlib.sha256(content).hexdigest()[:32]
        if key not in uploaded:
            s3.put_object(Bucket=ARTEFACT_BUCKET, Key=key, Body=content)
            uploaded.add(key)
        return f"s3://{ARTEFACT_BUCKET}/{key}"

    s3.create_bucket(Bucket=ARTEFACT_BUCKET)
    return upload


def _find_stack(formation: Any) -> dict[str, Any] | None:
    try:
        stack: dict[str, Any] = formation.describe_stacks(StackName=STACK_NAME)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    if stack["StackStatus"] not in NEVER_MADE:
        return stack
    formation.delete_stack(StackName=STACK_NAME)
    return None


def _settled_stack(formation: Any) -> dict[str, Any]:
    deadline = time.monotonic() + DEPLOY_SECONDS
    while time.monotonic() < deadline:
        stack: dict[str, Any] = formation.describe_stacks(StackName=STACK_NAME)["Stacks"][0]
        status = stack["StackStatus"]
        if status in DONE:
            return stack
        if not status.endswith("IN_PROGRESS"):
            reason = _first_failure(formation) or stack.get("StackStatusReason")
            raise DeployError(f"template.yaml could not be deployed ({status}): {reason}")
        time.sleep(0.05)
    raise DeployError(f"The stack was not deployed within {DEPLOY_SECONDS:.0f} seconds.")


def _first_failure(formation: Any) -> str | None:
    events = formation.describe_stack_events(StackName=STACK_NAME)["StackEvents"]
    for event in reversed(events):
        reason = event.get("ResourceStatusReason", "")
        if event["ResourceStatus"].endswith("FAILED") and "cancelled" not in reason:
            return f"{event['LogicalResourceId']}: {reason}"
    return None


def main(argv: Sequence[str] | None = None) -> int:
    """`make deploy-local ARGS="--endpoint-url http://127.0.0.1:4566"`: the same, on an emulator somebody else runs."""
    parser = argparse.ArgumentParser(prog="python -m local.deploy", description=main.__doc__)
    parser.add_argument("--endpoint-url", required=True, help="where the emulated AWS answers")
    parser.add_argument("--public-url", default="", help="where browsers and PEX will reach the connector")
    arguments = parser.parse_args(argv)
    machine = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
    parameters = {"Stage": "local", "Architecture": machine, "PublicUrl": arguments.public_url}

    def clients(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=arguments.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, connect_timeout=3, read_timeout=120, proxies={}),
        )

    try:
        deployment = deploy(clients, Path(__file__).resolve().parent.parent, parameters)
    except EndpointConnectionError:
        print(f"No emulated AWS answers at {arguments.endpoint_url}. `make up` starts one and prints its address.")
        return 1
    except (DeployError, ClientError) as error:
        print(f"The template could not be deployed: {error}"[:600])
        return 1
    print("\n".join(f"{name}: {value}" for name, value in sorted(deployment.outputs.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
