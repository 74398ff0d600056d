"""Lists of transactions and network events, with the rules for dates and pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from flask import request

from local.simulators.faults import hidden_seconds
from local.simulators.pex import rows
from local.simulators.pex.http_api import Api, Caller, Problem, Query
from local.simulators.pex.times import months_before, parse_query_time, wire_eastern
from local.simulators.pex.world import Transaction

_VIEW = ("ViewCardTransactions",)
_NOT_YOURS = "Invalid card account ID"


def register(api: Api) -> None:
    sim = api.sim
    switches = sim.switches

    def time_of(row: Transaction) -> datetime:
        return row.settlement_time or row.time if switches.time_filter == "settlement" else row.time

    def window() -> tuple[datetime, datetime] | None:
        """None: a range PEX no longer answers, with the switch for an empty list."""
        query = Query()
        start, end = (_query_time(query, name) for name in ("StartDate", "EndDate"))
        if end < start:
            raise Problem.invalid("EndDate", "EndDate must not be earlier than StartDate.")
        if start.date() < months_before(sim.now(), 12).date():
            if switches.old_range == "empty":
                return None
            raise Problem.invalid("StartDate", "StartDate must be within the last 12 months.")
        return start, end

    def found(caller: Caller, wanted: Callable[[Transaction], bool]) -> list[Transaction]:
        query = Query()
        pendings, declines = query.flag("IncludePendings"), query.flag("IncludeDeclines")
        asked = window()
        if asked is None:
            return []
        youngest = sim.now() - timedelta(seconds=hidden_seconds(request.environ))
        hiding = hidden_seconds(request.environ) > 0
        chosen = [
            row
            for row in sim.world.transactions.values()
            if row.business_id == caller.business.business_id
            and not row.is_gone
            and (pendings or not row.is_pending)
            and (declines or not row.is_decline)
            and asked[0] <= time_of(row) <= asked[1]
            and not (hiding and row.booked_at > youngest)
            and wanted(row)
        ]
        return sorted(chosen, key=lambda row: (time_of(row), row.transaction_id))

    def page(caller: Caller, chosen: list[Transaction]) -> dict[str, Any]:
        size = int(switches.page_size)
        shown = chosen[:size]
        return {
            "TransactionList": [rows.transaction_row(row, caller.business, switches) for row in shown],
            "Pages": {
                "PageSize": size,
                "TotalRecords": len(chosen),
                "NumberOfPages": max(1, -(-len(chosen) // size)),
                "LastTimeRetrieved": wire_eastern(time_of(shown[-1])) if shown else None,
            },
        }

    def card_rows() -> Callable[[Transaction], bool]:
        bill_pay = Query().flag("IncludeVendorBillPay")
        return lambda row: row.feed == "card" and (bill_pay or not row.bill_pay)

    @api.route("GET", "/v4/Details/AllCardholderTransactions", who="admin", all_of=_VIEW)
    def all_transactions(caller: Caller) -> Any:
        return page(caller, found(caller, card_rows()))

    @api.route("GET", "/v4/Details/AllCardholderTransactionCount", who="admin", all_of=_VIEW)
    def count(caller: Caller) -> Any:
        return len(found(caller, card_rows()))

    @api.route("GET", "/v4/Details/TransactionDetails")
    def own_transactions(caller: Caller) -> Any:
        account_id = caller.business.business_id if caller.cardholder is None else caller.cardholder.account_id
        return of_account(caller, account_id)

    @api.route("GET", "/v4/Details/TransactionDetails/<int:account_id>")
    def account_transactions(caller: Caller, account_id: int) -> Any:
        return of_account(caller, account_id)

    def of_account(caller: Caller, account_id: int) -> Any:
        check_account(caller, account_id)
        return page(caller, found(caller, lambda row: row.account_id == account_id and not row.bill_pay))

    def check_account(caller: Caller, account_id: int) -> None:
        if caller.cardholder is not None:
            if caller.cardholder.account_id != account_id:
                raise Problem(403, _NOT_YOURS)
            return
        if account_id != caller.business.business_id and account_id not in caller.business.cardholders:
            raise Problem(403, _NOT_YOURS)
        if not caller.allowed("ViewCardTransactions"):
            raise Problem(403, "Admin does not have permission")

    @api.route("GET", "/v4/Details/NetworkTransactions")
    def network(caller: Caller) -> Any:
        if caller.cardholder is not None:
            return events(caller, caller.cardholder.account_id)
        return events(caller, None)

    @api.route("GET", "/v4/Details/<int:account_id>/NetworkTransactions")
    def account_network(caller: Caller, account_id: int) -> Any:
        check_account(caller, account_id)
        return events(caller, account_id)

    def events(caller: Caller, account_id: int | None) -> Any:
        if account_id is None and not caller.allowed("ViewCardTransactions"):
            raise Problem(403, "Admin does not have permission")
        asked = window()
        chosen = [
            event
            for event in sim.world.events
            if event.business_id == caller.business.business_id
            and "NetworkType" in event.data
            and account_id in (None, event.account_id)
            and asked is not None
            and asked[0] <= event.at <= asked[1]
        ]
        return {"TransactionList": [event.data for event in sorted(chosen, key=lambda event: event.at)]}


def _query_time(query: Query, name: str) -> datetime:
    text = query.text(name)
    if not text:
        raise Problem.invalid(name, f"The {name} field is required.")
    try:
        return parse_query_time(text)
    except ValueError as error:
        raise Problem.invalid(name, str(error)) from error
