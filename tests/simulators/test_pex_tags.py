from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.simulators.control import Refused
from local.simulators.pex import PexSimulator
from local.simulators.seed_pex import small_pex
from tests.simulators.pex_client import Now, Pex


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def sim(now: Now) -> Iterator[PexSimulator]:
    running = PexSimulator(small_pex(clock=now), clock=now).start()
    yield running
    running.stop()


@pytest.fixture
def pex(sim: PexSimulator) -> Pex:
    return Pex(sim)


def tag_id(sim: PexSimulator, name: str = "Procore Projects") -> str:
    return sim.tag(sim.world.business(), name).tag_id


def dropdown(sim: PexSimulator) -> str:
    return f"/v4/Business/Configuration/Tag/Dropdown/{tag_id(sim)}"


def whole(*options: dict[str, Any], **more: Any) -> dict[str, Any]:
    body = {"Name": "Procore Projects", "Order": 0, "IsRequired": False, "IsEnabled": True, "Options": list(options)}
    return body | more


def option(value: str, name: str = "", enabled: bool = True) -> dict[str, Any]:
    return {"Name": name or value, "Value": value, "Order": 0, "IsEnabled": enabled}


def test_definitions_carry_their_options_by_value(sim: PexSimulator, pex: Pex) -> None:
    tags = pex.get("/v4/Business/Configuration/Tags").json
    assert [(tag["Name"], tag["Type"]) for tag in tags] == [
        ("Procore Projects", "Dropdown"),
        ("Procore Cost Codes", "Dropdown"),
        ("Procore Cost Types", "Dropdown"),
        ("Allocation_6215", "Allocation"),
    ]
    assert tags[0]["Options"][:2] == [
        {"Name": "Test", "Value": "Test", "Order": 0, "IsEnabled": False},
        {"Name": "25-101 - Library", "Value": "101", "Order": 1, "IsEnabled": True},
    ]
    assert "Options" not in tags[3]
    assert len(tags[0]["Id"]) == 24


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (whole(option("1", enabled=False)), "At least one option must be enabled."),
        (whole(), "At least one option must be enabled."),
        (whole(option("a", "One"), option("A", "Two")), "The option value 'a' is not unique."),
        (whole(option("1", "Bridge"), option("2", "BRIDGE")), "The option name 'bridge' is not unique."),
        (whole(option("1"), Colour="red"), "Colour is not a known field."),
        (whole({**option("1"), "Id": "7"}), "Id is not a known field."),
        (whole({"Name": "1", "IsEnabled": True}), "The Value field is required."),
        (whole(option("1"), Order="first"), "The value of Order is not valid: int expected."),
        ({"Name": "Procore Projects", "Options": [option("1")]}, "The Order field is required."),
    ],
)
def test_a_put_that_breaks_a_rule_changes_nothing(sim: PexSimulator, pex: Pex, body: Any, why: str) -> None:
    before = pex.get(f"/v4/Business/Configuration/Tag/{tag_id(sim)}").json
    answer = pex.call("PUT", dropdown(sim), body)
    assert (answer.status, answer.message) == (400, "The request is invalid.")
    assert why in [text for texts in answer.json["ModelState"].values() for text in texts]
    assert pex.get(f"/v4/Business/Configuration/Tag/{tag_id(sim)}").json == before


def test_the_whole_fetched_tag_may_be_sent_back(sim: PexSimulator, pex: Pex) -> None:
    tag = pex.get(f"/v4/Business/Configuration/Tag/{tag_id(sim)}", OverrideRestrictions="true").json
    tag["Options"].append(option("777", "New"))
    answer = pex.call("PUT", dropdown(sim), tag)
    assert answer.status == 200
    assert answer.json["Options"] == tag["Options"]
    assert answer.json["ConcurrencyKey"] != tag["ConcurrencyKey"]
    assert answer.json["UpdatedDateUtc"] == "2026-06-15T16:00:00Z"


def test_an_option_left_out_is_removed_or_kept_as_the_switch_says(sim: PexSimulator, pex: Pex) -> None:
    def values() -> list[str]:
        found = pex.call("PUT", dropdown(sim), whole(option("101", "Library"))).json["Options"]
        return [each["Value"] for each in found]

    sim.switches.change(put_omitted_options="kept")
    assert values() == ["101", "Test", "102", "103"]
    sim.switches.change(put_omitted_options="removed")
    assert values() == ["101"]


def test_an_outdated_key_is_refused_when_keys_are_checked(sim: PexSimulator, pex: Pex) -> None:
    tag = pex.get(f"/v4/Business/Configuration/Tag/{tag_id(sim)}").json
    sim.act_edit_option("Procore Projects", "104", "By hand")
    sim.switches.change(check_concurrency_key=True)
    assert pex.call("PUT", dropdown(sim), tag).status == 409
    sim.switches.change(check_concurrency_key=False)
    assert pex.call("PUT", dropdown(sim), tag).status == 200


def test_restricted_options_show_only_when_restrictions_are_overridden(sim: PexSimulator, pex: Pex) -> None:
    sim.act_restrict_tag("Procore Projects", ["102"])
    path = f"/v4/Business/Configuration/Tag/{tag_id(sim)}"
    assert "102" not in [each["Value"] for each in pex.get(path).json["Options"]]
    assert "102" in [each["Value"] for each in pex.get(path, OverrideRestrictions="true").json["Options"]]


def test_tags_that_are_off_answer_403(sim: PexSimulator, pex: Pex) -> None:
    sim.act_change_settings({"TagsEnabled": False})
    assert pex.get("/v4/Business/Configuration/Tags").status == 403
    assert pex.get(f"/v4/Business/Configuration/Tag/{tag_id(sim)}").status == 403
    assert pex.get("/v4/Business/Settings").json["TagsEnabled"] is False


def test_a_deleted_tag_is_gone_but_old_transactions_go_on_naming_it(sim: PexSimulator, pex: Pex) -> None:
    transaction_id = sim.act_purchase(settle=True)["transaction_id"]
    sim.act_tag(transaction_id, project="101")
    deleted = pex.call("DELETE", dropdown(sim)).json
    assert (deleted["IsDeleted"], deleted["DeletedDateUtc"]) == (True, "2026-06-15T16:00:00Z")
    assert pex.get(f"/v4/Business/Configuration/Tag/{tag_id(sim)}").status == 404
    assert pex.call("PUT", dropdown(sim), whole(option("1"))).status == 404
    assert tag_id(sim) not in [tag["Id"] for tag in pex.get("/v4/Business/Configuration/Tags").json]
    assert pex.list()[0]["TransactionTags"]["Tags"][0]["FieldId"] == tag_id(sim)
    sim.switches.change(list_deleted_tags=True)
    assert tag_id(sim) in [tag["Id"] for tag in pex.get("/v4/Business/Configuration/Tags").json]


def test_a_tag_is_made_with_its_location_and_options_can_be_added_and_changed(sim: PexSimulator, pex: Pex) -> None:
    made = pex.call("POST", "/v4/Business/Configuration/Tag/Dropdown", whole(option("Test"), Name="Crew"))
    assert made.status == 201
    path = f"/v4/Business/Configuration/Tag/Dropdown/{made.json['Id']}"
    assert made.headers["Location"].endswith(f"/Tag/{made.json['Id']}")
    assert (
        pex.call("POST", f"{path}/Options", {"Options": [option("2", "Night")]}).json["Options"][1]["Name"] == "Night"
    )
    assert pex.call("PUT", f"{path}/Option", option("2", "Day")).json["Name"] == "Day"
    assert pex.call("PUT", f"{path}/Option", option("9", "None")).status == 404
    allocation = tag_id(sim, "Allocation_6215")
    refused = pex.call(
        "POST", f"/v4/Business/Configuration/Tag/Dropdown/{allocation}/Options", {"Options": [option("2")]}
    )
    assert (refused.status, refused.message) == (400, "Tag is not dropdown type.")


def test_a_body_that_is_not_announced_as_json_or_is_none_is_refused(sim: PexSimulator, pex: Pex) -> None:
    assert pex.call("PUT", dropdown(sim), b"{}", headers={"Content-Type": "text/plain"}).status == 415
    assert pex.call("PUT", dropdown(sim), b"{", headers={"Content-Type": "application/json"}).status == 400
    assert pex.call("PUT", dropdown(sim), []).status == 400


def test_a_split_is_json_text_with_amounts_as_text(sim: PexSimulator, pex: Pex) -> None:
    transaction_id = sim.act_purchase(amount="2.01", settle=True)["transaction_id"]
    parts = [{"amount": "0.50", "project": "101"}, {"amount": "1.51", "project": "102", "cost_code": "01-500"}]
    sim.act_split(transaction_id, parts)
    tags = pex.list()[0]["TransactionTags"]["Tags"]
    allocation = tag_id(sim, "Allocation_6215")
    assert [(tag["FieldId"], tag["Name"]) for tag in tags] == [(allocation, "Allocation_6215")] * 2
    assert json.loads(tags[1]["Value"]) == {
        "TagId": allocation,
        "Allocation": [
            {"TagId": tag_id(sim), "Value": "102"},
            {"TagId": tag_id(sim, "Procore Cost Codes"), "Value": "01-500"},
        ],
        "Amount": "1.51",
    }
    sim.switches.change(split_values="object", split_amounts="number")
    assert str(pex.list()[0]["TransactionTags"]["Tags"][0]["Value"]["Amount"]) == "0.5"
    values = pex.get(f"/v4/Transactions/{transaction_id}/Tags").json["Values"]
    assert [value["Definition"]["Type"] for value in values] == ["Allocation", "Allocation"]


def test_only_a_settled_row_can_be_split_and_only_to_the_cent(sim: PexSimulator) -> None:
    parts = [{"amount": "1.00", "project": "101"}, {"amount": "1.00", "project": "102"}]
    pending = sim.act_purchase(amount="2.00")["transaction_id"]
    with pytest.raises(Refused, match="only settled ones"):
        sim.act_split(pending, parts)
    settled = sim.act_purchase(amount="2.01", settle=True)["transaction_id"]
    with pytest.raises(Refused, match=r"add up to 2\.00, the transaction is 2\.01"):
        sim.act_split(settled, parts)
    with pytest.raises(Refused, match="at least two parts"):
        sim.act_split(settled, [{"amount": "2.01", "project": "101"}])
    sim.act_split(settled, parts, force=True)
    assert [split["amount"] for split in sim.books()["transactions"][-1]["splits"]] == ["1.00", "1.00"]


def test_a_transaction_without_tags_has_none_to_show(sim: PexSimulator, pex: Pex) -> None:
    transaction_id = sim.act_purchase(settle=True)["transaction_id"]
    assert pex.get(f"/v4/Transactions/{transaction_id}/Tags").status == 404
    sim.act_tag(transaction_id, project="101")
    assert pex.get(f"/v4/Transactions/{transaction_id}/Tags").json["Values"][0]["Value"] == "101"
    sim.act_untag(transaction_id, ["project"])
    assert pex.get(f"/v4/Transactions/{transaction_id}/Tags").status == 404
