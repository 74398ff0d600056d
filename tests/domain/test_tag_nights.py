"""Whatever people do, in whatever order."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pex_procore.domain.tags import TagOption
from tests.domain.kept_tag import Kept, counts, entry, pex_refuses

NOTHING = (0, 0, 0, 0)
NAMES = st.sampled_from(["A", "a", " A", "A (1)", "A (2)", "A (1) (1)", "B", "C, D", "", "🏗" * 300, "Test"])
VALUES = st.sampled_from(["1", "2", "3", "4", "x-A", "Y"])
HAND_MADE = st.sampled_from(["h1", "h2", "h3"])


class Nights(RuleBasedStateMachine):
    """Procore's people, PEX's administrator and our refreshes take turns."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = Kept()
        self.procore: dict[str, str] = {}
        self.ours: set[str] = set()
        self.off: set[str] = set()  # by the administrator
        self.hand_made: dict[str, TagOption] = {}

    @initialize(placeholder=st.booleans())
    def found(self, placeholder: bool) -> None:
        if not placeholder:
            self.hand_made["h0"] = TagOption(value="h0", name="Office")
            self.kept = Kept(self.hand_made["h0"])

    @rule(value=VALUES, name=NAMES)
    def open_or_rename(self, value: str, name: str) -> None:
        self.procore[value] = name

    @rule(value=VALUES)
    def close(self, value: str) -> None:
        self.procore.pop(value, None)

    @precondition(lambda self: len(self.kept.enabled) > 1)
    @rule(data=st.data())
    def administrator_disables(self, data: st.DataObject) -> None:
        value = data.draw(st.sampled_from(self.kept.enabled))
        self._by_hand(value, enabled=False)
        self.off.add(value)

    @rule(data=st.data())
    def administrator_enables(self, data: st.DataObject) -> None:
        value = data.draw(st.sampled_from([one.value for one in self.kept.tag.options]))
        self._by_hand(value, enabled=True)
        self.off.discard(value)

    @rule(value=HAND_MADE, name=NAMES)
    def administrator_adds(self, value: str, name: str) -> None:
        made = TagOption(value=value, name=name or "?")
        if value not in self.hand_made and pex_refuses((*self.kept.tag.options, made)) is None:
            self.kept.add(made)
            self.hand_made[value] = made

    def _by_hand(self, value: str, **fields: Any) -> None:
        self.kept.set(value, **fields)
        if value in self.hand_made:
            self.hand_made[value] = self.kept[value]

    @rule(rename=st.booleans(), seed=st.randoms(use_true_random=False))
    def refresh(self, rename: bool, seed: Any) -> None:
        entries = [entry(value, name) for value, name in self.procore.items()]
        names = {one.value: one.name for one in self.kept.tag.options}
        plan = self.kept.refresh(*entries, rename=rename)
        self.ours |= self.procore.keys()
        if not rename:
            assert names.items() <= {one.value: one.name for one in self.kept.tag.options}.items()
        self._is_right(complete=True)
        seed.shuffle(entries)
        again = self.kept.refresh(*entries, rename=rename)
        assert (again.options, counts(again)) == (None, NOTHING), "the second look changes what the first one wrote"
        assert (plan.options is None) == (counts(plan) == NOTHING)

    @rule(data=st.data())
    def refresh_from_an_incomplete_list(self, data: st.DataObject) -> None:
        some = data.draw(st.sets(st.sampled_from(sorted(self.procore)))) if self.procore else set()
        enabled = set(self.kept.enabled) - {"Test"}
        plan = self.kept.refresh(*[entry(value, self.procore[value]) for value in sorted(some)], complete=False)
        self.ours |= some
        assert enabled <= set(self.kept.enabled)
        assert plan.renamed == 0
        self._is_right(complete=False)

    def _is_right(self, complete: bool) -> None:
        self.off -= set(self.kept.enabled) if len(self.kept.enabled) == 1 else set()
        for option in self.kept.tag.options:
            value, only_one = option.value, self.kept.enabled == [option.value]
            if value in self.procore and complete:
                assert option.enabled == (value not in self.off), f"{value} is there"
            elif value in self.ours and complete:
                assert not option.enabled or only_one, f"{value} is gone"
            elif value in self.hand_made:
                assert option == self.hand_made[value] or only_one, f"{value} was made by hand"
                self.hand_made[value] = option

    @invariant()
    def pex_takes_it(self) -> None:
        assert pex_refuses(self.kept.tag.options) is None


TestNights = Nights.TestCase
TestNights.settings = settings(max_examples=60, stateful_step_count=25, suppress_health_check=list(HealthCheck))


@given(st.lists(st.tuples(st.text(min_size=1, max_size=6), st.text(max_size=320)), max_size=12))
def test_whatever_procore_calls_things_pex_takes_the_list_and_the_next_night_is_quiet(
    rows: list[tuple[str, str]],
) -> None:
    entries = [entry(value, name) for value, name in rows if value.strip()]
    kept = Kept()
    kept.refresh(*entries)
    assert kept.refresh(*entries).options is None
