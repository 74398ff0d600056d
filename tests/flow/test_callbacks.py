"""PEX's callbacks make us fast; losing, doubling or forging them changes nothing else."""

from __future__ import annotations

from tests.flow.story import Story
from tests.flow.worlds import CALLBACK_SECRET, SETUP


def callback_runs(story: Story) -> list[dict[str, object]]:
    return [run for run in story.runs() if run["trigger"] == "callback"]


def test_a_settlement_becomes_an_expense_without_anybody_asking(connected: Story) -> None:
    transaction_id = connected.purchase(receipts=("jpg",))
    connected.deliver()
    assert connected.row(transaction_id)["state"] == "complete"
    assert len(connected.cost()["attachments"]) == 1
    assert [run["verdict"] for run in connected.runs()] == ["success"]


def test_a_callback_run_reads_only_the_hinted_card(connected: Story) -> None:
    connected.purchase(card=1)
    connected.deliver()
    lists = [one.path for one in connected.pex.requests.all() if "TransactionDetails" in one.path or "All" in one.path]
    assert lists == [f"/v4/Details/TransactionDetails/{connected.names.account_ids[1]}"]


def test_a_burst_of_callbacks_starts_one_run(connected: Story) -> None:
    for number in range(12):
        connected.purchase(f"{number + 1}.00")
    connected.deliver()
    assert len(callback_runs(connected)) == 1
    assert len(connected.costs()) == 12


def test_a_callback_that_comes_ten_times_is_processed_once(connected: Story) -> None:
    connected.pex.act_duplicate_callbacks(times=10)
    connected.purchase()
    connected.deliver()
    connected.cloud.pump()
    connected.cloud.finish()
    assert (len(connected.costs()), connected.creates()) == (1, 1)


def test_callbacks_out_of_order_and_two_days_late_are_processed_once(connected: Story) -> None:
    connected.pex.act_reverse_callbacks(n=4)
    first = connected.purchase("10.00")
    second = connected.purchase("20.00")
    connected.deliver()
    connected.clock.forward(days=2)
    connected.pex.act_resend_callback(first)
    connected.deliver()
    assert [len(connected.costs_of(one)) for one in (first, second)] == [1, 1]
    assert connected.creates() == 2


def test_a_lost_callback_is_made_good_by_the_next_sweep(connected: Story) -> None:
    connected.pex.act_drop_callbacks(n=2)
    transaction_id = connected.purchase()
    connected.deliver()
    assert connected.costs() == []
    run = connected.sweep()
    assert (run["trigger"], run["counts"]) == ("sweep", {"posted": 1})
    assert connected.row(transaction_id)["state"] == "complete"


def test_a_queue_message_delivered_again_starts_no_second_run(connected: Story) -> None:
    connected.purchase()
    connected.receive()
    connected.cloud.crash("StartRuns", at=4)
    connected.cloud.pump_once()
    connected.cloud.finish()
    connected.deliver()
    assert (len(connected.costs()), connected.creates()) == (1, 1)


def test_a_forged_callback_is_turned_away_without_a_trace(connected: Story) -> None:
    connected.pex.switches.change(callback_delays=[])
    connected.pex.act_forge_callback({"TransactionId": 77}, secret="not-the-secret")
    connected.pex.act_forge_callback({"TransactionId": 78}, secret=f"{CALLBACK_SECRET}x")
    connected.deliver()
    statuses = [status for one in connected.pex.books()["deliveries"] if one["forged"] for status in one["statuses"]]
    assert set(statuses) == {401}
    assert (connected.rows(), connected.runs()) == ([], [])


def test_what_a_callback_says_about_money_is_never_believed(connected: Story) -> None:
    """It knows the secret, and still only the card's own list counts."""
    data = {"TransactionId": 77, "AcctId": connected.names.account_ids[0], "TransactionAmount": -9999}
    connected.pex.act_forge_callback(data, secret=CALLBACK_SECRET)
    connected.deliver()
    assert connected.costs() == []


def test_a_hint_for_another_businesses_card_brings_nothing_in(connected: Story) -> None:
    other = connected.pex.act_add_business("Another Builder LLC")
    foreign = connected.pex.act_purchase(other["account_id"], "66.00", settle=True)["transaction_id"]
    data = {"TransactionId": foreign, "AcctId": other["account_id"]}
    connected.pex.act_forge_callback(data, secret=CALLBACK_SECRET)
    connected.deliver()
    assert connected.costs() == []
    assert connected.runs()[0]["status"] == "finished"


def test_a_poison_message_goes_to_the_dead_letters_and_holds_nobody_up(connected: Story) -> None:
    cloud = connected.cloud
    cloud.sqs.send_message(QueueUrl=cloud.queue_url, MessageBody="not what we send")
    connected.purchase()
    connected.receive()
    for _ in range(7):
        cloud.pump_once()
    cloud.finish()
    assert len(connected.costs()) == 1
    dead = cloud.sqs.receive_message(QueueUrl=cloud.dead_queue_url).get("Messages", [])
    assert [one["Body"] for one in dead] == ["not what we send"]


def test_with_automatic_sync_off_callbacks_and_sweeps_start_nothing(connected: Story) -> None:
    connected.set(automatic_sync=False)
    connected.purchase()
    connected.deliver()
    connected.clock.forward(hours=1)
    connected.cloud.beat()
    connected.cloud.finish()
    assert (connected.costs(), connected.runs()) == ([], [])
    connected.sync()
    assert len(connected.costs()) == 1


def test_a_callback_while_a_run_closes_is_seen_by_that_run(connected: Story) -> None:
    connected.purchase("10.00")
    late: list[int] = []

    def one_more() -> None:
        late.append(connected.purchase("20.00"))
        connected.receive()
        connected.cloud.pump()

    connected.cloud.before("CloseRun", one_more)
    run = connected.sync()
    assert connected.row(late[0])["state"] == "complete"
    assert run["counts"] == {"posted": 2}
    assert {execution.status for execution in connected.cloud.executions()} == {"SUCCEEDED"}


def test_a_pin_purchase_without_a_settlement_callback_is_posted(connected: Story) -> None:
    made = connected.pex.act_purchase(connected.names.account_ids[0], "15.00", pin=True)["transaction_id"]
    connected.tag(made, "Library", SETUP, "M")
    connected.deliver()
    assert connected.cost()["grand_total"] == "15.00"
