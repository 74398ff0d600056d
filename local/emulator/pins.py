"""The hooks use and replace private names of the emulator's libraries, so they run on these versions only."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

VERSIONS = {"ministack": "1.5.33", "moto": "5.2.5", "awslambdaric": "4.2.2"}


class WrongLibrary(RuntimeError):
    """A pinned library is missing, of another version, or lacks a name a hook uses."""


def check_versions() -> None:
    for package, wanted in VERSIONS.items():
        try:
            found = version(package)
        except PackageNotFoundError:
            found = "not installed"
        if found != wanted:
            raise WrongLibrary(
                f"The emulated AWS needs {package} {wanted} in .venv-local, but it is {found}. Run `make setup`."
            )


def require(module: Any, *names: str) -> None:
    for name in names:
        if not hasattr(module, name):
            raise WrongLibrary(f"{module.__name__} has no {name}, which the emulated AWS needs. Run `make setup`.")


def replace(module: Any, name: str, value: Any) -> Any:
    """Puts `value` in the place of `module.name` and answers what was there."""
    require(module, name)
    original = getattr(module, name)
    setattr(module, name, value)
    return original
