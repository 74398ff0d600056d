"""What is sent to CloudFormation is the template, with local paths replaced and nothing else touched."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest

from local.deploy import DeployError, load_yaml, package, without_math_alarms, without_unseen_conditions, zip_folder

FIXTURE_APP = Path(__file__).parent / "fixtures" / "app"


def names_in(content: bytes) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(content)).namelist()


def test_short_forms_become_their_long_forms(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(
        "A: !Ref X\nB: !GetAtt X.Arn\nC: !Sub '${X}/a'\n"
        "D: !If [HasX, !Ref X, !Ref AWS::NoValue]\nE: !Not [!Condition HasX]"
    )
    assert load_yaml(tmp_path / "t.yaml") == {
        "A": {"Ref": "X"},
        "B": {"Fn::GetAtt": ["X", "Arn"]},
        "C": {"Fn::Sub": "${X}/a"},
        "D": {"Fn::If": ["HasX", {"Ref": "X"}, {"Ref": "AWS::NoValue"}]},
        "E": {"Fn::Not": [{"Condition": "HasX"}]},
    }


def test_a_date_stays_text(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text("AWSTemplateFormatVersion: 2010-09-09")
    assert load_yaml(tmp_path / "t.yaml") == {"AWSTemplateFormatVersion": "2010-09-09"}


def test_alarms_over_several_metrics_stay_away_and_nothing_else_does() -> None:
    alarm = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"MetricName": "Errors"}}
    over_several = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": [{"Id": "all"}]}}
    resources = {"One": alarm, "Several": over_several, "Queue": {"Type": "AWS::SQS::Queue"}}
    kept = without_math_alarms({"Resources": resources, "Outputs": {}})
    assert kept == {"Resources": {"One": alarm, "Queue": {"Type": "AWS::SQS::Queue"}}, "Outputs": {}}


def test_each_function_gets_its_own_code_and_the_layer_goes_under_python() -> None:
    uploads: list[bytes] = []

    def upload(content: bytes) -> str:
        uploads.append(content)
        return f"s3://b/{len(uploads)}"

    resources = package(FIXTURE_APP, upload)["Resources"]
    by_uri = {f"s3://b/{number}": names_in(content) for number, content in enumerate(uploads, 1)}
    assert by_uri[resources["AnswerHttp"]["Properties"]["CodeUri"]] == ["app.py"]
    assert "python/sample_layer/__init__.py" in by_uri[resources["CommonLayer"]["Properties"]["ContentUri"]]
    assert len(by_uri) == 4


def test_one_definition_file_is_put_inline_in_both_machines_with_their_substitutions() -> None:
    resources = package(FIXTURE_APP, lambda content: "s3://b/k")["Resources"]
    short, long = resources["ShortWork"]["Properties"], resources["LongWork"]["Properties"]
    assert short["Definition"] == long["Definition"]
    assert short["Definition"]["StartAt"] == "Open"
    assert "DefinitionUri" not in short
    assert short["DefinitionSubstitutions"]["MaxWaitSeconds"] != long["DefinitionSubstitutions"]["MaxWaitSeconds"]


def test_the_zip_is_the_same_whenever_its_files_were_written(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("x = 1")
    first = zip_folder(tmp_path)
    os.utime(tmp_path / "app.py", (0, 0))
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "app.cpython-311.pyc").write_bytes(b"compiled")
    assert zip_folder(tmp_path) == first


def test_a_missing_code_folder_is_told_with_the_resource_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text(
        "Resources:\n  Post:\n    Type: AWS::Serverless::Function\n    Properties: {CodeUri: functions/post/}"
    )
    with pytest.raises(DeployError, match=r"Post in template\.yaml points to functions/post/"):
        package(tmp_path, lambda content: "")


def test_only_conditions_the_emulator_cannot_see_are_left_out() -> None:
    context = {"StringLike": {"kms:EncryptionContext:business_id": "*"}}
    sealed = {"Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": "k", "Condition": context}
    plain = {"Effect": "Deny", "Action": "s3:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    other = {"Effect": "Allow", "Action": "s3:GetObject", "Condition": {"StringEquals": {"aws:PrincipalTag/a": "b"}}}
    assert without_unseen_conditions({"Statement": [sealed, plain, other]}) == {
        "Statement": [{"Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": "k"}, other]
    }
