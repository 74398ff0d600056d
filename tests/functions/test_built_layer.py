"""Every handler imports with nothing but the built layer on its path, and imports little."""

from __future__ import annotations

import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.template.cfn import ROOT

# Modules besides the interpreter's own; times: docs/benchmarks.md#imports
BUDGETS = {"receive_callback": 110, "dashboard": 60, "config_api": 600, "setup_credentials": 600}
BUDGET_OF_A_STEP = 440
APPS = sorted((ROOT / "functions").glob("*/app.py"))
IMPORT = """
import importlib.util, json, sys
sys.path[1:1] = sys.argv[2:]
failed, before = {}, set(sys.modules)
for path in json.loads(sys.argv[1]):
    spec = importlib.util.spec_from_file_location("app", path)
    app = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(app)
        assert callable(app.handler)
    except Exception as error:
        failed[path] = repr(error)
models = list(getattr(sys.modules.get("pydantic"), "BaseModel", int).__subclasses__())
for model in models:
    models += model.__subclasses__()
built = [one.__name__ for one in models if one.__module__.startswith("pex_procore") and one.__pydantic_complete__]
files = [getattr(one, "__file__", None) or "" for one in list(sys.modules.values())]
loaded = set(sys.modules) - before
packages = {name.split(".")[0] for name in loaded if "/python/" in (getattr(sys.modules[name], "__file__", "") or "")}
outside = [one for one in files if "site-packages" in one]
told = {"failed": failed, "outside": outside, "built": built, "modules": len(loaded), "packages": sorted(packages)}
print(json.dumps(told))
"""


def locked_distributions() -> list[str]:
    text = (ROOT / "layers/common/requirements.txt").read_text()
    return re.findall(r"^([A-Za-z0-9._-]+)==", text, re.MULTILINE)


def link_distributions(names: list[str], where: Path) -> None:
    """Their top-level files and folders of this interpreter's site-packages."""
    for name in names:
        distribution = importlib.metadata.distribution(name)
        for top in {file.parts[0] for file in distribution.files or () if file.parts[0] not in ("..", "__pycache__")}:
            source, target = Path(str(distribution.locate_file(top))), where / top
            if not target.exists():
                target.symlink_to(source)


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The layer's `python` folder."""
    made = tmp_path_factory.mktemp("opt") / "python"
    made.mkdir()
    package = ROOT / "layers/common/pex_procore"
    shutil.copytree(package, made / "pex_procore", ignore=shutil.ignore_patterns("__pycache__"))
    link_distributions(locked_distributions(), made)
    return made


def imported(layer: Path, apps: list[Path]) -> dict[str, Any]:
    command = [sys.executable, "-I", "-S", "-B", "-c", IMPORT, json.dumps([str(path) for path in apps]), str(layer)]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-1500:]
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


@pytest.mark.parametrize("app", APPS, ids=lambda path: path.parent.name)
def test_a_handler_imports_with_only_the_layer_and_within_its_budget(layer: Path, app: Path) -> None:
    found = imported(layer, [app])
    assert (found["failed"], found["outside"]) == ({}, [])
    assert found["modules"] <= BUDGETS.get(app.parent.name, BUDGET_OF_A_STEP)


def test_every_kind_of_function_has_a_budget() -> None:
    assert len(APPS) >= 15
    assert set(BUDGETS) < {path.parent.name for path in APPS}


def test_the_callback_loads_none_of_the_heavy_packages(layer: Path) -> None:
    (app,) = [path for path in APPS if path.parent.name == "receive_callback"]
    assert imported(layer, [app])["packages"] == ["pex_procore"]


def test_nothing_loads_a_tracer_or_what_boto3_adds_to_botocore(layer: Path) -> None:
    loaded = set(imported(layer, APPS)["packages"])
    assert {"botocore", "pydantic"} <= loaded
    assert not {"boto3", "s3transfer", "aws_xray_sdk", "opentelemetry"} & loaded


def test_vendors_clients_and_validators_are_loaded_when_they_are_used(layer: Path) -> None:
    found = imported(layer, APPS)
    assert not {"requests", "charset_normalizer"} & set(found["packages"])
    assert found["built"] == []


def test_the_built_layer_keeps_the_data_of_every_service_that_is_called() -> None:
    """botocore describes 400 of them; the build keeps those the Makefile names."""
    kept = re.search(r"^SERVICES := (.+)$", (ROOT / "layers/common/Makefile").read_text(), re.MULTILINE)
    wiring = (ROOT / "layers/common/pex_procore/runtime/wiring.py").read_text()
    called = set(re.findall(r"""\baws\("(\w+)"\)""", wiring))
    assert kept is not None
    assert len(called) >= 5
    assert called <= set(kept[1].split())


def test_the_locked_versions_are_those_the_tests_ran_with() -> None:
    text = (ROOT / "layers/common/requirements.txt").read_text()
    locked = dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s\\]+)", text, re.MULTILINE))
    assert locked == {name: importlib.metadata.version(name) for name in locked}


def test_every_import_of_the_package_is_locked(layer: Path) -> None:
    """Also those that no handler reaches today."""
    script = (
        "import json, pkgutil, sys; sys.path[1:1] = sys.argv[1:]; import pex_procore;"
        "names = [one.name for one in pkgutil.walk_packages(pex_procore.__path__, 'pex_procore.')];"
        "[__import__(name) for name in names]; print(json.dumps(names))"
    )
    command = [sys.executable, "-I", "-S", "-B", "-c", script, str(layer)]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-1500:]
    assert len(json.loads(ran.stdout)) > 40
