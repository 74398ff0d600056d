"""Every answer turns with the simulator's switch; whatever was made goes again; secrets stay where they are."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.simulators.pex.switches import TABLE as PEX_SWITCHES
from local.simulators.procore.switches import TABLE as PROCORE_SWITCHES
from local.simulators.seed_pex import TOKEN
from local.simulators.seed_procore import full_codes_of
from tests.docs.markdown import ROOT
from tests.tools.sandboxes import SECRETS, Sandboxes, sandboxes
from tools.verify_sandbox import catalog
from tools.verify_sandbox.__main__ import VENDORS, main
from tools.verify_sandbox.page import blank_page
from tools.verify_sandbox.questions import CannotAsk

Arrange = Callable[[Sandboxes], object]
TWO = (True, False)


def remove_a_cost_code(at: Sandboxes) -> object:
    return at.procore.act_remove_cost_code(at.project.id, min(full_codes_of(at.procore.world, at.project.id)))


def buy_by_pin(at: Sandboxes) -> object:
    return at.pex.act_purchase(pin=True)


def take_the_right_away(at: Sandboxes) -> object:
    return at.pex.act_set_permission("ModifyTransactionNotes", False)


def age_the_token(at: Sandboxes) -> object:
    return at.pex.act_age_token(TOKEN, days_left=10)


PROCORE: list[tuple[str, str, tuple[Any, ...]]] = [
    ("duplicate_origin_id", "refuse_duplicate_origin_id", TWO),
    ("duplicate_line_origin_id", "refuse_duplicate_origin_id", TWO),
    ("origin_id_after_delete", "origin_id_free_after_delete", TWO),
    ("origin_id_after_delete", "list_deleted_direct_costs", TWO),
    ("origin_id_locks", "origin_id_locks_record", TWO),
    ("approved_locks", "approved_locks_record", TWO),
    ("lines_left_out", "lines_left_out_go", TWO),
    ("origin_id_in_erp_project", "erp_project_refuses_origin_id", TWO),
    ("invoice_number", "keep_invoice_number_on_expense", TWO),
    ("default_status", "default_status", ("draft", "pending")),
    ("negative_lines", "allow_negative_amounts", TWO),
    ("fractions_of_cents", "refuse_fractional_cents", TWO),
    ("longest_description", "description_max", (255, 4000)),
    ("longest_origin_id", "origin_id_max", (64, 255)),
    ("vendor_outside_project", "vendor_must_be_on_project", TWO),
    ("look_up_lag", "list_lag_seconds", (0.0, 8.0)),
    ("idempotency_token", "honour_idempotency_token", TWO),
    ("budget_code_from_parts", "lines_create_wbs_codes", TWO),
    ("lines_in_a_form", "multipart_lines", ("ignore", "refuse")),
    ("nulls", "refuse_null", TWO),
    ("unknown_names", "strict", TWO),
    ("unknown_names", "unknown_field_status", (400, 422)),
    ("missing_type", "missing_type_status", (400, 422)),
    ("too_many_lines", "too_many_lines_status", (400, 422)),
    ("wrong_content_type", "content_type_status", (406, 415)),
    ("append_or_replace", "attachments_replace", TWO),
    ("largest_receipt", "attachment_max_bytes", (10 * 2**20, 40 * 2**20)),
    ("receipt_kinds", "attachment_types", ("", "application/pdf,image/jpeg")),
    ("page_cap", "page_cap", (100, 37)),
    ("projects_page_cap", "projects_page_cap", (300, 7)),
    ("default_page", "default_page_size", (25, 10)),
    ("link_header", "link_drops_params", TWO),
    ("quoted_ranges", "quoted_ranges_only", TWO),
    ("range_ends", "range_end_inclusive", TWO),
    ("date_ends", "date_end_covers_day", TWO),
    ("segment_item_ids", "segment_items_share_ids", TWO),
    ("webhook_resources", "payload_versions", (["v2.0"], ["v2.0", "v4.0"])),
    ("webhook_resources", "company_lists_project_resources", TWO),
    ("webhook_resources", "actions_as_objects", TWO),
    ("webhook_resources", "v2_page_headers", TWO),
    ("engine_name", "engine_name", ("direct_costs", "direct_cost_items")),
    ("companies_without_header", "companies_need_company_header", TWO),
    ("missing_header", "missing_header_status", (400, 403)),
    ("other_company", "other_company_status", (403, 404)),
    ("unpermitted_project", "unpermitted_project_status", (403, 404)),
    ("tool_off", "disabled_tool_status", (403, 404)),
    ("sync_rows", "shuffle_sync_entities", TWO),
    ("sync_rows", "sync_errors_name_rows", TWO),
    ("limit_headers", "spike_limit", (25, 100)),
    ("limit_scope", "limit_per_company", TWO),
    ("over_the_limit", "retry_after", TWO),
    ("over_the_limit", "count_refused", TWO),
]
PEX: list[tuple[str, str, tuple[Any, ...]]] = [
    ("omitted_options", "put_omitted_options", ("removed", "kept")),
    ("stale_key", "check_concurrency_key", TWO),
    ("deleted_tags", "list_deleted_tags", TWO),
    ("most_options", "max_options", (0, 1000)),
    ("longest_option", "max_option_length", (0, 100)),
    ("unknown_fields", "strict_bodies", TWO),
    ("split_values", "split_values", ("json_string", "object")),
    ("split_values", "split_amounts", ("string", "number")),
    ("untagged", "untagged", ("null", "initial")),
    ("no_notes", "no_notes", ("empty", "null")),
    ("time_filter", "time_filter", ("transaction", "settlement")),
    ("old_range", "old_range", ("error", "empty")),
    ("page_size", "page_size", (30_000, 50)),
    ("receipt_content", "attachment_content", ("base64", "data_uri", "link")),
    ("longest_note", "note_limit", (255, 1000)),
    ("dead_token", "dead_token_status", (401, 403)),
    ("dead_token", "dead_token_current_status", (400, 401, 403)),
    ("subscriptions", "duplicate_subscriptions", ("accepted", "refused")),
    ("limits", "overall_per_minute", (120, 60)),
    ("limits", "retry_after", TWO),
    ("limits_of_2018", "limits_of_2018", TWO),
]
ALSO: dict[str, dict[str, Any]] = {
    "limits": {"pex.overall_per_minute": 120},
    "over_the_limit": {"spike_limit": 25},
}
SPECIAL: list[tuple[str, str, Any, Arrange, dict[str, Any]]] = [
    ("pin_settles", "pex.pin_settles", True, buy_by_pin, {}),
    ("pin_settles", "pex.pin_settles", False, buy_by_pin, {}),
    ("note_right", "pex.note_needs_permission", True, take_the_right_away, {}),
    ("note_right", "pex.note_needs_permission", False, take_the_right_away, {}),
    ("renewal", "pex.renewal", "any_time", lambda at: None, {}),
    ("renewal", "pex.renewal", "last_month", lambda at: None, {}),
    ("renewal", "pex.renewal", "last_month", age_the_token, {}),
    ("renewal", "pex.renewal", "never", age_the_token, {}),
    ("renewal", "pex.renewed_token_dies", True, age_the_token, {}),
    ("renewal", "pex.renewed_token_dies", False, age_the_token, {}),
    ("deleted_cost_codes", "list_deleted_cost_codes", True, remove_a_cost_code, {}),
    ("deleted_cost_codes", "list_deleted_cost_codes", False, remove_a_cost_code, {}),
    ("limit_headers", "hourly_limit", 600, lambda at: None, {"spike_limit": 9000}),
    ("limit_headers", "hourly_limit", 480, lambda at: None, {"spike_limit": 9000}),
]
EVERY = [
    *(
        (name, switch, value, lambda at: None, ALSO.get(name, {}))
        for name, switch, values in PROCORE
        for value in values
    ),
    *(
        (name, f"pex.{switch}", value, lambda at: None, ALSO.get(name, {}))
        for name, switch, values in PEX
        for value in values
    ),
    *SPECIAL,
]


@pytest.mark.parametrize(
    ("name", "switch", "value", "arrange", "also"), EVERY, ids=[f"{one[0]}-{one[1]}-{one[2]}" for one in EVERY]
)
def test_the_answer_turns_with_the_switch(
    name: str, switch: str, value: Any, arrange: Arrange, also: dict[str, Any]
) -> None:
    with sandboxes(**{**also, switch: value}) as at:
        arrange(at)
        found = at.ask(name)
    assert found.switches[switch.removeprefix("pex.")] == value
    assert found.answer
    assert found.then


@pytest.mark.parametrize("form", ["bare", "user_and_secret"])
def test_a_callback_that_is_listened_to_tells_the_form_of_its_secret(form: str) -> None:
    with sandboxes(**{"pex.callback_secret_form": form, "pex.callback_delays": [0.1, 0.1]}) as at:
        at.buy_while_waiting()
        found = at.ask("callback_secret")
    assert found.switches == {"callback_secret_form": form}
    assert "answered with 500 came again" in found.seen


def test_the_web_app_s_address_is_told_with_the_form_of_a_link() -> None:
    with sandboxes() as at:
        found = at.ask("web_address")
        assert found.answer == "https://us02.procore.com"
        assert f"/{at.project.id}/project/direct_costs/" in found.seen


def test_every_switch_is_set_by_an_answer_or_there_is_a_reason_why_not() -> None:
    tables = {"procore": (PROCORE_SWITCHES, catalog.PROCORE), "pex": (PEX_SWITCHES, catalog.PEX)}
    for vendor, (table, questions) in tables.items():
        asked = {switch for one in questions for switch in one.switches}
        unasked = catalog.UNASKED[vendor].keys()
        assert asked | unasked == table.keys()
        assert not asked & unasked


def test_every_switch_that_an_answer_sets_is_tried_both_ways() -> None:
    tried: dict[tuple[str, str], set[str]] = {}
    for name, switch, value, _, _ in EVERY:
        tried.setdefault((name, switch.removeprefix("pex.")), set()).add(repr(value))
    wanted = {(one.name, switch) for one in [*catalog.PROCORE, *catalog.PEX] for switch in one.switches}
    wanted -= {("callback_secret", "callback_secret_form")}  # has a test of its own
    assert tried.keys() == wanted
    assert all(len(values) > 1 for values in tried.values())


ROWS = {  # of the table of what nobody could tell us
    "Does a second create with the same `origin_id` fail, and how?": "duplicate_origin_id",
    "May a record with `origin_id` still be changed?": "origin_id_locks",
    "May lines be added to a record with `origin_id`?": "origin_id_locks",
    "Do the lines that an update leaves out stay?": "lines_left_out",
    "May an approved record be changed?": "approved_locks",
    "May a record with `origin_id` still get receipts?": "origin_id_locks",
    "Does a later upload replace the earlier files?": "append_or_replace",
    "Are negative lines allowed in expenses?": "negative_lines",
    "Where an expense is seen in the web app": "web_address",
    "Longest description": "longest_description",
    "Quotes around date ranges": "quoted_ranges",
    "Scope and size of Procore's limits": "limit_scope",
    "PEX's limits": "limits",
    "Rows per page at most": "page_cap",
    "Listing companies without a company id": "companies_without_header",
    "Does a renewed PEX token live on?": "renewal",
    "May a token that a person made be renewed?": "renewal",
    "Which time PEX's windows filter on": "time_filter",
    "Content of a PEX receipt: file or link": "receipt_content",
    "Hosts that links lead to": "receipt_content",
    "Largest and allowed receipts": "receipt_kinds",
    "Longest note": "longest_note",
    "PEX's sandbox login host": "oauth_host",
    "Do PIN purchases settle with a callback of their own?": "pin_settles",
}


def test_whatever_nobody_could_tell_us_is_asked() -> None:
    table = (ROOT / "docs/behaviour.md").read_text().partition("## What nobody could tell us")[2]
    rows = re.findall(r"^\| (.+?) \|", table, re.MULTILINE)
    assert {row for row in rows if row not in ("not known", "---")} <= ROWS.keys()
    assert set(ROWS.values()) <= {one.name for one in [*catalog.PROCORE, *catalog.PEX]}


def test_the_page_says_that_nobody_was_asked_until_somebody_was() -> None:
    page = (ROOT / "docs/sandbox-findings.md").read_text()
    assert page == blank_page(VENDORS) or "not been run" not in page


def test_a_whole_run_leaves_both_vendors_as_they_were_and_every_question_on_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "findings.md"
    with sandboxes(lines_create_wbs_codes=False) as at:
        before = at.kept()
        assert at.run(page) == 0
        assert at.writes() > 50
        assert at.kept() == before
    told = page.read_text() + capsys.readouterr().out
    for one in [*catalog.PROCORE, *catalog.PEX]:
        assert (one.asks in page.read_text()) is not bool(one.needs)
    assert "`refuse_duplicate_origin_id=True`" in page.read_text()
    assert "x-rate-limit-remaining" in page.read_text()
    assert not [one for one in SECRETS if one in told]


def test_what_will_be_written_is_told_before_the_first_write(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with sandboxes() as at:
        assert at.run(tmp_path / "page.md", "--only", "default_status") == 0
    told = capsys.readouterr().out
    assert told.index("default_status: one draft expense") < told.index("Which status has an expense")


def test_a_dry_run_asks_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    with sandboxes() as at:
        assert main(["--dry-run"], {}) == 0
        assert len(at.procore.requests) + len(at.pex.requests) == 0
    assert "duplicate_origin_id: two draft expenses" in capsys.readouterr().out


def test_an_interrupted_run_takes_away_what_it_made(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    with sandboxes() as at:
        before = at.kept()
        pauses = 0

        def interrupted(seconds: float) -> None:
            nonlocal pauses
            pauses += 1
            if pauses == 12:
                raise KeyboardInterrupt
            at.clock.advance(seconds)

        at.sleep = interrupted  # type: ignore[method-assign]
        assert at.run(page) == 130
        assert at.writes() > 3
        assert at.kept() == before
    assert page.exists()


def test_what_a_lost_answer_hid_is_found_by_its_mark(tmp_path: Path) -> None:
    with sandboxes() as at:
        before = at.kept()
        at.procore.faults.add({"method": "POST", "path": "direct_costs", "kind": "drop_after", "times": 1})
        at.pex.faults.add({"method": "POST", "path": "Dropdown", "kind": "drop_after", "times": 1})
        assert at.run(tmp_path / "page.md", "--only", "default_status", "--only", "omitted_options") == 0
        assert at.kept() == before
    assert "gave no answer" in (tmp_path / "page.md").read_text()


def test_what_a_killed_run_left_goes_with_a_sweep(tmp_path: Path) -> None:
    with sandboxes() as at:
        before = at.kept()
        at.ask("default_status")  # nobody takes it away
        at.ask("omitted_options")
        at.ask("longest_note")
        at.ask("subscriptions")
        assert at.kept() != before
        assert at.run(tmp_path / "page.md", "--sweep-only") == 0
        assert at.kept() == before
        assert not (tmp_path / "page.md").exists()


def test_what_cannot_be_taken_away_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with sandboxes(origin_id_locks_record=True) as at:
        assert at.run(tmp_path / "page.md", "--only", "origin_id_locks") == 1
    assert "Left behind: expense" in capsys.readouterr().out
    assert "**Left behind**" in (tmp_path / "page.md").read_text()


@pytest.mark.parametrize("name", ["PEX_API_URL", "PROCORE_API_URL", "PROCORE_LOGIN_URL"])
def test_a_production_host_is_refused(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hosts = {
        "PEX_API_URL": "https://coreapi.pexcard.com",
        "PROCORE_API_URL": "https://api.procore.com",
        "PROCORE_LOGIN_URL": "https://login.procore.com",
    }
    with sandboxes() as at:
        at.environ[name] = hosts[name]
        assert at.run(tmp_path / "page.md") == 2
        assert len(at.procore.requests) + len(at.pex.requests) == 0
    assert "is not a sandbox's host" in capsys.readouterr().err


@pytest.mark.parametrize("side", ["company", "business"])
def test_a_place_whose_name_is_no_test_s_is_refused_until_confirmed(
    side: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with sandboxes() as at:
        business_id = next(iter(at.pex.world.businesses))
        other = {"company": ("business", business_id), "business": ("company", at.environ["PROCORE_COMPANY_ID"])}[side]
        options = ["--page", str(tmp_path / "page.md"), f"--confirm-{other[0]}", str(other[1])]
        assert main(options, at.environ, at.clock, at.sleep) == 2
        assert at.writes() == 0
    assert f"--confirm-{side}" in capsys.readouterr().err


def test_a_business_called_sandbox_needs_no_confirmation(tmp_path: Path) -> None:
    with sandboxes() as at:
        next(iter(at.pex.world.businesses.values())).name = "Acme (Sandbox)"
        environ = {name: value for name, value in at.environ.items() if name.startswith("PEX")}
        options = ["--page", str(tmp_path / "page.md"), "--only", "dead_token"]
        assert main(options, environ, at.clock, at.sleep) == 0


def test_what_is_missing_for_a_question_is_told(tmp_path: Path) -> None:
    with sandboxes() as at:
        del at.environ["PROCORE_ERP_PROJECT_ID"]
        with pytest.raises(CannotAsk, match="PROCORE_ERP_PROJECT_ID"):
            at.ask("origin_id_in_erp_project")
        assert at.run(tmp_path / "page.md", "--only", "origin_id_in_erp_project") == 0
    assert "PROCORE_ERP_PROJECT_ID names no project" in (tmp_path / "page.md").read_text()


def test_half_of_what_procore_needs_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([], {"PROCORE_CLIENT_ID": "only"}) == 2
    assert "PROCORE_CLIENT_SECRET, PROCORE_COMPANY_ID" in capsys.readouterr().err
