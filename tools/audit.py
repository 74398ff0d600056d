"""`make audit`: is a weakness known in what is shipped, and is any package younger than the locks say?

Both ask others: pip-audit the list of known vulnerabilities, uv the index's upload times. What could not be asked is
told as not known, and is no success.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.shipped import LOCK, ROOT, locked

BIN = ROOT / ".venv-audit/bin"
LOCKS = (LOCK, *sorted((ROOT / "requirements").glob("*.txt")))
NEWEST_DAY = ROOT / "requirements/newest-day"
FINE, WRONG, NOT_KNOWN = 0, 1, 2


@dataclass(frozen=True)
class Verdict:
    code: int
    sentence: str


def judge_weaknesses(expected: dict[str, str], report: dict[str, Any] | None, complaint: str) -> Verdict:
    """`report`: pip-audit's, None when it gave none and complained instead."""
    if report is None:
        last = (complaint.strip().splitlines() or ["no word"])[-1]
        return Verdict(
            NOT_KNOWN,
            f"NOT AUDITED: the list of known vulnerabilities could not be asked, so nothing is known about these"
            f" {len(expected)} packages ({last}).",
        )
    audited = {one["name"]: one["version"] for one in report["dependencies"] if "skip_reason" not in one}
    if missing := sorted(name for name, version in expected.items() if audited.get(name) != version):
        return Verdict(NOT_KNOWN, f"NOT AUDITED: {', '.join(missing)}; {len(audited)} of {len(expected)} were.")
    weak = [
        f"{one['name']} {one['version']}: {each['id']}, mended in {', '.join(each['fix_versions']) or 'no version yet'}"
        for one in report["dependencies"]
        for each in one["vulns"]
    ]
    if weak:
        return Verdict(WRONG, "Known weaknesses:\n  " + "\n  ".join(weak))
    return Verdict(FINE, f"{len(audited)} of {len(expected)} shipped packages audited, no weakness is known.")


def judge_age(lock: str, day: str, before: dict[str, str], after: dict[str, str] | None, complaint: str) -> Verdict:
    """`after`: what resolves when nothing younger than `day` counts; None when nothing does."""
    if young := re.search(r"`([\w.-]+)` was filtered by `exclude-newer`.*?published at ([\d-]+)", complaint, re.DOTALL):
        return Verdict(WRONG, f"{lock}: {young[1]} is of {young[2]}, younger than {day}.")
    if after is None:
        last = (complaint.strip().splitlines() or ["no word"])[-1]
        return Verdict(NOT_KNOWN, f"{lock}: the index could not be asked how old its packages are ({last}).")
    if after != before:
        return Verdict(WRONG, f"{lock}: {', '.join(sorted(n for n in before if after.get(n) != before[n]))} differ.")
    return Verdict(FINE, f"{lock}: none of {len(before)} packages is younger than {day}.")


def ask_weaknesses() -> Verdict:
    command = [BIN / "pip-audit", "--strict", "--disable-pip", "--require-hashes", "--progress-spinner", "off"]
    done = subprocess.run([*command, "--format", "json", "-r", LOCK], capture_output=True, text=True, cwd=ROOT)
    report = json.loads(done.stdout) if done.stdout.startswith("{") else None
    return judge_weaknesses(locked(LOCK.read_text()), report, done.stderr)


def ask_age(lock: Path, day: str) -> Verdict:
    options = ["--quiet", "--no-config", "--no-header", "--no-annotate", "--universal", "--python-version", "3.11"]
    with tempfile.NamedTemporaryFile("r", suffix=".txt") as found:
        command = [BIN / "uv", "pip", "compile", *options, "--exclude-newer", day, lock, "--output-file", found.name]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        after = locked(Path(found.name).read_text()) if done.returncode == 0 else None
    return judge_age(str(lock.relative_to(ROOT)), day, locked(lock.read_text()), after, done.stderr)


def main() -> int:
    day = NEWEST_DAY.read_text().strip()
    verdicts = [ask_weaknesses(), *(ask_age(lock, day) for lock in LOCKS)]
    for one in verdicts:
        print(one.sentence)
    return max((one.code for one in verdicts), key=(FINE, NOT_KNOWN, WRONG).index)


if __name__ == "__main__":
    sys.exit(main())
