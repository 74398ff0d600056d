"""What every resource of ours must be, read in the template as CloudFormation gets it: SAM's own resources included."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.template.cfn import ROOT, load_template, translated, translated_of

FOURTEEN_DAYS = 14 * 24 * 3600
WILDCARDS = {  # resource, and why nothing narrower will do
    "logs of state machines": "AWS names no resource for delivering them",
    "receipts": "one object per receipt under the businesses' prefix",
}
MANAGED = {  # SAM attaches them by itself
    "AWSLambdaBasicExecutionRole": "writing logs",
    "AWSLambdaSQSQueueExecutionRole": "reading the queue a function listens to",
}
WITHOUT_JITTER = "StartRunsBeat"  # only ask who is due, and businesses are shifted against each other


def arn(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def roles() -> dict[str, dict[str, Any]]:
    return translated_of("AWS::IAM::Role")


def statements() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, role in roles().items():
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                yield name, statement


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_every_function_has_a_role_of_its_own() -> None:
    used = [arn(function["Role"]) for function in translated_of("AWS::Lambda::Function").values()]
    assert len(used) == len(set(used)) == len(translated_of("AWS::Lambda::Function"))


def test_every_action_is_named_and_every_resource_is_ours() -> None:
    for role, statement in statements():
        assert statement["Effect"] == "Allow"
        actions, every = listed(statement["Action"]), [arn(one) for one in listed(statement["Resource"])]
        assert not [action for action in actions if "*" in action], role
        for resource in every:
            if resource == '"*"':
                assert all(action.startswith("logs:") for action in actions), (role, WILDCARDS)
            elif "*" in resource:
                assert resource == arn({"Fn::Sub": "${Receipts.Arn}/B/*"}), (role, resource)
                assert all(action.startswith("s3:") for action in actions)
            else:
                assert "Ref" in resource or "Fn::" in resource, f"{role} names something outside of this template"


def test_no_policy_of_awss_but_those_sam_attaches() -> None:
    attached = {policy.rsplit("/", 1)[-1] for role in roles().values() for policy in role.get("ManagedPolicyArns", [])}
    assert attached == set(MANAGED)
    readers = [name for name, role in roles().items() if "SQSQueueExecution" in arn(role.get("ManagedPolicyArns"))]
    assert readers == ["StartRunsRole"]


def test_nothing_reads_a_whole_table() -> None:
    assert not [role for role, one in statements() if "dynamodb:Scan" in listed(one["Action"])]


def test_seals_are_opened_and_made_for_a_named_business_only() -> None:
    found = 0
    for role, statement in statements():
        if arn({"Fn::GetAtt": ["Key", "Arn"]}) in [arn(one) for one in listed(statement["Resource"])]:
            found += 1
            assert statement["Condition"] == {"StringLike": {"kms:EncryptionContext:business_id": "*"}}, role
    assert found > 5


def test_keys_turn_and_stay() -> None:
    assert all(key["EnableKeyRotation"] for key in translated_of("AWS::KMS::Key").values())
    assert translated()["Key"]["DeletionPolicy"] == "Retain"


def test_a_key_is_used_by_this_account_and_by_cloudwatch_on_its_behalf() -> None:
    for key in translated_of("AWS::KMS::Key").values():
        for statement in key["KeyPolicy"]["Statement"]:
            if "Service" in statement["Principal"]:
                assert statement["Principal"]["Service"] == "cloudwatch.amazonaws.com"
                assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


@pytest.mark.parametrize("kind", ["AWS::S3::Bucket", "AWS::SQS::Queue", "AWS::SNS::Topic"])
def test_nothing_is_said_in_clear(kind: str) -> None:
    """Every bucket, queue and topic turns plain HTTP away."""
    denied = {
        resource_name(one)
        for policy in translated_of(f"{kind}Policy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        if (statement["Effect"], statement["Principal"]) == ("Deny", "*")
        and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        for one in listed(statement["Resource"])
    }
    assert denied >= set(translated_of(kind))


def resource_name(value: Any) -> str:
    if isinstance(value, dict) and "Fn::GetAtt" in value:
        return str(value["Fn::GetAtt"][0])
    return str(value["Ref"]) if isinstance(value, dict) and "Ref" in value else ""


def test_everything_at_rest_is_encrypted() -> None:
    assert all(
        table["SSESpecification"] == {"SSEEnabled": True} for table in translated_of("AWS::DynamoDB::Table").values()
    )
    assert all(queue["SqsManagedSseEnabled"] for queue in translated_of("AWS::SQS::Queue").values())
    assert all(topic["KmsMasterKeyId"] for topic in translated_of("AWS::SNS::Topic").values())
    assert all(bucket["BucketEncryption"] for bucket in translated_of("AWS::S3::Bucket").values())


def test_tables_can_be_restored_and_not_be_lost() -> None:
    for name, table in translated_of("AWS::DynamoDB::Table").items():
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}, name
        assert table["DeletionProtectionEnabled"] is True
        assert (translated()[name]["DeletionPolicy"], translated()[name]["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_a_bucket_forgets() -> None:
    for bucket in translated_of("AWS::S3::Bucket").values():
        (rule,) = bucket["LifecycleConfiguration"]["Rules"]
        assert (rule["Status"], rule["ExpirationInDays"]) == ("Enabled", 30)
        assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}


def dead_letter_queues() -> set[str]:
    """Logical ids of queues that something else sends its failures to."""
    queues = translated_of("AWS::SQS::Queue").values()
    named = [queue["RedrivePolicy"]["deadLetterTargetArn"] for queue in queues if "RedrivePolicy" in queue]
    named += [one["Target"]["DeadLetterConfig"]["Arn"] for one in translated_of("AWS::Scheduler::Schedule").values()]
    return {resource_name(one) for one in named}


def test_a_queue_has_dead_letters_or_holds_them_for_fourteen_days() -> None:
    for name, queue in translated_of("AWS::SQS::Queue").items():
        if name in dead_letter_queues():
            assert queue["MessageRetentionPeriod"] == FOURTEEN_DAYS, name
        else:
            assert queue["RedrivePolicy"]["maxReceiveCount"] >= 3, name


def test_a_message_stays_hidden_six_times_as_long_as_its_function_may_take() -> None:
    for source in translated_of("AWS::Lambda::EventSourceMapping").values():
        queue = translated_of("AWS::SQS::Queue")[resource_name(source["EventSourceArn"])]
        function = translated_of("AWS::Lambda::Function")[resource_name(source["FunctionName"])]
        assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_a_schedule_has_jitter_tells_what_it_could_not_deliver_and_may_call_its_functions_only() -> None:
    for name, schedule in translated_of("AWS::Scheduler::Schedule").items():
        window = schedule["FlexibleTimeWindow"]
        assert (window["Mode"] == "FLEXIBLE") == (not name.startswith(WITHOUT_JITTER)), name
        assert resource_name(schedule["Target"]["RoleArn"]) == "ScheduleRole"
        assert schedule["Target"]["RetryPolicy"]["MaximumRetryAttempts"] <= 2
    called = {resource_name(one["Target"]["Arn"]) for one in translated_of("AWS::Scheduler::Schedule").values()}
    calls = [one for role, one in statements() if role == "ScheduleRole" and "lambda:InvokeFunction" in one["Action"]]
    assert {resource_name(one) for one in calls[0]["Resource"]} == called


def test_state_machines_log_without_what_passes_through_them() -> None:
    for name, machine in translated_of("AWS::StepFunctions::StateMachine").items():
        logging = machine["LoggingConfiguration"]
        assert (logging["Level"], logging["IncludeExecutionData"]) == ("ERROR", False), name
        assert logging["Destinations"]


def test_every_log_forgets_and_every_function_has_one() -> None:
    groups = translated_of("AWS::Logs::LogGroup")
    assert all(0 < group["RetentionInDays"] <= 90 for group in groups.values())
    named = {arn(group["LogGroupName"]) for group in groups.values()}
    for name in translated_of("AWS::Lambda::Function"):
        assert arn({"Fn::Sub": f"/aws/lambda/${{{name}}}"}) in named, name


def test_functions_are_small_timed_and_on_arm() -> None:
    assert load_template()["Parameters"]["Architecture"]["Default"] == "arm64"
    for name, function in translated_of("AWS::Lambda::Function").items():
        assert function["Architectures"] == [{"Ref": "Architecture"}], name
        assert 256 <= function["MemorySize"] <= 1024, name
        assert 10 <= function["Timeout"] <= 300, name
        assert function.get("TracingConfig", {}).get("Mode") != "Active"


def test_every_time_limit_and_size_tells_why() -> None:
    lines = (ROOT / "template.yaml").read_text().splitlines()
    told = [line for line in lines if line.strip().startswith(("Timeout:", "MemorySize:"))]
    assert len(told) > 10
    assert [line for line in told if " # " not in line] == []


def test_the_doors_strangers_knock_at_are_throttled_for_themselves() -> None:
    (stage,) = translated_of("AWS::ApiGateway::Stage").values()
    limits = {one["ResourcePath"].replace("~1", "/").replace("//", "/", 1): one for one in stage["MethodSettings"]}
    doors = {"/callbacks/pex/{hook_key}", "/callbacks/procore/{hook_key}", "/v1/sessions"}
    assert doors <= set(limits)
    for path in doors:
        assert 0 < limits[path]["ThrottlingRateLimit"] < limits["/*"]["ThrottlingRateLimit"] <= 200
        assert limits[path]["ThrottlingBurstLimit"] >= limits[path]["ThrottlingRateLimit"]


def test_only_this_api_schedule_and_queue_call_our_functions() -> None:
    """API Gateway by a permission for its own address; nobody else has one."""
    for name, permission in translated_of("AWS::Lambda::Permission").items():
        assert permission["Principal"] == "apigateway.amazonaws.com", name
        assert "SourceArn" in permission
