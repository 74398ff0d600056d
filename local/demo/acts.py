"""The acts of the story, in the order they are played."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from local.demo.books import EASTERN, Terms, expected_expenses
from local.demo.cast import Cast, Purchase
from local.demo.catalog import SeededCatalog
from local.demo.clients import Connector, Control, DemoFailed, wait_for
from local.demo.figures import callback_seconds
from local.demo.screen import Screen, dollars
from local.simulators.seed_pex import CALLBACK_SECRET, TOKEN
from local.simulators.seed_procore import CLIENT_ID, CLIENT_SECRET

CALLS_PER_PROJECT = 5  # the project and four pages of budget codes, read once a day
FIRST_SYNC_CALLS = 40  # about 20 seconds: the connector takes 20 of the 25 calls Procore allows in 10
HELD = ("waiting", "refused")


@dataclass
class Scene:
    """What one act leaves for the next."""

    screen: Screen
    connector: Connector
    control: Control
    catalog: SeededCatalog
    terms: Terms
    cast: Cast
    by_callback: list[int] = field(default_factory=list)
    """Transactions whose callback made the expense."""

    def run_link(self, row: dict[str, Any]) -> None:
        runs = [entry["run_id"] for entry in row["timeline"] if entry["run_id"]]
        url = self.connector.url
        self.screen.link(f"GET {url}/v1/transactions/{row['transaction_id']}")
        if runs:
            self.screen.link(f"GET {url}/v1/runs/{runs[-1]}")

    def buy(self, purchase: Purchase, *, tagged: bool = True, receipt: bool = True, approved: bool = True) -> int:
        """The pending transaction with what the cardholder and the approver add while it is pending."""
        act = self.control.act
        made = act(
            "pex",
            "purchase",
            account_id=purchase.account_id,
            amount=str(purchase.amount),
            merchant=purchase.merchant,
            why="demo",
        )
        id: int = made["transaction_id"]
        if tagged:
            act("pex", "tag", transaction_id=id, **purchase.tags)
        if receipt:
            act("pex", "receipt", transaction_id=id)
        if approved:
            act("pex", "approve", transaction_id=id)
        return id

    def settle(self, pending_id: int) -> int:
        settled: int = self.control.act("pex", "settle", transaction_id=pending_id)["transaction_id"]
        return settled

    def waits(self, ids: list[int]) -> list[float]:
        """Seconds from PEX's callback to Procore's commit, shortest first."""
        books = self.control.get("/books")
        found = callback_seconds(books["pex"], books["procore"], self.terms.business_id, ids)
        return sorted(found.values())

    def direct_costs(self, row: dict[str, Any]) -> list[dict[str, Any]]:
        """Procore's own records of a transaction's expenses."""
        ids = {one["direct_cost_id"] for one in row["direct_costs"]}
        return [cost for cost in self.control.get("/procore/books")["direct_costs"] if cost["id"] in ids]


def connect(screen: Screen, connector: Connector, control: Control, catalog: SeededCatalog) -> Scene:
    screen.act("Connect PEX to Procore")
    signed_in = connector.post("/v1/sessions", {"pex_token": TOKEN})
    business_id = signed_in["business_id"]
    screen.good(f"Signed in with a PEX token: {signed_in['business_name']} (business {business_id}).")
    companies = connector.put("/v1/connection/procore", {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET})
    names = {one["id"]: one["name"] for one in companies["companies"]}
    screen.good(f"Procore's service account sees {len(names)} companies: {', '.join(names.values())}.")
    connector.put("/v1/connection/company", {"company_id": catalog.company_id})
    connector.put("/v1/connection/pex-callback", {"secret": CALLBACK_SECRET})
    vendor = next(one for one in connector.get("/v1/procore/vendors")["items"] if one["active"])
    pex = control.get("/pex/books")
    known = connector.get("/v1/settings")["start_date"]
    terms = Terms(
        business_id=business_id,
        company_id=catalog.company_id,
        vendor_id=vendor["id"],
        start_date=date.fromisoformat(known) if known else choose_start(pex, catalog, business_id, vendor["id"]),
    )
    connector.patch(
        "/v1/settings",
        {"vendor_id": terms.vendor_id, "transactions": "approved", "start_date": terms.start_date.isoformat()},
    )
    connection = connector.get("/v1/connection")
    screen.good(
        f"Connected to {names[terms.company_id]} ({terms.company_id}): approved purchases settled since "
        f"{terms.start_date} become draft expenses of vendor {vendor['name']} ({vendor['id']})."
    )
    if connection["pex"]["callbacks"] != "subscribed":
        raise DemoFailed(f"PEX's callbacks are not subscribed: {connection['pex']}")
    screen.good("The connector subscribed PEX's settlement callbacks for itself.")
    business = next(each for each in pex["businesses"] if each["business_id"] == business_id)
    return Scene(screen, connector, control, catalog, terms, Cast(business, catalog, list(catalog.projects)))


def choose_start(pex: Any, catalog: SeededCatalog, business_id: int, vendor_id: int) -> date:
    """As far back as the first sync may reach within the story's share of Procore's quota."""
    today = datetime.now(EASTERN).date()
    chosen = today - timedelta(days=3)
    for days in range(4, 60):
        start = today - timedelta(days=days)
        due = expected_expenses(pex, Terms(business_id, catalog.company_id, vendor_id, start), catalog)
        calls = CALLS_PER_PROJECT * len({one.project_id for one in due}) + sum(1 + bool(one.receipts) for one in due)
        if calls > FIRST_SYNC_CALLS:
            break
        chosen = start
    return chosen


def sync_history(scene: Scene) -> None:
    screen = scene.screen
    screen.act("The first sync: what was bought before today")
    with screen.waiting("Sync, at the pace of Procore's limit") as line:
        run = scene.connector.sync_now(line)
    rows = scene.connector.transactions()
    posted = [row for row in rows if row["direct_costs"]]
    total = sum((Decimal(str(row["amount"])) for row in posted), Decimal())
    made = [one for row in posted for one in row["direct_costs"]]
    screen.good(
        f"{len(rows)} settled transactions: {len(posted)} posted as {len(made)} expenses, {dollars(total)} in all, "
        f"{run['counts'].get('receipts_attached', 0)} receipts attached."
    )
    held: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["state"] in (*HELD, "exception"):
            held.setdefault(row["reason"], []).append(row)
    if held:
        screen.tell("Not posted, and what helps:")
        screen.table([(str(len(each)), reason, each[0]["help"]["what_to_do"]) for reason, each in held.items()])
    split = next((row for row in posted if len(row["direct_costs"]) > 1), None)
    if split:
        parts = ", ".join(f"{dollars(one['amount'])} to project {one['project_id']}" for one in split["direct_costs"])
        screen.tell(
            f"A split became one expense per project: {dollars(split['amount'])} at {split['merchant']}: {parts}."
        )
    screen.link(f"GET {scene.connector.url}/v1/runs/{run['run_id']}")
    in_use = list(dict.fromkeys(one["project_id"] for one in made))
    if not in_use:
        raise DemoFailed("The first sync posted nothing, so the story has no project to go on with.")
    business = next(
        each for each in scene.control.get("/pex/books")["businesses"] if each["business_id"] == scene.terms.business_id
    )
    scene.cast = Cast(business, scene.catalog, in_use[:4])


def one_purchase(scene: Scene) -> None:
    screen, purchase = scene.screen, scene.cast.purchase()
    screen.act("A crew member buys something")
    screen.tell(
        f"{purchase.cardholder} pays {dollars(purchase.amount)} at {purchase.merchant}, photographs the receipt"
    )
    screen.tell(f"and codes it: {scene.cast.words(purchase.line)}. It is approved, then it settles.")
    id = scene.settle(scene.buy(purchase))
    with screen.waiting("PEX calls back") as line:
        (row,) = scene.connector.settled([id], line)
    scene.by_callback.append(id)
    show_expenses(scene, row)
    screen.tell(f"In Procore {scene.waits([id])[0]:.1f} s after PEX called back.")
    notes = [note for note in _pex_row(scene, id)["notes"] if note["system_generated"]]
    for note in notes:
        screen.tell(f"Note in PEX: {note['text']}")
    scene.run_link(row)


def show_expenses(scene: Scene, row: dict[str, Any]) -> None:
    for cost in scene.direct_costs(row):
        scene.screen.good(
            f"Expense {cost['id']} in {cost['project_name']}: {dollars(cost['grand_total'])}, "
            f"{cost['direct_cost_date']}, {cost['vendor_name']}, receipts: {len(cost['attachments'])}"
        )
        lines = [(Decimal(line["amount"]), line["cost_code"], line["cost_type"]) for line in cost["line_items"]]
        scene.screen.table([(dollars(amount), code, kind) for amount, code, kind in lines])


def unready(scene: Scene) -> None:
    screen = scene.screen
    screen.act("Two that are not ready, and Sync now")
    first, second = scene.cast.purchase(), scene.cast.purchase()
    untagged = scene.settle(scene.buy(first, tagged=False))
    unapproved = scene.settle(scene.buy(second, approved=False))
    with screen.waiting("PEX calls back") as line:
        rows = scene.connector.settled([untagged, unapproved], line, HELD)
    for purchase, row in zip((first, second), rows, strict=True):
        screen.good(f"{purchase.cardholder}, {dollars(purchase.amount)} at {purchase.merchant}: {row['state']}.")
        screen.tell(f"{row['reason']}: {row['help']['text']} {row['help']['what_to_do']}")
    act = scene.control.act
    act("pex", "tag", transaction_id=untagged, **first.tags)
    half = (second.amount / 2).quantize(Decimal("0.01"))
    other = Purchase(0, "", "", half, scene.cast.purchase().line)
    parts = [
        {"amount": str(half), **second.tags},
        {"amount": str(second.amount - half), **other.tags},
    ]
    act("pex", "split", transaction_id=unapproved, parts=parts)
    act("pex", "approve", transaction_id=unapproved)
    screen.tell("The first now has a project; the second is split over two projects and approved.")
    with screen.waiting("Sync now") as line:
        run = scene.connector.sync_now(line)
        rows = scene.connector.settled([untagged, unapproved], line)
    screen.good(f"Sync now: {run['verdict']}.")
    for row in rows:
        show_expenses(scene, row)
    screen.link(f"GET {scene.connector.url}/v1/runs/{run['run_id']}")


def burst(scene: Scene, number: int = 10) -> None:
    screen = scene.screen
    screen.act(f"Friday, 4 pm: {number} cards settle at once")
    purchases = [scene.cast.purchase() for _ in range(number)]
    pending = [scene.buy(purchase, receipt=place % 2 == 0) for place, purchase in enumerate(purchases)]
    ids = [scene.settle(id) for id in pending]
    with screen.waiting("Expenses") as line:
        rows = scene.connector.settled(ids, line)
    scene.by_callback += ids
    screen.good(f"{number} callbacks, {number} expenses:")
    screen.table(
        [
            (f"{dollars(purchase.amount)}", purchase.cardholder, purchase.merchant, f"expense {_expense_ids(row)}")
            for purchase, row in zip(purchases, rows, strict=True)
        ]
    )
    runs = {entry["run_id"] for row in rows for entry in row["timeline"] if entry["run_id"]}
    waits = scene.waits(ids)
    screen.tell(
        f"All of it in {len(runs)} {'run' if len(runs) == 1 else 'runs'}; "
        f"in Procore {waits[0]:.1f} to {waits[-1]:.1f} s after PEX called back."
    )


def refund(scene: Scene) -> None:
    screen, purchase = scene.screen, scene.cast.purchase()
    screen.act("A return")
    act = scene.control.act
    act("pex", "delay_callbacks", seconds=1.5)  # a return settles at once; so it is coded before PEX calls
    made = act(
        "pex",
        "refund",
        account_id=purchase.account_id,
        amount=str(purchase.amount),
        merchant=purchase.merchant,
        why="demo",
    )
    id: int = made["transaction_id"]
    act("pex", "tag", transaction_id=id, **purchase.tags)
    act("pex", "approve", transaction_id=id)
    screen.tell(f"{purchase.merchant} gives {purchase.cardholder} {dollars(purchase.amount)} back.")
    with screen.waiting("PEX calls back") as line:
        (row,) = scene.connector.settled([id], line)
    scene.by_callback.append(id)
    show_expenses(scene, row)
    if any(Decimal(cost["grand_total"]) >= 0 for cost in scene.direct_costs(row)):
        raise DemoFailed(f"The return {id} is not negative in Procore.")


def lost_answer(scene: Scene) -> None:
    screen, purchase = scene.screen, scene.cast.purchase()
    screen.act("The nasty one: Procore stores the expense, and its answer is lost on the way")
    before = len(scene.control.get("/procore/requests"))
    scene.control.post(
        "/procore/faults", {"kind": "drop_after", "method": "POST", "path": "/direct_costs$", "times": 1}
    )
    id = scene.settle(scene.buy(purchase))
    screen.tell(f"{purchase.cardholder}, {dollars(purchase.amount)} at {purchase.merchant} (transaction {id}).")
    with screen.waiting("The connector cannot know whether it was stored") as line:
        (row,) = scene.connector.settled([id], line)
    scene.by_callback.append(id)
    calls = [call for call in scene.control.get("/procore/requests")[before:] if "/direct_costs" in call["path"]]
    if not any(call["fault"] == "drop_after" for call in calls):
        raise DemoFailed("The answer was not lost after all: the fault did not meet the create.")
    screen.tell("What it did on Procore's side:")
    screen.table([(call["method"], call["path"], _outcome(call), _filters(call)) for call in calls])
    screen.tell("What it wrote down:")
    screen.table([(one["at"][11:19], one["to"], one["cause"]) for one in row["timeline"]])
    if (held := len(scene.direct_costs(row))) != 1:
        raise DemoFailed(f"Procore holds {held} expenses for transaction {id}, not 1.")
    screen.good(f"Found and adopted as expense {_expense_ids(row)}, not posted a second time.")
    scene.run_link(row)


def _outcome(call: dict[str, Any]) -> str:
    return f"{call['handled']}, answer lost" if call["status"] is None else str(call["status"])


def _filters(call: dict[str, Any]) -> str:
    return " ".join(f"{name}={values[0]}" for name, values in call["query"].items() if name.startswith("filters"))


def impostors(scene: Scene, copies: int = 5) -> None:
    screen, purchase = scene.screen, scene.cast.purchase()
    screen.act("The same callback five times, and a forged one")
    scene.control.act("pex", "duplicate_callbacks", times=copies)
    id = scene.settle(scene.buy(purchase, receipt=False))
    forged = scene.control.act("pex", "forge_callback", secret="not-the-secret")["deliveries"]

    def answered() -> tuple[list[int], set[int]] | None:
        deliveries = scene.control.get("/pex/books")["deliveries"]
        genuine = [each["statuses"][-1] for each in deliveries if each["transaction_id"] == id and each["statuses"]]
        false = {each["statuses"][0] for each in deliveries if each["delivery_id"] in forged and each["statuses"]}
        return (genuine, false) if len(genuine) == copies and false else None

    with screen.waiting("PEX calls back, and calls back, and calls back") as line:
        genuine, false = wait_for(answered, "all callbacks to be answered")
        (row,) = scene.connector.settled([id], line)
        scene.connector.quiet(line)
    scene.by_callback.append(id)
    held = len(scene.direct_costs(row))
    if set(genuine) != {200} or held != 1:
        raise DemoFailed(f"Callbacks answered with {genuine} made {held} expenses of transaction {id}.")
    screen.good(f"{copies} callbacks about {id} ({dollars(purchase.amount)}), one expense: {_expense_ids(row)}.")
    if false != {401}:
        raise DemoFailed(f"A callback with a wrong secret was answered with {false}, not 401.")
    screen.good("A purchase that never happened, announced with a wrong secret: refused (401), nothing recorded.")


def _pex_row(scene: Scene, transaction_id: int) -> dict[str, Any]:
    books = scene.control.get("/pex/books")
    found: dict[str, Any] = next(row for row in books["transactions"] if row["transaction_id"] == transaction_id)
    return found


def _expense_ids(row: dict[str, Any]) -> str:
    return ", ".join(str(one["direct_cost_id"]) for one in row["direct_costs"])
