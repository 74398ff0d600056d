from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from pex_procore.domain.errors import TryLater
from pex_procore.domain.runs import Tally
from pex_procore.domain.tag_source import CODES_LIFE
from pex_procore.services.refresh_tags import CodesRead, TagResult
from tests.services.office import Office


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture
def refreshed(office: Office) -> Office:
    office.refresh()
    return office


@pytest.fixture
def large(office: Office) -> Office:
    office.open_many(97)
    office.refresh()
    return office


def test_cost_codes_are_read_over_several_runs_and_only_added_until_all_are_known(office: Office) -> None:
    office.open_many(27)
    office.pex.add_option("tag-c", "01-500", "01-500 by hand")
    seen: list[int] = []
    for _ in range(3):
        done = office.refresh(reads=10)
        seen.append(office.procore.calls["list_cost_codes"])
        assert done["cost_code"].renamed == (0 if done.read.left else 1)
    assert (seen, done.read.left) == ([10, 10, 10], 0)
    assert len(office.enabled("cost_code")) == 31
    assert office.refresh().read.progress.remaining == ()
    assert office.procore.calls["list_cost_codes"] == 0


def test_a_run_that_cannot_read_all_says_how_many_are_left_and_when_it_will_be_done(office: Office) -> None:
    office.open_many(97)
    done = office.refresh(reads=10)
    assert done.read.left == 90
    assert done.read.done_by is not None
    assert timedelta(minutes=20) < done.read.done_by - office.clock() < timedelta(hours=3)
    assert office.refresh().read.done_by is None


def test_the_hour_that_is_told_is_that_of_the_hourly_quota_and_not_of_its_first_minutes(office: Office) -> None:
    """Sixty projects an hour, all in its first run."""
    office.open_many(297)
    for run in range(36):
        now = office.clock()
        read = office.refresh(reads=60 if run % 12 == 0 else 0).read
        assert read.done_by is not None
        hours = (read.done_by - now) / timedelta(hours=1)
        assert read.left / 60 * 0.5 < hours < read.left / 60 * 2, f"{read.left} left in run {run}"


def test_an_incomplete_reading_is_no_shrunk_list(large: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    known = large.cache.load_codes
    monkeypatch.setattr(large.cache, "load_codes", lambda ids: known(one for one in ids if one < 1010))
    done = large.refresh(reads=5)
    assert done["cost_code"] == TagResult(kind="cost_code")
    monkeypatch.undo()
    assert large.refresh().tally == Tally()


def test_the_most_urgent_projects_are_read_first(refreshed: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[int] = []
    read = refreshed.procore.list_cost_codes
    monkeypatch.setattr(refreshed.procore, "list_cost_codes", lambda one: order.append(one) or read(one))
    refreshed.clock.forward(CODES_LIFE.total_seconds() + 1)
    refreshed.cache.mark_stale("codes:103")
    refreshed.open(104, "Depot")
    refreshed.refresh()
    assert order[:2] == [104, 103]
    assert set(order) == {101, 102, 103, 104}


def test_a_marked_project_is_read_and_its_mark_cleared(refreshed: Office) -> None:
    refreshed.procore.cost_codes[102]["04-100"] = "Masonry"
    refreshed.cache.mark_stale("codes:102")
    done = refreshed.refresh()
    assert (done["cost_code"].added, refreshed.procore.calls["list_cost_codes"]) == (1, 1)
    refreshed.refresh()
    assert refreshed.procore.calls["list_cost_codes"] == 0


def test_a_mark_set_while_the_project_is_read_survives(refreshed: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    read = refreshed.procore.list_cost_codes

    def change_behind_the_reading(project_id: int) -> dict[str, str]:
        found = read(project_id)
        refreshed.procore.cost_codes[102]["04-100"] = "Masonry"
        refreshed.cache.mark_stale("codes:102")
        monkeypatch.undo()
        return found

    monkeypatch.setattr(refreshed.procore, "list_cost_codes", change_behind_the_reading)
    refreshed.cache.mark_stale("codes:102")
    assert refreshed.refresh()["cost_code"].added == 0
    assert refreshed.refresh()["cost_code"].added == 1


@pytest.mark.parametrize("trouble", ["later", "unreadable", "no time"])
def test_a_mark_stays_until_its_project_was_read(refreshed: Office, trouble: str) -> None:
    refreshed.procore.cost_codes[102]["04-100"] = "Masonry"
    refreshed.cache.mark_stale("codes:102")
    if trouble == "unreadable":
        refreshed.procore.unreadable.add(102)
    if trouble == "later":
        resume_at = refreshed.clock() + timedelta(hours=1)
        act, refreshed.procore.list_cost_codes = refreshed.procore.list_cost_codes, _turned_away(resume_at)  # type: ignore[method-assign]
    refreshed.refresh(reads=0 if trouble == "no time" else 10)
    refreshed.procore.unreadable.clear()
    if trouble == "later":
        refreshed.procore.list_cost_codes = act  # type: ignore[method-assign]
    assert refreshed.refresh()["cost_code"].added == 1


def _turned_away(resume_at: datetime) -> Callable[[int], dict[str, str]]:
    def act(project_id: int) -> dict[str, str]:
        raise TryLater("as many calls as it allows", resume_at)

    return act


def test_news_of_codes_somewhere_read_every_project_once_over_several_runs(large: Office) -> None:
    """Each once: or the tags' share of the quota would never be free again."""
    large.cache.mark_stale("codes")
    calls = 0
    for _ in range(12):
        large.refresh(reads=10)
        calls += large.procore.calls["list_cost_codes"]
    assert calls == 100


def test_a_person_who_refreshes_gets_every_code_read_and_an_interrupted_reading_goes_on(large: Office) -> None:
    large.procore.calls.clear()
    run = large.run("manual")
    read = [large.read(run, 30) for _ in range(5)]
    assert [one.left for one in read] == [70, 40, 10, 0, 0]
    assert large.procore.calls["list_cost_codes"] == 100


def test_a_project_that_closed_its_door_keeps_its_codes(refreshed: Office) -> None:
    refreshed.procore.forbidden.add(102)
    refreshed.clock.forward(CODES_LIFE.total_seconds() + 1)
    done = refreshed.refresh()
    assert done["cost_code"] == TagResult(kind="cost_code")
    assert "90-102" in refreshed.enabled("cost_code")
    refreshed.refresh()
    assert refreshed.procore.calls["list_cost_codes"] == 0, "a closed door is not knocked at in every run"


def test_a_project_we_were_never_let_into_keeps_nobody_waiting(office: Office) -> None:
    office.procore.forbidden.add(102)
    done = office.refresh()
    assert (done.read.left, done["cost_code"].reason) == (0, None)
    assert office.enabled("cost_code") == ["01-500", "90-101", "90-103"]


@pytest.mark.parametrize("broken", [1, 2, 3, 5])
def test_projects_that_always_fail_keep_no_others_waiting(office: Office, broken: int) -> None:
    office.open_many(20)
    office.procore.unreadable = set(sorted(office.procore.projects)[:broken])
    read: CodesRead | None = None
    for _ in range(3):
        try:
            read = office.read(office.run())
        except TryLater:
            office.refresh_tag("project", office.run())
        office.refresh_tag("project", office.run())
    known = office.cache.load_codes(office.procore.projects)
    assert len(known) == 23 - broken
    assert read is not None
    assert read.left == broken, "what could not be read is left, not done"


def test_projects_closed_before_their_turn_are_not_read(office: Office) -> None:
    office.refresh(reads=1)
    office.change(103, active=False)
    office.refresh()
    assert office.procore.calls["list_cost_codes"] == 1


def test_a_sub_jobs_code_and_a_big_id_arrive_as_they_are(office: Office) -> None:
    big = 9_007_199_254_740_993
    office.open(big, "🏗️" * 150, **{"03,300": "Concrete, cast-in-place"})
    office.refresh()
    assert str(big) in office.enabled("project")
    assert office.option("cost_code", "03,300").name == "03,300 Concrete, cast-in-place"
    assert office.refresh().tally == Tally()
