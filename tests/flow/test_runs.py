"""One run of a business at a time, each with a beginning, an end, and a verdict."""

from __future__ import annotations

from tests.flow.story import Story


def test_of_two_clicks_the_second_hears_that_a_run_is_at_work(connected: Story) -> None:
    connected.purchase()
    answers: list[tuple[int, str]] = []

    def click_again() -> None:
        answer = connected.api("POST", "/v1/runs", {"kind": "transactions"})
        answers.append((answer.status, answer.json.get("run_id", "")))

    connected.cloud.before("PostTransactions", click_again)
    run = connected.sync()
    assert answers == [(409, run["run_id"])]
    assert len(connected.runs()) == 1


def test_a_sweep_during_a_run_by_hand_stands_back(connected: Story) -> None:
    connected.purchase()
    stood_back: list[str] = []

    def sweep() -> None:
        at_work = connected.cloud.executions()
        connected.cloud.beat()
        stood_back.extend(connected.cloud.finish(but=at_work))

    connected.cloud.before("StageReceipts", sweep)
    run = connected.sync()
    assert set(stood_back) == {"SUCCEEDED"}
    assert [one["run_id"] for one in connected.runs() if one["kind"] == "transactions"] == [run["run_id"]]
    assert len(connected.costs()) == 1


def test_a_callback_a_sweep_and_a_click_for_one_purchase_post_it_once(connected: Story) -> None:
    connected.purchase()
    connected.receive()
    connected.ask("POST", "/v1/runs", {"kind": "transactions"})
    connected.cloud.pump(limit=1)
    connected.clock.forward(minutes=16)
    connected.cloud.beat()
    connected.cloud.pump()
    assert set(connected.cloud.finish()) == {"SUCCEEDED"}
    connected.sweep()
    assert (len(connected.costs()), connected.creates()) == (1, 1)
    assert [row["state"] for row in connected.rows()] == ["complete"]


def test_a_run_goes_on_when_nobody_watches(connected: Story) -> None:
    connected.purchase()
    run_id = connected.ask("POST", "/v1/runs", {"kind": "transactions"})["run_id"]
    connected.ask("DELETE", "/v1/sessions/current")
    connected.cloud.finish()
    assert connected.sign_in().status == 201
    assert connected.run(run_id)["counts"] == {"posted": 1}


def test_a_run_cut_off_is_recorded_as_interrupted_and_the_next_one_goes_on(connected: Story) -> None:
    connected.purchase("10.00")
    connected.purchase("20.00")
    for step in ("PostTransactions", "CloseRun"):
        connected.cloud.crash(step, when=lambda: connected.creates() > 0, times=3)
    run_id = connected.ask("POST", "/v1/runs", {"kind": "transactions"})["run_id"]
    assert connected.cloud.finish() == ["FAILED"]
    assert connected.run(run_id)["status"] == "running"
    connected.sweep()
    cut_off = connected.run(run_id)
    assert (cut_off["status"], cut_off["verdict"]) == ("finished", "failed")
    assert "interrupted" in cut_off["reasons"]
    assert sorted(cost["grand_total"] for cost in connected.costs()) == ["10.00", "20.00"]
    assert connected.creates() == 2


def test_a_run_keeps_the_settings_it_began_with(connected: Story) -> None:
    connected.purchase("10.00")
    connected.cloud.before("ListTransactions", lambda: connected.set(expense_status="approved"))
    connected.sync()
    assert connected.cost()["status"] == "draft"
    assert connected.ask("GET", "/v1/settings")["expense_status"] == "approved"
    second = connected.purchase("20.00")
    connected.sync()
    assert [cost["status"] for cost in connected.costs_of(second)] == ["approved"]


def test_a_step_refused_for_concurrency_is_tried_again(connected: Story) -> None:
    connected.cloud.crash("PostTransactions", at=1, how="Lambda.TooManyRequestsException")
    connected.purchase()
    assert connected.sync()["verdict"] == "success"


def test_a_run_with_some_failures_is_partial_and_names_them_for_a_retry(connected: Story) -> None:
    connected.set(reference="description")
    for number in range(9):
        connected.purchase(f"{number + 1}.00")
    connected.procore.faults.add(
        {
            "method": "POST",
            "path": "/direct_costs$",
            "kind": "status",
            "status": 422,
            "nth": [2, 5],
            "answer": {"errors": {"base": ["No"]}},
        }
    )
    run = connected.sync()
    assert (run["verdict"], run["counts"]) == ("partial", {"posted": 7, "failed": 2})
    failed = [item for item in run["items"] if item["outcome"] == "failed"]
    assert {(item["reason"], "No" in item["detail"]) for item in failed} == {("refused_by_procore", True)}
    connected.procore.faults.clear()
    for item in failed:
        connected.ask("POST", f"/v1/transactions/{item['transaction_id']}/retry")
    connected.sync()
    assert len(connected.costs()) == 9


def test_what_a_person_ignores_is_not_posted(connected: Story) -> None:
    transaction_id = connected.purchase(project=None)
    connected.sync()
    connected.ask("POST", f"/v1/transactions/{transaction_id}/ignore")
    connected.tag(transaction_id, project="Library")
    connected.sync()
    assert connected.costs() == []


def test_a_run_of_many_pages_lists_and_posts_them_all(connected: Story) -> None:
    connected.pex.switches.change(page_size=4)
    for number in range(11):
        connected.purchase(f"{number + 1}.00")
        connected.clock.forward(2)
    run = connected.sync()
    assert run["counts"] == {"posted": 11}
    assert connected.pex.requests.count("GET", "AllCardholderTransactions") >= 3
