"""What is deployed beside our own code: `make sbom` writes docs/sbom.json (CycloneDX) and docs/licences.md.

Python packages are those of the layer's lock file, with the licences their own metadata declare; the page's scripts
are those its vendor/README.md names. Neither file holds a date of its own, so that a difference means something.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "layers/common/requirements.txt"
SCRIPTS = ROOT / "functions/dashboard/static/vendor/README.md"
SBOM, PAGE = ROOT / "docs/sbom.json", ROOT / "docs/licences.md"
SPDX = {  # what metadata say in their own words
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Dual License": "Apache-2.0 OR BSD-3-Clause",  # python-dateutil
    "MIT License": "MIT",
}


@dataclass(frozen=True)
class Shipped:
    kind: str  # pypi or npm
    name: str
    version: str
    licence: str

    @property
    def purl(self) -> str:
        return f"pkg:{self.kind}/{self.name}@{self.version}"


def locked(text: str) -> dict[str, str]:
    """Versions by name, of a lock file."""
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", text, re.MULTILINE))


def licence_of(name: str) -> str:
    """As SPDX writes it. Raises ValueError for a package that does not tell."""
    about = importlib.metadata.metadata(name)
    told = about["License-Expression"] or about["License"]
    if not told or "\n" in told:
        told = next((one.rpartition(" :: ")[2] for one in about.get_all("Classifier") or () if "License" in one), "")
    if not told:
        raise ValueError(f"{name} declares no licence")
    return SPDX.get(told, told)


def scripts(text: str) -> list[Shipped]:
    """Of the table: `file` is `…` of npm's name version, licence."""
    found: dict[str, Shipped] = {}
    for name, version, licence in re.findall(r"npm's (\w+) ([\d.]+) \| \[([^\]]+)\]", text):
        found[name] = Shipped("npm", name, version, SPDX.get(licence, licence))
    return list(found.values())


def everything() -> list[Shipped]:
    packages = [
        Shipped("pypi", name, version, licence_of(name)) for name, version in sorted(locked(LOCK.read_text()).items())
    ]
    return packages + scripts(SCRIPTS.read_text())


def sbom(every: list[Shipped]) -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    components: list[dict[str, Any]] = [
        {
            "type": "library",
            "bom-ref": one.purl,
            "name": one.name,
            "version": one.version,
            "purl": one.purl,
            "licenses": [{"expression": one.licence}],
        }
        for one in every
    ]
    ours = {"type": "application", "bom-ref": project["name"], "name": project["name"], "version": project["version"]}
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": ours},
        "components": components,
    }
    return json.dumps(document, indent=2) + "\n"


def page(every: list[Shipped]) -> str:
    rows = "\n".join(f"| {one.name} | {one.version} | {one.licence} | {one.kind} |" for one in every)
    return f"""# Licences

What is deployed beside our own code, as the packages themselves declare it. Written by `make sbom`, together with
[sbom.json](sbom.json) (CycloneDX). Hashes are in `layers/common/requirements.txt`, and the build asks for them.

| package | version | licence | from |
|---|---|---|---|
{rows}
"""


def main() -> int:
    every = everything()
    SBOM.write_text(sbom(every))
    PAGE.write_text(page(every))
    print(f"{len(every)} packages in {SBOM.relative_to(ROOT)} and {PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
