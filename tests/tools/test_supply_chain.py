"""What is shipped is listed, licensed, audited whole or not at all, and no younger than the locks say."""

from __future__ import annotations

import datetime
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.template.cfn import ROOT
from tools.audit import FINE, LOCKS, NOT_KNOWN, WRONG, judge_age, judge_weaknesses
from tools.shipped import LOCK, PAGE, SBOM, everything, locked, page, sbom, scripts

PERMISSIVE = {"MIT", "Apache-2.0", "BSD-3-Clause", "PSF-2.0", "MPL-2.0", "Apache-2.0 OR BSD-3-Clause"}
SHIPPED = {"requests": "2.34.2", "idna": "3.20"}


def report(**versions: str) -> dict[str, Any]:
    return {"dependencies": [{"name": name, "version": version, "vulns": []} for name, version in versions.items()]}


def test_the_list_and_the_licences_are_those_of_the_lock() -> None:
    every = everything()
    assert SBOM.read_text() == sbom(every), "make sbom writes it again"
    assert PAGE.read_text() == page(every), "make sbom writes it again"
    parts = json.loads(SBOM.read_text())["components"]
    assert {one["name"]: one["version"] for one in parts if one["purl"].startswith("pkg:pypi/")} == locked(
        LOCK.read_text()
    )


def test_every_script_of_other_people_is_listed() -> None:
    folder = ROOT / "functions/dashboard/static/vendor"
    told = set(re.findall(r"^\| `(\w+\.js)`", (folder / "README.md").read_text(), re.MULTILINE))
    assert told == {path.name for path in folder.glob("*.js")}
    assert {one.name for one in scripts((folder / "README.md").read_text())} == {"preact", "htm"}


def test_every_licence_lets_us_ship() -> None:
    assert {one.licence for one in everything()} <= PERMISSIVE


def test_a_whole_audit_without_findings_is_fine_and_says_how_many() -> None:
    told = judge_weaknesses(SHIPPED, report(**SHIPPED), "")
    assert (told.code, told.sentence) == (FINE, "2 of 2 shipped packages audited, no weakness is known.")


def test_a_weakness_is_told_with_the_version_that_mends_it() -> None:
    found = report(**SHIPPED)
    found["dependencies"][0]["vulns"] = [{"id": "PYSEC-1", "fix_versions": ["2.35.0"]}]
    told = judge_weaknesses(SHIPPED, found, "")
    assert told.code == WRONG
    assert "requests 2.34.2: PYSEC-1, mended in 2.35.0" in told.sentence


@pytest.mark.parametrize(
    ("found", "complaint"),
    [
        (None, "ERROR: connection refused"),
        (report(requests="2.34.2"), ""),
        (report(requests="2.34.2", idna="3.19"), ""),
        (
            {"dependencies": [{"name": "requests", "skip_reason": "not found"}, *report(idna="3.20")["dependencies"]]},
            "",
        ),
        ({"dependencies": []}, "No known vulnerabilities found"),
    ],
)
def test_an_audit_that_saw_less_than_all_is_no_success(found: dict[str, Any] | None, complaint: str) -> None:
    told = judge_weaknesses(SHIPPED, found, complaint)
    assert told.code == NOT_KNOWN
    assert told.sentence.startswith("NOT AUDITED")


def test_a_package_younger_than_the_day_is_told() -> None:
    complaint = (
        "hint: `ruff` was filtered by `exclude-newer` to … The requested version was published at 2026-11-19T15:55:52Z."
    )
    told = judge_age("dev.txt", "2026-11-16", SHIPPED, None, complaint)
    assert (told.code, told.sentence) == (WRONG, "dev.txt: ruff is of 2026-11-19, younger than 2026-11-16.")
    assert judge_age("dev.txt", "2026-11-16", SHIPPED, {**SHIPPED, "idna": "3.19"}, "").code == WRONG


def test_an_index_that_gives_no_answer_proves_nothing() -> None:
    assert judge_age("dev.txt", "2026-11-16", SHIPPED, None, "error: timed out").code == NOT_KNOWN
    assert judge_age("dev.txt", "2026-11-16", SHIPPED, dict(SHIPPED), "").code == FINE


def test_the_day_is_a_day_and_bounds_every_lock_that_is_made() -> None:
    datetime.date.fromisoformat((ROOT / "requirements/newest-day").read_text().strip())
    (recipe,) = re.findall(r"^lock: .*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert "--exclude-newer $$(cat requirements/newest-day)" in recipe
    assert "--generate-hashes" in recipe
    assert "for name in layers/common/requirements $(basename $(wildcard requirements/*.in));" in recipe
    assert {path.with_suffix(".txt") for path in (ROOT / "requirements").glob("*.in")} == set(LOCKS[1:])


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_every_pin_of_every_lock_has_its_hashes(lock: Path) -> None:
    blocks = [one for one in re.split(r"\n(?=\S)", lock.read_text()) if re.match(r"[A-Za-z0-9]", one)]
    assert len(blocks) > 10
    assert [one.split()[0] for one in blocks if "==" not in one.split()[0] or "--hash=sha256:" not in one] == []


def test_a_different_package_is_never_installed_under_a_locked_name() -> None:
    for script in (ROOT / "tools/make-venv", ROOT / "layers/common/Makefile"):
        assert "--require-hashes" in script.read_text()
        assert "--no-deps" in script.read_text()
