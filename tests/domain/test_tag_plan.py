from __future__ import annotations

import sys
from types import FrameType

import pytest

from pex_procore.domain.tag_plan import Memory, has_shrunk, plan_tag_update
from pex_procore.domain.tags import TagDefinition, TagOption
from tests.domain.kept_tag import TEST, Kept, counts, entry

LIBRARY, BRIDGE, MILL = entry(101, "25-101 - Library"), entry(102, "25-102 - Bridge"), entry(103, "24-001 - Mill")


def test_new_entries_are_added_and_enabled_in_their_order() -> None:
    kept = Kept()
    plan = kept.refresh(MILL, LIBRARY, BRIDGE)
    assert counts(plan) == (3, 0, 0, 1)
    assert kept.enabled == ["103", "101", "102"]


def test_the_placeholder_goes_once_there_is_a_real_option_and_not_before() -> None:
    kept = Kept()
    assert kept.refresh().options is None
    assert kept.enabled == ["Test"]
    kept.refresh(LIBRARY)
    assert kept.enabled == ["101"]


def test_a_new_entry_stands_behind_the_one_before_it() -> None:
    kept = Kept()
    kept.refresh(LIBRARY, MILL)
    kept.refresh(LIBRARY, BRIDGE, MILL)
    assert kept.enabled == ["101", "102", "103"]


def test_a_new_first_entry_stands_first() -> None:
    kept = Kept()
    kept.refresh(LIBRARY, BRIDGE)
    kept.refresh(MILL, LIBRARY, BRIDGE)
    assert kept.enabled == ["103", "101", "102"]


def test_the_order_an_administrator_made_stays() -> None:
    kept = Kept()
    kept.refresh(LIBRARY, BRIDGE, MILL)
    kept.tag = kept.tag.model_copy(update={"options": tuple(reversed(kept.tag.options))})
    assert kept.refresh(LIBRARY, BRIDGE, MILL).options is None


def test_a_changed_name_follows_and_the_value_stays() -> None:
    kept = Kept()
    kept.refresh(LIBRARY, BRIDGE)
    plan = kept.refresh(entry(101, "25-101 - Central Library"), BRIDGE)
    assert counts(plan) == (0, 1, 0, 0)
    assert kept["101"].name == "25-101 - Central Library"


def test_what_is_gone_is_disabled_and_enabled_again_when_it_comes_back() -> None:
    kept = Kept()
    kept.refresh(LIBRARY, BRIDGE)
    assert counts(kept.refresh(LIBRARY)) == (0, 0, 0, 1)
    assert kept.enabled == ["101"]
    assert counts(kept.refresh(LIBRARY, BRIDGE)) == (0, 0, 1, 0)
    assert kept.enabled == ["101", "102"]


def test_an_option_that_came_back_has_todays_name() -> None:
    kept = Kept()
    kept.refresh(LIBRARY, BRIDGE)
    kept.refresh(LIBRARY)
    assert counts(kept.refresh(LIBRARY, entry(102, "25-102 - New Bridge"))) == (0, 1, 1, 0)
    assert kept["102"].name == "25-102 - New Bridge"


def test_what_an_administrator_disabled_stays_disabled_through_closing_and_reopening() -> None:
    kept = Kept()
    kept.refresh(LIBRARY, BRIDGE)
    kept.set("102", enabled=False)
    for entries in ([LIBRARY, BRIDGE], [LIBRARY], [LIBRARY, BRIDGE]):
        assert kept.refresh(*entries).options is None
    assert kept.enabled == ["101"]


def test_an_option_enabled_by_hand_while_its_project_is_closed_is_disabled_again_and_comes_back() -> None:
    kept = Kept()
    kept.refresh(LIBRARY, BRIDGE)
    kept.refresh(LIBRARY)
    kept.set("102", enabled=True)
    kept.refresh(LIBRARY)
    assert kept.enabled == ["101"]
    kept.refresh(LIBRARY, BRIDGE)
    assert kept.enabled == ["101", "102"]


def test_options_made_by_hand_are_left_alone() -> None:
    office, old = TagOption(value="OFFICE", name="  Office"), TagOption(value="9", name="Old", enabled=False)
    kept = Kept(office, TEST, old)
    for entries in ([LIBRARY], [LIBRARY, BRIDGE], [BRIDGE]):
        kept.refresh(*entries)
        assert (kept["OFFICE"], kept["9"]) == (office, old)


def test_an_option_made_by_hand_that_equals_an_entry_is_taken_for_it() -> None:
    kept = Kept(TagOption(value="101", name="the library"))
    assert counts(kept.refresh(LIBRARY, BRIDGE)) == (1, 1, 0, 0)
    kept.refresh(BRIDGE)
    assert kept.enabled == ["102"]


def test_an_incomplete_list_disables_nothing() -> None:
    kept = Kept()
    kept.refresh(LIBRARY, BRIDGE)
    plan = kept.refresh(MILL, complete=False)
    assert counts(plan) == (1, 0, 0, 0)
    assert set(kept.enabled) == {"101", "102", "103"}


def test_an_incomplete_list_only_adds() -> None:
    """The name that most of the projects read so far use is not the one that most projects use."""
    kept = Kept()
    kept.refresh(entry("01-500", "01-500 Temporary Utilities"))
    plan = kept.refresh(entry("01-500", "01-500 Utilities"), entry("03-300", "03-300 Concrete"), complete=False)
    assert counts(plan) == (1, 0, 0, 0)


def test_with_renaming_off_no_name_of_an_option_changes() -> None:
    kept = Kept()
    kept.refresh(LIBRARY, BRIDGE)
    plan = kept.refresh(entry(101, "Central"), BRIDGE, entry(104, "25-102 - Bridge"), rename=False)
    assert counts(plan) == (1, 0, 0, 0)
    assert (kept["101"].name, kept["102"].name) == (LIBRARY.name, BRIDGE.name)
    assert kept["104"].name == "25-102 - Bridge (104)"


def test_equal_names_carry_their_values_all_of_them() -> None:
    kept = Kept()
    kept.refresh(entry(101, "Library"), entry(102, "LIBRARY"), MILL)
    assert kept.names == ["Library (101)", "LIBRARY (102)", MILL.name, "Test"]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_equal_names_are_the_same_night_after_night_in_whatever_order(order: tuple[int, ...]) -> None:
    entries = [entry(101, "Library"), entry(102, "library"), entry(103, " Library ")]
    kept = Kept()
    kept.refresh(*entries)
    for _ in range(3):
        assert kept.refresh(*[entries[place] for place in order]).options is None


def test_a_name_is_plain_again_once_it_is_the_only_one_that_is_shown() -> None:
    """Two Libraries, of which one closes for good and is renamed first: the other needs no mark."""
    kept = Kept()
    kept.refresh(entry(101, "Library"), entry(102, "Library"))
    kept.refresh(entry(101, "Library"), entry(102, "Old Library"))
    assert kept["101"].name == "Library"
    assert kept.refresh(entry(101, "Library")).renamed == 0


def test_a_closed_projects_name_is_not_given_to_another_one() -> None:
    kept = Kept()
    kept.refresh(entry(101, "Library"), BRIDGE)
    kept.refresh(entry(104, "Library"), BRIDGE)
    assert (kept["101"].name, kept["104"].name) == ("Library", "Library (104)")
    assert kept.refresh(entry(104, "Library"), BRIDGE).options is None


@pytest.mark.parametrize(
    ("by_hand", "entries"),
    [
        (["A (1)"], ["A", "A"]),
        (["A", "A (1)"], ["A"]),
        (["A", "A (1)", "A (1) (1)"], ["A (1)"]),
        ([], ["A", "A", "A (1)"]),
        ([], ["A", "A", "A (1)", "A (2)"]),
        (["A (3)"], ["A", "A", "A (1)", "a (1)"]),
        (["A(1)"], ["A", "A"]),
    ],
    ids=str,
)
def test_a_marked_name_that_is_taken_already_still_becomes_a_name_of_its_own(
    by_hand: list[str], entries: list[str]
) -> None:
    hand_made = [TagOption(value=f"by hand {number}", name=name) for number, name in enumerate(by_hand)]
    wanted = [entry(number, name) for number, name in enumerate(entries, start=1)]
    kept = Kept(*hand_made, TEST)
    kept.refresh(*wanted)
    for number, name in enumerate(entries, start=1):
        assert kept[str(number)].name.startswith(name)
    assert [kept[one.value] for one in hand_made] == hand_made
    names = kept.names
    assert kept.refresh(*reversed(wanted)).options is None
    assert kept.names == names


AWKWARD = {
    "300 emoji": "🏗️" * 150,
    "300 families": "👩‍👩‍👧‍👦" * 43,
    "one endless family": "\u200d".join(["👩"] * 150),
    "leading spaces": "   Library",
    "comma": "Library, east wing",
    "empty": "",
    "white": " \t\u00a0",
    "lines": "Library\r\nEast\x00wing",
    "quotes": "\"Library\" 'east' \\",
}


@pytest.mark.parametrize("name", AWKWARD.values(), ids=AWKWARD)
def test_an_awkward_name_alone_or_thrice_gives_names_that_can_be_written_and_stay(name: str) -> None:
    for times in (1, 3):
        kept = Kept()
        entries = [entry(9_007_199_254_740_993 + number, name) for number in range(times)]
        kept.refresh(*entries)
        assert all(option.name == option.name.strip() for option in kept.tag.options)
        assert kept.refresh(*reversed(entries)).options is None


def test_names_that_differ_only_behind_the_cut_are_told_apart() -> None:
    kept = Kept()
    kept.refresh(entry(1, "🏗" * 299 + "A"), entry(2, "🏗" * 299 + "B"))
    assert [name[-3:] for name in kept.names[:2]] == ["(1)", "(2)"]


def test_ids_above_2_to_the_53_stay_exact() -> None:
    kept = Kept()
    kept.refresh(entry(9_007_199_254_740_993, "A"), entry(9_007_199_254_740_992, "B"))
    assert kept.enabled == ["9007199254740993", "9007199254740992"]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_values_that_differ_only_in_case_share_an_option(order: tuple[int, int]) -> None:
    entries = [entry("01-a", "01-a Concrete"), entry("01-A", "01-A Concrete")]
    kept = Kept()
    kept.refresh(*entries)
    assert len(kept.enabled) == 1
    plan = kept.refresh(*[entries[place] for place in order])
    assert (plan.added, plan.disabled, len(kept.enabled)) == (0, 0, 1)


def test_no_option_is_removed_whose_value_only_looks_equal_to_us() -> None:
    """PEX takes "Straße" and "STRASSE" for two."""
    kept = Kept(TagOption(value="STRASSE", name="one"), TagOption(value="Straße", name="two"))
    kept.refresh(LIBRARY)
    assert len(kept.tag.options) == 3


@pytest.mark.parametrize("placeholder", [[TEST], []], ids=["with Test", "without Test"])
def test_one_option_stays_enabled_when_all_are_gone_and_the_next_night_changes_nothing(
    placeholder: list[TagOption],
) -> None:
    kept = Kept(*placeholder, TagOption(value="101", name="Library"))
    kept.refresh(LIBRARY, BRIDGE)
    kept.refresh()
    assert kept.enabled == (["Test"] if placeholder else ["101"])
    assert kept.refresh().options is None
    kept.refresh(LIBRARY, BRIDGE)
    assert kept.enabled == ["101", "102"]


def test_a_project_called_test_is_no_placeholder() -> None:
    kept = Kept()
    kept.refresh(entry("test", "Test"), LIBRARY)
    assert kept["Test"].enabled


@pytest.mark.parametrize(
    ("known", "left", "shrunk"),
    [
        (10, 1, False),
        (10, 0, True),
        (1, 0, True),
        (0, 0, False),
        (20, 1, False),
        (100, 70, False),
        (100, 69, True),
        (60, 40, False),
        (60, 39, True),
        (1000, 699, True),
        (1000, 700, False),
    ],
)
def test_a_list_has_shrunk_when_more_than_20_and_more_than_30_percent_are_gone(
    known: int, left: int, shrunk: bool
) -> None:
    memory = Memory(source=frozenset(map(str, range(known))))
    assert has_shrunk(memory, frozenset(map(str, range(left)))) is shrunk


def test_a_list_that_was_replaced_has_shrunk() -> None:
    memory = Memory(source=frozenset(f"old {number}" for number in range(100)))
    assert has_shrunk(memory, frozenset(f"new {number}" for number in range(500)))


def test_planning_grows_with_the_options_and_no_faster() -> None:
    def work(number: int) -> int:
        done = 0

        def count(frame: FrameType, event: str, arg: object) -> None:
            nonlocal done
            done += 1

        entries = [entry(f"01-{place}", f"name {place % (number // 2)}") for place in range(number)]
        options = [TagOption(value=f"01-{place}", name=f"old {place}") for place in range(0, number, 2)]
        tag = TagDefinition(tag_id="t", name="t", type="Dropdown", options=(TEST, *options))
        memory = Memory(ours=frozenset(f"01-{place}" for place in range(number * 2)))
        sys.setprofile(count)
        try:
            plan_tag_update(tag, entries, memory)
        finally:
            sys.setprofile(None)
        return done

    assert work(4_000) / work(1_000) < 4.4
