"""Which browser the browser tests get, and what is said where there is none."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools/find-chromium"


def find(folder: Path, *arguments: str, **programs: str) -> subprocess.CompletedProcess[str]:
    """On a machine that has these programs and no other; each is the line of a shell script."""
    for name, line in programs.items():
        program = folder / name.replace("_", "-")
        program.write_text(f"#!/bin/sh\n{line}\n")
        program.chmod(0o755)
    return subprocess.run(
        ["/bin/bash", TOOL, *arguments], env={"PATH": str(folder)}, capture_output=True, text=True, timeout=30
    )


def test_the_first_browser_that_runs_is_named(tmp_path: Path) -> None:
    found = find(tmp_path, chromium="exit 1", google_chrome="echo Google Chrome 140")
    assert (found.returncode, found.stdout.strip()) == (0, str(tmp_path / "google-chrome"))


def test_without_one_nothing_is_named_and_nothing_fails(tmp_path: Path) -> None:
    found = find(tmp_path)
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


@pytest.mark.parametrize("who", [{"id": "echo 1000", "apt_get": "exit 1"}, {"id": "echo 0"}])
def test_where_none_may_be_installed_a_sentence_says_what_to_do(tmp_path: Path, who: dict[str, str]) -> None:
    found = find(tmp_path, "--install", **who)
    assert (found.returncode, found.stdout) == (0, "")
    assert "the browser tests are skipped: install one" in found.stderr


def test_root_installs_one_with_apt(tmp_path: Path) -> None:
    made = tmp_path / "chromium"
    install = f'case "$*" in *chromium*) printf "#!/bin/sh\\necho Chromium" > {made}; /bin/chmod +x {made};; esac'
    found = find(tmp_path, "--install", id="echo 0", apt_get=install)
    assert found.stdout.strip() == str(made)


def test_an_installation_that_fails_is_told(tmp_path: Path) -> None:
    found = find(tmp_path, "--install", id="echo 0", apt_get="exit 100")
    assert found.returncode == 0
    assert "could not be installed" in found.stderr
