"""The page's files: which are served, what they promise browsers, and how much the first look weighs."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest

from tests.flow.process import load_app
from tests.functions.events import load_event
from tests.template.cfn import ROOT

STATIC = ROOT / "functions/dashboard/static"
BUDGET = 150 * 1024
POLICY = {
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'",
    "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
}  # fmt: skip


def ask(path: str = "/", **headers: str) -> dict[str, Any]:
    event = load_event("dashboard", headers=headers)
    event["requestContext"]["path"] = "/dev" + path
    if path.startswith("/static/"):
        event["pathParameters"] = {"proxy": path.removeprefix("/static/")}
    answer: dict[str, Any] = load_app("dashboard").handler(event, None)
    return answer


def addresses() -> dict[str, str]:
    """File below static/ to the address it is served at."""
    release = re.search(r"static/(\w+)/page\.css", ask()["body"])
    assert release
    files = [path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*")]
    return {file: f"/static/{release[1]}/{file}" for file in files if file.endswith((".js", ".css", ".svg"))}


def test_every_answer_forbids_foreign_and_inline_code_and_guessing_and_referrers() -> None:
    for path in ("/", *addresses().values()):
        headers = ask(path)["headers"]
        assert set(headers["Content-Security-Policy"].split("; ")) == POLICY
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "Set-Cookie" not in headers


def test_the_page_is_asked_for_each_time_and_its_files_are_kept_for_good() -> None:
    assert ask()["headers"]["Cache-Control"] == "no-cache"
    for address in addresses().values():
        assert "immutable" in ask(address)["headers"]["Cache-Control"]


@pytest.mark.parametrize("header", ["If-None-Match", "if-none-match"])
def test_what_a_browser_has_already_is_not_sent_again(header: str) -> None:
    etag = ask()["headers"]["ETag"]
    again = ask("/", **{header: f'"other", W/{etag}'})
    assert (again["statusCode"], again["body"]) == (304, "")
    assert ask("/", **{header: '"other"'})["statusCode"] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static/../app.py",
        "/static/{release}/../../app.py",
        "/static/{release}/..%2f..%2fapp.py",
        "/static/{release}//etc/passwd",
        "/static//etc/passwd",
        "/static/{release}/js",
        "/static/{release}/vendor/README.md",
        "/static/{release}/index.html",
        "/static/page.css",
        "/static/0123456789ab/page.css",
    ],
)
def test_nothing_but_the_pages_own_files_is_served(path: str) -> None:
    release = addresses()["page.css"].split("/")[2]
    answer = ask(path.replace("{release}", release))
    assert answer["statusCode"] == 404
    assert "import" not in answer["body"]


@pytest.mark.parametrize(("asked", "location"), [("/dev", "dev/"), ("/a/b", "b/")])
def test_an_address_without_its_last_slash_leads_to_the_one_with_it(asked: str, location: str) -> None:
    event = load_event("dashboard")
    event["requestContext"]["path"] = asked
    answer = load_app("dashboard").handler(event, None)
    assert (answer["statusCode"], answer["headers"]["Location"]) == (308, location)


def test_the_first_look_weighs_less_than_its_budget_compressed() -> None:
    bodies = [ask(path)["body"].encode() for path in ("/", *addresses().values())]
    weight = sum(len(gzip.compress(body)) for body in bodies)
    print(f"{len(bodies)} files, {weight} bytes compressed")
    assert weight <= BUDGET


def test_every_import_of_a_script_names_a_file_that_is_served() -> None:
    for script in STATIC.rglob("*.js"):
        for name in re.findall(r"""(?:^import|\bfrom)\s*["']([\w./-]+)["']""", script.read_text(), re.MULTILINE):
            assert name.startswith("."), f"{script.name} imports {name}, which no browser resolves"
            assert (script.parent / name).resolve().is_relative_to(STATIC)
            assert (script.parent / name).is_file(), f"{script.name}: {name}"


def test_the_page_asks_for_nothing_of_other_hosts_and_keeps_nothing_in_the_browser() -> None:
    for file in (STATIC / "index.html", *STATIC.glob("js/*.js"), *STATIC.glob("*.css")):
        text = file.read_text()
        assert not re.search(r"(?:src|href|url)\s*[=(]\s*[\"']?(?:https?:)?//", text), file.name
        assert not re.search(r"localStorage|sessionStorage|indexedDB|document\.cookie|console\.|innerHTML", text), (
            file.name
        )
        assert not re.search(r"\sstyle=|<style|<script(?! type=\"module\" src=)", text), file.name


def test_the_function_loads_nothing_but_the_standard_library() -> None:
    script = f"""
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("app", {str(ROOT / "functions/dashboard/app.py")!r})
app = importlib.util.module_from_spec(spec)
spec.loader.exec_module(app)
app.files()
print(json.dumps([name for name in sys.modules if name.split(".")[0] in
    ("boto3", "botocore", "requests", "pydantic", "aws_lambda_powertools", "pex_procore")]))
"""
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": ""}
    )
    assert json.loads(ran.stdout) == []
