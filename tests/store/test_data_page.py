from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

from pex_procore.domain.runs import Kind
from pex_procore.store import keys
from tests.store.tables import SCHEMA, TIME_TO_LIVE

PAGE = (Path(__file__).parents[2] / "docs" / "data.md").read_text()
BUSINESS: Any = "<business>"
COMPANY: Any = "<company>"
PROJECT: Any = "<project>"
WHOLE: keys.Key = {"pk": "", "sk": "<sk of the whole>"}


def _section(table: str) -> str:
    section = re.search(rf"^## {table}\n(.*?)^## ", PAGE, re.DOTALL | re.MULTILINE)
    assert section, table
    return section[1]


def test_the_data_page_names_every_table_index_and_key_attribute() -> None:
    for table, schema in SCHEMA.items():
        names = {one["AttributeName"] for one in schema["AttributeDefinitions"]}
        names |= {index["IndexName"] for index in schema["GlobalSecondaryIndexes"]}
        names.add(str(TIME_TO_LIVE["AttributeName"]))
        assert {name for name in names if f"`{name}`" not in _section(table)} == set()


def test_the_data_page_shows_every_key_of_a_business() -> None:
    made = [
        keys.connection(BUSINESS),
        keys.settings(BUSINESS),
        keys.credentials(BUSINESS, "pex"),
        keys.credentials(BUSINESS, "pex_next"),
        keys.care(BUSINESS),
        keys.checks(BUSINESS),
        keys.credentials(BUSINESS, "procore"),
        keys.callback(BUSINESS, "pex"),
        keys.callback(BUSINESS, "procore"),
        *(keys.sweep(BUSINESS, kind) for kind in get_args(Kind)),
        *(keys.lease(BUSINESS, kind) for kind in get_args(Kind)),
        keys.catalog_document(BUSINESS, COMPANY, "<name>"),
        keys.catalog_project(BUSINESS, COMPANY, PROJECT),
        keys.catalog_codes(BUSINESS, COMPANY, PROJECT),
        keys.stale_marks(BUSINESS, COMPANY),
        {"pk": keys.business(BUSINESS), "sk": keys.catalog_part(WHOLE, "<half>", "<number>")["sk"]},
    ]
    rows = [line for line in _section("Connections").splitlines() if line.startswith(f"| `{made[0]['pk']}`")]
    shown = [name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[2])]
    assert sorted(shown) == sorted(key["sk"] for key in made)


def test_every_store_file_the_data_page_names_exists() -> None:
    store = Path(__file__).parents[2] / "layers" / "common" / "pex_procore" / "store"
    named = set(re.findall(r"`(\w+\.py)`", PAGE))
    assert named
    assert {name for name in named if not (store / name).exists()} == set()
