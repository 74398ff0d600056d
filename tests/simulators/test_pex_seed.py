from __future__ import annotations

import base64
import pickle
import zlib
from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from local.simulators.control import control_app
from local.simulators.pex import PexSimulator
from local.simulators.pex.receipt_files import receipt_file
from local.simulators.procore.world import World as ProcoreWorld
from local.simulators.seed_pex import TOKEN, TOKEN_NO_PERMISSIONS, described, seed_pex, small_pex
from local.simulators.seed_procore import seed_procore, usable
from tests.simulators.pex_client import NOON, Now, Pex


@pytest.fixture(scope="module")
def procore() -> ProcoreWorld:
    return seed_procore(7)


@pytest.fixture(scope="module")
def books(procore: ProcoreWorld) -> dict[str, Any]:
    return PexSimulator(seed_pex(7, procore, clock=Now()), clock=Now()).books()


@pytest.fixture(scope="module")
def rows(books: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for row in books["transactions"] if row["state"] != "gone"]


def test_the_same_seed_makes_the_same_world(procore: ProcoreWorld) -> None:
    first, second, other = (seed_pex(seed, procore, clock=Now()) for seed in (7, 7, 8))
    assert pickle.dumps(first) == pickle.dumps(second)
    assert pickle.dumps(first) != pickle.dumps(other)


def test_there_are_300_transactions_of_every_sort_in_the_last_120_days(
    procore: ProcoreWorld, rows: list[dict[str, Any]]
) -> None:
    sorts = described(seed_pex(7, procore, clock=Now()))
    assert sum(sorts.values()) == len(rows) == 300
    assert sorts["split"] == 60
    assert sorts["refund"] == 15
    for sort in (
        "pending",
        "declined",
        "unapproved",
        "untagged",
        "zero",
        "foreign_currency",
        "emoji_note",
        "long_note",
    ):
        assert sorts[sort] >= 1, sort
    times = [datetime.fromisoformat(row["time"]) for row in rows]
    assert min(times) >= NOON - timedelta(days=120)
    assert max(datetime.fromisoformat(row["settlement_time"] or row["time"]) for row in rows) < NOON


def test_about_seventy_in_a_hundred_are_settled_coded_and_approved_and_most_have_a_receipt(
    rows: list[dict[str, Any]],
) -> None:
    coded = [row for row in rows if row["state"] == "settled" and row["approval"] == "Approved"]
    coded = [row for row in coded if row["category"] == "Spend" and (len(row["tags"]) == 3 or row["splits"])]
    assert 190 <= len(coded) <= 240
    assert 0.75 <= sum(bool(row["receipts"]) for row in coded) / len(coded) <= 0.9


def test_splits_add_up_except_the_one_that_is_off_by_a_cent(rows: list[dict[str, Any]]) -> None:
    off = Counter(
        sum(Decimal(split["amount"]) for split in row["splits"]) + Decimal(row["amount"])
        for row in rows
        if row["splits"]
    )
    assert off == {Decimal("0.00"): 60, Decimal("0.01"): 1}
    assert any(len({split["tags"]["project"] for split in row["splits"]}) > 1 for row in rows if row["splits"])


def test_what_is_called_a_purchase_can_be_posted_in_procore(procore: ProcoreWorld, rows: list[dict[str, Any]]) -> None:
    active = {
        (str(wbs.project_id), procore.cost_codes[wbs.cost_code_id].full_code, str(wbs.line_item_type_id))
        for wbs in procore.wbs_codes.values()
        if wbs.cost_code_id and wbs.status == "active" and usable(procore.projects[wbs.project_id])
    }
    lines = [row["tags"] for row in rows if row["why"] == "purchase"]
    lines += [split["tags"] for row in rows if row["why"] == "split" for split in row["splits"]]
    assert len(lines) > 200
    assert {(line["project"], line["cost_code"], line["cost_type"]) for line in lines} <= active


def test_odd_rows_are_odd_as_their_name_says(procore: ProcoreWorld, rows: list[dict[str, Any]]) -> None:
    codes = {
        project_id: {code.full_code for code in procore.cost_codes_of(project_id)} for project_id in procore.projects
    }
    for row in rows:
        if row["why"] == "code_not_in_project":
            assert row["tags"]["cost_code"] not in codes[int(row["tags"]["project"])]
        if row["why"] == "closed_project":
            assert not procore.projects[int(row["tags"]["project"])].active
        if row["why"].startswith("missing_"):
            assert row["why"].removeprefix("missing_") not in row["tags"]
    twice = next(row["receipts"] for row in rows if row["why"] == "same_receipt_twice")
    assert len({receipt["sha256"] for receipt in twice}) == 1


def test_tags_look_as_if_the_connector_had_written_them(procore: ProcoreWorld, books: dict[str, Any]) -> None:
    projects, codes, types, allocation = (tag for tag in books["tags"] if not tag["is_deleted"])
    assert projects["options"][0] == {"name": "Test", "value": "Test", "order": 0, "enabled": False}
    first = next(iter(procore.projects.values()))
    assert projects["options"][1]["value"] == str(first.id)
    assert projects["options"][1]["name"] == f"{first.number} - {first.name}"
    assert {"name": "01-500 Temporary Facilities", "value": "01-500"}.items() <= codes["options"][3].items()
    assert [option["name"] for option in types["options"][1:4]] == ["Equipment (E)", "Labor (L)", "Materials (M)"]
    assert allocation["type"] == "Allocation"
    for tag in (projects, codes, types):
        names = Counter(option["name"].lower() for option in tag["options"])
        assert names.most_common(1)[0][1] == 1


def test_the_tokens_and_people_of_the_demo_are_there(procore: ProcoreWorld) -> None:
    sim = PexSimulator(seed_pex(7, procore)).start()
    try:
        pex = Pex(sim, TOKEN)
        details = pex.get("/v4/Details/AccountDetails").json
        assert len(details["CHAccountList"]) == 25
        assert details["BusinessName"] == next(iter(procore.companies.values())).name
        assert Pex(sim, TOKEN_NO_PERMISSIONS).get("/v4/Business/MyProfile").status == 200
        start = f"{sim.now() - timedelta(days=130):%Y-%m-%dT00:00:00}"
        listed = pex.list(start, f"{sim.now():%Y-%m-%dT23:59:59}", IncludePendings="1", IncludeDeclines="1")
        assert len(listed) > 280
    finally:
        sim.stop()


def test_a_drawn_jpeg_is_a_sound_jpeg() -> None:
    file = receipt_file("jpg", "GRAINGER", Decimal("-120.50"), "2026-06-15")
    assert (file[:4], file[-2:]) == (b"\xff\xd8\xff\xe0", b"\xff\xd9")
    at, markers = 2, []
    while file[at + 1] != 0xDA:
        markers.append(file[at + 1])
        at += 2 + int.from_bytes(file[at + 2 : at + 4], "big")
    assert markers == [0xE0, 0xFE, 0xDB, 0xC0, 0xC4, 0xC4]
    scan = file[at + 2 + int.from_bytes(file[at + 2 : at + 4], "big") : -2]
    bits = "".join(f"{byte:08b}" for byte in scan.replace(b"\xff\x00", b"\xff"))
    size_at = file.index(b"\xff\xc0") + 5
    height, width = (int.from_bytes(file[size_at + 2 * i : size_at + 2 * i + 2], "big") for i in (0, 1))
    position = 0
    for _ in range(height * width // 64):
        size = int(bits[position : position + 4], 2)
        assert size <= 8
        assert bits[position + 4 + size] == "0"
        position += 5 + size
    assert len(bits) - position < 8


def test_a_drawn_png_unpacks_to_its_size() -> None:
    file = receipt_file("png", "GRAINGER", Decimal("-120.50"), "2026-06-15")
    width, height = (int.from_bytes(file[at : at + 4], "big") for at in (16, 20))
    at = file.index(b"IDAT")
    data = file[at + 4 : at + 4 + int.from_bytes(file[at - 4 : at], "big")]
    assert len(zlib.decompress(data)) == height * (width + 1)


def test_a_drawn_pdf_points_to_its_own_objects() -> None:
    file = receipt_file("pdf", "BOB (SONS) \\ CO", Decimal("-120.50"), "2026-06-15")
    table = int(file.split(b"startxref\n")[1].split(b"\n")[0])
    assert file[table : table + 4] == b"xref"
    places = [int(line[:10]) for line in file[table:].splitlines()[3:7]]
    assert [file[place : place + 7] for place in places] == [b"%d 0 obj" % number for number in (1, 2, 3, 4)]
    assert b"TOTAL  $120.50" in file


def test_the_story_can_be_told_over_the_control_port() -> None:
    sim = PexSimulator(small_pex())
    client = control_app({"pex": sim}).test_client()

    def act(action: str, **body: Any) -> Any:
        return client.post(f"/pex/act/{action}", json=body)

    made = act("purchase", amount=62.17, merchant="SUNBELT RENTALS").json
    settled = act("settle", transaction_id=made["transaction_id"]).json["transaction_id"]
    assert act("tag", transaction_id=settled, project="101", cost_code="01-500", cost_type="11").status_code == 200
    assert act("receipt", transaction_id=settled, content=base64.b64encode(b"x").decode()).json["size"] == 1
    act("approve", transaction_id=settled)
    books: Any = client.get("/pex/books").json
    row = next(row for row in books["transactions"] if row["transaction_id"] == settled)
    assert (row["amount"], row["state"], row["approval"]) == ("-62.17", "settled", "Approved")
    assert row["tags"] == {"project": "101", "cost_code": "01-500", "cost_type": "11"}
    refused = act("settle", transaction_id=settled)
    assert (refused.status_code, refused.json["error"]) == (400, f"Transaction {settled} is not pending.")
    assert act("purchase", amount="1.005").json["error"] == "'1.005' is finer than a cent."
    switched: Any = client.post("/pex/switches", json={"page_size": 2, "callback_delays": [0.5]}).json
    assert (switched["page_size"], switched["callback_delays"]) == (2, [0.5])


def test_every_action_saves_the_world_it_changed() -> None:
    saved: list[bytes] = []
    sim = PexSimulator(small_pex(), save=lambda world: saved.append(pickle.dumps(world)))
    made = sim.act_purchase()
    assert made["transaction_id"] in pickle.loads(saved[-1]).transactions
