"""`make bench-imports`: what a cold start spends on importing, function by function, from the layer as it is built.

The layer is built anew for this machine's processor, compiled ahead and trimmed as the deployed one. Each function's
file is imported in an interpreter of its own, one function after the other and all again and again. Told is the least
CPU time between the file's first line and its last: the interpreter's own start does not count, and what else runs here
can only add to it.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TIMES = 11
TARGETS = {"receive_callback": 100, "config_api": 250, "setup_credentials": 250, "dashboard": 250}
OTHERS = 300
IMPORT = """
import importlib.util, json, sys, time
before, began = len(sys.modules), time.process_time()
spec = importlib.util.spec_from_file_location("app", sys.argv[1])
spec.loader.exec_module(importlib.util.module_from_spec(spec))
print(json.dumps([(time.process_time() - began) * 1000, len(sys.modules) - before]))
"""


def interpreter() -> tuple[str, str]:
    """Its path and its version: the deployed one where there is one."""
    found = subprocess.run([ROOT / "tools/find-python", "3.13"], capture_output=True, text=True).stdout.strip()
    return (found, "3.13") if found else (sys.executable, f"{sys.version_info.major}.{sys.version_info.minor}")


def build(where: str, python: str, version: str, *, compiled: bool = True) -> Path:
    machine = {"x86_64": "x86_64", "aarch64": "arm64"}[platform.machine()]
    given = [f"ARTIFACTS_DIR={where}", f"ARCHITECTURE={machine}", f"RUNTIME={version}", f"PYTHON={sys.executable}"]
    given.append(f"COMPILER={python if compiled else ''}")
    subprocess.run(
        ["make", "--silent", "-C", str(ROOT / "layers/common"), "build-CommonLayer", *given],
        check=True,
        capture_output=True,
    )
    return Path(where) / "python"


def measure(python: str, layer: Path, function: str) -> tuple[float, int]:
    """CPU milliseconds and modules."""
    ran = subprocess.run(
        [python, "-S", "-B", "-c", IMPORT, str(ROOT / "functions" / function / "app.py")],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(layer)},
    )
    spent, modules = json.loads(ran.stdout)
    return spent, modules


def main() -> None:
    python, version = interpreter()
    functions = sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py"))
    with tempfile.TemporaryDirectory() as ready, tempfile.TemporaryDirectory() as raw:
        layers = [build(ready, python, version), build(raw, python, version, compiled=False)]
        size = sum(path.stat().st_size for path in layers[0].rglob("*") if path.is_file())
        found = [
            {function: [measure(python, layer, function) for layer in layers] for function in functions}
            for _ in range(TIMES)
        ]
    print(f"Python {version}, {platform.machine()}, least of {TIMES}; the layer holds {size / 1e6:.1f} MB\n")
    print("| function | modules | CPU ms | target | not compiled ahead |\n|---|---|---|---|---|")
    for function in functions:
        spent, slow = (min(one[function][which][0] for one in found) for which in range(2))
        target, modules = TARGETS.get(function, OTHERS), found[0][function][0][1]
        print(f"| `{function}` | {modules} | {spent:.0f} | {target} | {slow:.0f} |")


if __name__ == "__main__":
    main()
