"""docs/sandbox-findings.md, before anything was asked and afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tools.verify_sandbox.line import Line
from tools.verify_sandbox.questions import Found, Question

HEAD = """# What the vendors' sandboxes say

`make verify-sandbox` asks PEX's and Procore's own servers what their documents leave open
([what nobody could tell us](behaviour.md#what-nobody-could-tell-us)), and writes this page anew: per question the
answer, what was seen, how to set the simulator so that it does the same, and what to set or change in the connector.
"""
NOT_RUN = """
**It has not been run against real servers yet.** So far every question was only asked of the simulators, with every
switch both ways (`tests/tools/test_verify_sandbox.py`): no answer is known.
"""
HOW_TO = """
## How to

```
export PEX_TOKEN=… PROCORE_CLIENT_ID=… PROCORE_CLIENT_SECRET=… PROCORE_COMPANY_ID=… PROCORE_PROJECT_ID=…
make verify-sandbox ARGS=--dry-run        # lists what would be written, and asks nobody
make verify-sandbox                       # some minutes, most of them waiting for our turn
```

- Without `PEX_TOKEN` only Procore is asked, without `PROCORE_CLIENT_ID` only PEX. What they hold is never printed.
- Hosts are the sandboxes' unless `PEX_API_URL`, `PROCORE_API_URL` and `PROCORE_LOGIN_URL` name others. One that does
  not call itself a sandbox is refused without `--production-host`.
- A company or business whose name does not say that it is for tests is refused without `--confirm-company` and
  `--confirm-business`, each with its id.
- The project needs an active budget code and a vendor; PEX a few settled purchases: one split, one with a receipt, one
  by PIN, one settled on a later day than made. `PROCORE_UNPERMITTED_PROJECT_ID`, `PROCORE_TOOL_OFF_PROJECT_ID`,
  `PROCORE_ERP_PROJECT_ID` and `PEX_OAUTH_URL` name what a few questions need. What is missing is told, and not asked.
- Callbacks need somebody who listens: `PEX_RECEIVER_PORT` on this machine, `PEX_RECEIVER_URL`, an https address that
  leads to it (any tunnel), `PEX_CALLBACK_SECRET` as PEX issued it, and a purchase by a test card meanwhile.
- Whatever is written begins with `PEX-VERIFY`, is listed before anything starts, and is taken away after its question,
  also after Ctrl-C. What a killed run left behind goes with `ARGS=--sweep-only`.
- `--provoke-limits` also asks beyond the limits, which turns others of the same client away for a minute.
  `--renew-token` also has the PEX token renewed, after which the old one may be dead. `--only NAME` asks one question,
  `--page FILE` writes elsewhere.
"""


@dataclass(frozen=True)
class Asked:
    """`found`: None when it could not be asked, for `reason`."""

    question: Question
    found: Found | None
    reason: str = ""


def blank_page(questions: Mapping[str, Sequence[Question]]) -> str:
    parts = [HEAD, NOT_RUN, HOW_TO, "\n## What will be asked\n"]
    for vendor, asked in questions.items():
        rows = [(f"`{one.name}`", one.asks, _written(one)) for one in asked]
        parts.append(f"\n### {vendor}\n\n" + _table(("name", "question", "writes"), rows))
    return "".join(parts)


def findings_page(
    when: str,
    where: Mapping[str, str],
    asked: Mapping[str, Sequence[Asked]],
    lines: Mapping[str, Line],
    left: list[str],
) -> str:
    parts = [HEAD, f"\nAsked on {when}: {'; '.join(f'{vendor} at {host}' for vendor, host in where.items())}.\n"]
    if left:
        parts.append("\n**Left behind**, to be taken away by hand:\n\n" + "".join(f"- {one}\n" for one in left))
    for vendor, results in asked.items():
        parts.append(f"\n## {vendor}\n\n" + _answers([one for one in results if one.found is not None]))
        open_ones = [(f"`{one.question.name}`", one.question.asks, one.reason) for one in results if one.found is None]
        if open_ones:
            parts.append("\nNot answered:\n\n" + _table(("name", "question", "why"), open_ones))
        parts.append(_line(lines[vendor]))
    parts.append(HOW_TO)
    return "".join(parts)


def settings(found: Found) -> str:
    """`refuse_duplicate_origin_id=True`, one by one."""
    return ", ".join(f"`{name}={value!r}`" for name, value in found.switches.items())


def _answers(results: Iterable[Asked]) -> str:
    rows = [
        (one.question.asks, one.found.answer, one.found.seen, settings(one.found), one.found.then)
        for one in results
        if one.found is not None
    ]
    return _table(("question", "answer", "seen", "simulator's switch", "in the connector"), rows)


def _line(line: Line) -> str:
    headers = ", ".join(f"`{name}`" for name in sorted(line.limit_headers)) or "none"
    text = f"\n{line.calls} calls. Headers about limits: {headers}.\n"
    if line.refusals:
        rows = [(status, f"`{shape}`", example) for (status, shape), example in sorted(line.refusals.items())]
        text += "\nShapes of refusals, with an example each:\n\n" + _table(("status", "body", "example"), rows)
    return text


def _written(question: Question) -> str:
    text = question.writes or "nothing"
    return f"{text} (only with `--{question.needs}`)" if question.needs else text


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(_cell(one) for one in line)} |\n" for line in lines)


def _cell(value: Any) -> str:
    return " ".join(str(value).replace("|", "\\|").split())
