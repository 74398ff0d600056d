"""Every handler imports with nothing but the built layer and the runtime's own boto3 on its path."""

from __future__ import annotations

import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.template.cfn import ROOT

RUNTIMES_OWN = ("boto3", "botocore", "s3transfer", "python-dateutil", "six", "jmespath", "urllib3")
APPS = sorted((ROOT / "functions").glob("*/app.py"))
IMPORT = """
import importlib.util, json, sys
sys.path[1:1] = sys.argv[2:]
failed = {}
for path in json.loads(sys.argv[1]):
    spec = importlib.util.spec_from_file_location("app", path)
    app = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(app)
        assert callable(app.handler)
    except Exception as error:
        failed[path] = repr(error)
files = [getattr(one, "__file__", None) or "" for one in list(sys.modules.values())]
print(json.dumps({"failed": failed, "outside": [one for one in files if "site-packages" in one]}))
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
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The layer's `python` folder and the runtime's library."""
    root = tmp_path_factory.mktemp("opt")
    layer, runtime = root / "python", root / "runtime"
    layer.mkdir()
    runtime.mkdir()
    package = ROOT / "layers/common/pex_procore"
    shutil.copytree(package, layer / "pex_procore", ignore=shutil.ignore_patterns("__pycache__"))
    link_distributions(locked_distributions(), layer)
    link_distributions(list(RUNTIMES_OWN), runtime)
    return layer, runtime


def test_every_handler_imports_with_only_the_layer_and_the_runtime(built: tuple[Path, Path]) -> None:
    apps = json.dumps([str(path) for path in APPS])
    command = [sys.executable, "-I", "-S", "-B", "-c", IMPORT, apps, *map(str, built)]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-1500:]
    assert json.loads(ran.stdout) == {"failed": {}, "outside": []}
    assert len(APPS) >= 10


def test_the_layer_brings_no_copy_of_what_the_runtime_has() -> None:
    assert not {"boto3", "botocore", "s3transfer"} & set(locked_distributions())


def test_the_locked_versions_are_those_the_tests_ran_with() -> None:
    text = (ROOT / "layers/common/requirements.txt").read_text()
    locked = dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s\\]+)", text, re.MULTILINE))
    assert locked == {name: importlib.metadata.version(name) for name in locked}


def test_every_import_of_the_package_is_locked_or_comes_with_the_runtime(built: tuple[Path, Path]) -> None:
    """Also those that no handler reaches today."""
    script = (
        "import json, pkgutil, sys; sys.path[1:1] = sys.argv[1:]; import pex_procore;"
        "names = [one.name for one in pkgutil.walk_packages(pex_procore.__path__, 'pex_procore.')];"
        "[__import__(name) for name in names]; print(json.dumps(names))"
    )
    command = [sys.executable, "-I", "-S", "-B", "-c", script, *map(str, built)]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-1500:]
    assert len(json.loads(ran.stdout)) > 40
