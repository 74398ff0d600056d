"""What makes moto fast enough for a hundred runs: made once, parsed once."""

from __future__ import annotations

import json
import pickle
from functools import lru_cache
from typing import Any

import boto3
import yaml
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils import json_path

from tests.flow.process import REGION, before_aws_call
from tests.template.cfn import ROOT


@lru_cache
def session() -> Any:
    """One for all tests, for it has read botocore's data; whatever makes a client afterwards makes it from this one."""
    boto3.setup_default_session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
    boto3.DEFAULT_SESSION.events.register("before-call", before_aws_call)
    return boto3.DEFAULT_SESSION


@lru_cache
def _known_client(service: str) -> Any:
    """Making a client is slow: one per service for all tests."""
    return session().client(service, region_name=REGION)


def client(service: str, **_: Any) -> Any:
    return _known_client(service)


def interpreters_client(region: str, service: str, state_credentials: Any = None) -> Any:
    return _known_client(service)


_stock_parse = AmazonStateLanguageParser.parse
parsed_path = lru_cache(json_path.parse)


@lru_cache
def _parsed(definition: str) -> bytes:
    """Parsing takes a quarter of a second; an execution changes its program, so each gets a copy."""
    program, _ = _stock_parse(definition)
    return pickle.dumps(program)


def parse(definition: str) -> tuple[Any, None]:
    return pickle.loads(_parsed(definition)), None


@lru_cache
def definition_of(path: str, values: tuple[tuple[str, str], ...]) -> str:
    text = (ROOT / path).read_text()
    for name, value in values:
        text = text.replace("${" + name + "}", value)
    return json.dumps(yaml.safe_load(text))
