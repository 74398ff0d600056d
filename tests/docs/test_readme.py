"""What a newcomer is told to type works here."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from local.simulators.seed_pex import CALLBACK_SECRET, TOKEN
from local.simulators.seed_procore import CLIENT_ID, CLIENT_SECRET, FIRST_COMPANY_ID
from pex_procore.domain.settings import Settings
from tests.docs.markdown import ROOT, blocks, names_in_first_column, page, section
from tests.template.cfn import routes

README = page("README.md")


def calls() -> list[tuple[str, str]]:
    """Method and path of every call of the connecting story."""
    (script,) = blocks(section(README, "## Connect by API"), "sh")
    found = []
    for line in script.splitlines():
        if match := re.match(r'call (?P<rest>.*?)"?\$url(?P<path>/[\w/-]+)', line):
            method = re.search(r"-X (\w+)", match["rest"])
            found.append((method[1] if method else "POST" if "-d " in match["rest"] else "GET", "/v1" + match["path"]))
    return found


def test_every_call_of_the_connecting_story_is_a_route() -> None:
    assert len(calls()) == 9
    assert set(calls()) <= {(route.method, route.path) for route in routes()}


def test_the_connecting_story_uses_the_simulators_own_credentials() -> None:
    story = section(README, "## Connect by API")
    for value in (TOKEN, CLIENT_ID, CLIENT_SECRET, CALLBACK_SECRET):
        assert f'"{value}"' in story
    assert f'"company_id": {FIRST_COMPANY_ID}}}' in story


def test_the_connecting_story_changes_settings_that_exist() -> None:
    patch = re.search(r"-X PATCH -d '(.+)' ", section(README, "## Connect by API"))
    assert patch is not None
    assert set(re.findall(r'"(\w+)":', patch[1])) <= Settings.model_fields.keys()


def test_every_environment_of_a_deployment_is_configured() -> None:
    told = re.findall(r"`(dev|staging|prod)`", section(README, "## Deploy"))
    assert sorted(told) == sorted(re.findall(r"^\[(\w+)\.deploy\.parameters\]", page("samconfig.toml"), re.MULTILINE))


def test_every_folder_of_the_table_exists() -> None:
    folders = list(names_in_first_column(section(README, "## What is where")))
    assert len(folders) > 6
    assert [folder for folder in folders if not (ROOT / folder).exists()] == []


def test_the_first_pages_stay_short() -> None:
    assert README.count("\n") <= 150
    assert page("docs/architecture.md").count("\n") <= 230


def test_the_picture_is_well_formed_and_names_functions_that_exist() -> None:
    picture = ElementTree.parse(ROOT / "docs/img/architecture.svg")
    words = {(node.text or "").strip() for node in picture.iter("{http://www.w3.org/2000/svg}text")}
    named = {word for word in words if re.fullmatch(r"[a-z]+_[a-z]+", word)}
    assert named
    assert [name for name in named if not (ROOT / "functions" / name).is_dir()] == []
