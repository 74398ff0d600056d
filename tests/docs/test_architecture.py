"""What docs/architecture.md and the decisions say of states, numbers and packages is what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from pex_procore.domain.expense import DESCRIPTION_LIMIT, MOST_LINES
from pex_procore.domain.ledger import RECEIPTS_AWAITED, SECOND_LOOK, State
from pex_procore.domain.settings import Settings
from pex_procore.net.limiter import PEX_WINDOWS, PROCORE_WINDOWS
from pex_procore.runtime.step import LEASE_NEEDED, LEASE_SECONDS
from pex_procore.services.list_transactions import LOOK_BACK, MARGIN, PAGE
from pex_procore.services.sign_in import SESSION_SECONDS
from tests.docs.markdown import ROOT, blocks, names_in_first_column, page, section
from tests.template.cfn import functions, load_machine, resources

ARCHITECTURE = page("docs/architecture.md")
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
BURST, HOUR = PROCORE_WINDOWS
(PEX_MINUTE,) = PEX_WINDOWS


def ledger_moves() -> list[tuple[str, str]]:
    (diagram,) = blocks(section(ARCHITECTURE, "## Never twice, never lost"), "mermaid")
    return re.findall(r"^\s+(\S+) --> (\w+|\[\*\])", diagram, re.MULTILINE)


def test_the_diagram_shows_exactly_the_ledgers_states() -> None:
    shown = {state for move in ledger_moves() for state in move} - {"[*]"}
    assert shown == set(get_args(State))


def test_every_state_of_the_ledger_can_be_reached_and_left_in_the_diagram() -> None:
    reached, left = {to for _, to in ledger_moves()}, {start for start, _ in ledger_moves()}
    assert set(get_args(State)) <= reached & left


def test_every_state_of_the_ledger_is_told() -> None:
    assert set(names_in_first_column(section(ARCHITECTURE, "## Never twice, never lost"))) == set(get_args(State))


def test_every_state_of_the_state_machine_is_told_once() -> None:
    told = list(names_in_first_column(section(ARCHITECTURE, "## The state machine")))
    assert sorted(told) == sorted(load_machine()["States"])


def test_every_room_is_told() -> None:
    shipped = ROOT / "layers" / "common" / "pex_procore"
    rooms = {path.parent.name for path in shipped.glob("*/__init__.py")}
    (drawn,) = blocks(section(ARCHITECTURE, "## Rooms"), "")
    assert rooms <= set(re.findall(r"(\w+)/", drawn))


def test_the_budgets_and_times_are_those_of_the_template() -> None:
    budgets = {
        name: int(one["DefinitionSubstitutions"]["BudgetSeconds"])
        for name, one in resources("AWS::Serverless::StateMachine").items()
    }
    told = " ".join(section(ARCHITECTURE, "## The state machine").split())
    assert f"`ShortRun` (EXPRESS, budget {budgets['ShortRun']} s)" in told
    assert f"`LongRun` (STANDARD, budget {budgets['LongRun'] // 3600} h)" in told
    assert f"`TagsRun` (EXPRESS, budget {budgets['TagsRun']} s)" in " ".join(section(ARCHITECTURE, "## Tags").split())
    steps = {task for task in load_machine()["States"] if task in functions()}
    assert max(functions()[step]["Timeout"] for step in steps) == 60
    assert "lives at most 60 seconds" in " ".join(ARCHITECTURE.split())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("docs/architecture.md", f"at least {SECOND_LOOK['origin_id'].seconds} seconds later"),
        ("docs/architecture.md", f"({SECOND_LOOK['description'].seconds} for the token"),
        ("docs/behaviour.md", f"at least {SECOND_LOOK['origin_id'].seconds} seconds later"),
        ("docs/behaviour.md", f", {SECOND_LOOK['description'].seconds} where"),
        ("docs/architecture.md", f"It lasts {LEASE_SECONDS} seconds"),
        ("docs/architecture.md", f"has less than {LEASE_NEEDED} left"),
        ("docs/architecture.md", f"the last {LOOK_BACK.days} days"),
        ("docs/architecture.md", f"growing pauses for {RECEIPTS_AWAITED.days} days"),
        ("docs/architecture.md", f"At most {PAGE} rows make one page"),
        ("docs/architecture.md", f"{BURST.limit} calls in {BURST.seconds} s and {HOUR.limit} in an hour"),
        ("docs/architecture.md", f"we assume {PEX_MINUTE.limit} calls a minute"),
        ("docs/architecture.md", f"cookie of {SESSION_SECONDS // 3600} hours"),
        ("docs/behaviour.md", f"| {MARGIN.days} days of margin |".replace("10", "ten")),
        ("docs/behaviour.md", f"cut at {DESCRIPTION_LIMIT} characters"),
        ("docs/behaviour.md", f"up to {Settings().receipt_limit_mb} MB are taken"),
        ("docs/reasons.md", f"more than {MOST_LINES:,} lines in one project"),
    ],
)
def test_numbers_in_the_pages_are_those_of_the_code(name: str, words: str) -> None:
    assert words in " ".join(page(name).split())


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_has_a_date_a_choice_a_loser_and_a_way_back(decision: Path) -> None:
    text = decision.read_text()
    assert re.match(r"# .+\n\n\d{4}-\d\d-\d\d\n\n\*\*Choice\.\*\* ", text)
    assert text.index("**Choice.**") < text.index("**Loser.**") < text.index("**Way back.**")
    assert text.count("\n") <= (30 if "packages" in decision.stem else 20), "the list of packages grows with them"


def test_every_package_we_ask_for_says_why() -> None:
    lists = [ROOT / "layers/common/requirements.in", *sorted((ROOT / "requirements").glob("*.in"))]
    asked = {
        found[0]
        for file in lists
        for line in file.read_text().splitlines()
        if (found := re.match(r"[A-Za-z][\w.-]*", line))
    }
    why = page("docs/decisions/0012-packages-earn-their-place.md")
    assert {name for name in asked if f"**{name}**" not in why} == set()
