"""What cannot work is said in a sentence, before anything is started."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from local.__main__ import main
from local.emulator.pins import WrongLibrary, replace
from local.stack import CannotStart, Stack


def test_a_taken_port_is_told_with_its_option(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["up", "--port", str(port)]) == 1
    assert capsys.readouterr().err == (
        f"Port {port} is taken by another program. Stop it or choose another with --port.\n"
    )


def test_half_a_vendor_is_refused_with_both_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["up", "--procore-api-url", "http://127.0.0.1:1"]) == 1
    assert "Give both --procore-api-url and --procore-login-url" in capsys.readouterr().err


def test_a_missing_emulator_says_make_setup(tmp_path: Path) -> None:
    missing = tmp_path / ".venv-local" / "bin" / "python"
    with pytest.raises(CannotStart, match="Run `make setup` first"), Stack(port=0, emulator_python=missing):
        pass


def test_one_state_folder_serves_one_launcher(tmp_path: Path) -> None:
    import fcntl

    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        python = Path(sys.executable)
        with pytest.raises(CannotStart, match="Another"), Stack(port=0, state=tmp_path, emulator_python=python):
            pass


def test_an_emulator_that_dies_at_once_is_quoted(tmp_path: Path) -> None:
    stub = tmp_path / "python"
    stub.write_text("#!/bin/sh\necho 'no module named ministack' >&2\nexit 3\n")
    stub.chmod(0o755)
    urls = dict.fromkeys(("pex_api_url", "pex_oauth_url", "procore_api_url", "procore_login_url"), "http://127.0.0.1:9")
    with pytest.raises(RuntimeError) as failure, Stack(port=0, vendor_urls=urls, emulator_python=stub):
        pass
    assert "The emulated AWS ended unexpectedly (exit status 3)" in str(failure.value)
    assert "no module named ministack" in str(failure.value)


def test_a_library_without_a_name_we_replace_is_refused() -> None:
    with pytest.raises(WrongLibrary, match="sample has no _gone"):
        replace(SimpleNamespace(__name__="sample"), "_gone", None)
