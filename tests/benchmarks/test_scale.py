"""The simulation of scale counts what the code does, loses nothing, and keeps one business from another's quota."""

from __future__ import annotations

import pytest

from benchmarks.scale import BEGIN, PAGE, monthly
from benchmarks.scale_costs import MACHINE, PRICES, Counts
from benchmarks.scale_model import simulate
from benchmarks.scale_parts import AS_BUILT, IDLE_TRANSITIONS, SHARDS, TAG_STEPS, TRANSITIONS, UNTOLD, load_inputs
from tests.docs.markdown import ROOT
from tests.template.cfn import beats

SMALL = 0.002
SLACK = 1.1  # how much dearer a run may become before somebody counts anew and looks at the bill
BILLED = ("writes", "reads", "kms.Decrypt", "invocations", "pex", "procore", "s3.PutObject", "s3.GetObject")


def sums(counts: Counts) -> dict[str, float]:
    """Over all functions."""
    found: dict[str, float] = {}
    for what in (*BILLED, "transitions_express", "transitions_standard"):
        found[what] = sum(one.get(what, 0) for one in counts.values())
    return found


def test_a_run_costs_no_more_than_the_simulation_says() -> None:
    """Dearer on purpose: `make sim-scale ARGS="--measure --write"`, and look at docs/scale.md."""
    from benchmarks.scale_measure import measure

    known = load_inputs()
    for name, counts in measure().items():
        for what, number in sums(counts).items():
            most = sums(known[name])[what]
            assert number <= most * SLACK, f"{name}: {number:g} {what}, which were {most:g}"
        for what in ("transitions_express", "transitions_standard"):
            assert sums(counts)[what] == sums(known[name])[what], name


def test_the_steps_of_the_simulation_are_those_that_were_counted() -> None:
    known = load_inputs()
    assert known["callback_few"][MACHINE]["transitions_express"] == TRANSITIONS
    for idle in ("sweep_few", "waiting_many"):
        assert known[idle][MACHINE]["transitions_express"] == IDLE_TRANSITIONS
    assert known["tags"]["RefreshTag"]["invocations"] == TAG_STEPS.count("RefreshTag")


@pytest.mark.parametrize("design", [AS_BUILT, UNTOLD], ids=lambda design: design.name)
def test_every_purchase_is_posted_or_still_waits(design: object) -> None:
    day = simulate(design, load_inputs(), 3, SMALL)  # type: ignore[arg-type]
    assert len(day.waited) + day.left == day.purchases > 500
    assert min(day.waited) > 0


def test_one_seed_makes_one_day() -> None:
    one, same, other = (simulate(AS_BUILT, load_inputs(), seed, SMALL) for seed in (1, 1, 2))
    assert one.totals == same.totals
    assert one.totals != other.totals


def test_where_more_is_due_than_a_beat_starts_sweeps_begin_late() -> None:
    one_a_beat = AS_BUILT.__class__("narrow", due_a_beat=1)
    narrow, wide = (simulate(design, load_inputs(), 1, SMALL) for design in (one_a_beat, AS_BUILT))
    assert max(wide.overdue) <= 60
    assert max(narrow.overdue) > 300
    assert narrow.runs["sweep"] + narrow.runs["tags"] <= 1440


def test_a_business_with_more_than_its_quota_waits_and_no_other_does() -> None:
    inputs = load_inputs()
    day = simulate(AS_BUILT, inputs, 1, SMALL)
    flooded = simulate(AS_BUILT, inputs, 1, SMALL, flood=20_000)
    others = [max(one, default=0) for number, one in flooded.waited_of.items() if number]
    assert flooded.backlogs[0] > 100
    assert max(flooded.waited_of[0]) > 600
    assert max(others) < 2 * max(max(one, default=0) for one in day.waited_of.values()) + 60


def test_express_runs_are_billed_by_the_second_and_those_that_need_hours_by_the_transition() -> None:
    calm, flooded = (simulate(AS_BUILT, load_inputs(), 1, SMALL, flood=flood) for flood in (0, 20_000))
    for cause in ("callback", "sweep", "tags"):
        assert calm.by_cause[cause]["Step Functions express requests"] >= calm.runs[cause]
    assert calm.by_cause["sweep"]["Step Functions standard transitions"] == 0
    assert flooded.by_cause["sweep"]["Step Functions standard transitions"] >= IDLE_TRANSITIONS


def test_there_is_a_beat_for_each_shard() -> None:
    assert len(beats()) == SHARDS


def test_every_counted_thing_has_a_price() -> None:
    day = simulate(AS_BUILT, load_inputs(), 1, SMALL)
    assert day.totals.keys() <= PRICES.keys()
    assert all(sum(services.values()) > 0 for services in monthly(day).values())


def test_the_page_has_the_figures_of_both_designs() -> None:
    page = (ROOT / PAGE).read_text()
    figures = page.partition(BEGIN)[2]
    for design in (AS_BUILT, UNTOLD):
        assert f"{design.name.capitalize()}: **$" in figures
    assert "per million expenses" in page.partition(BEGIN)[0]
