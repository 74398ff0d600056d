"""Money moves: purchases and everything that becomes of them. Amounts are given as a person says them, positive."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from local.simulators.pex.base import Base, act, money
from local.simulators.pex.callbacks import network_event
from local.simulators.pex.world import Business, Cardholder, Note, Receipt, Transaction

Moment = datetime | str | None


class MoneyActs(Base):
    @act
    def act_purchase(
        self,
        account_id: int | None = None,
        amount: Decimal | str | float = "120.50",
        merchant: str = "HOME DEPOT #4512",
        *,
        pin: bool = False,
        settle: bool = False,
        padding: Decimal | str | float = 0,
        at: Moment = None,
        why: str = "",
        **merchant_details: Any,
    ) -> dict[str, Any]:
        """A pending authorization. `pin`: debited at once, no authorization. `settle`: settled in the same breath.
        `merchant_details`: city, state, zip, country, mcc, currency {"description", "code", "amount"}, card_present,
        padded, normalized."""
        business, cardholder = self._open_card(account_id)
        moment = self.moment(at)
        row = self._row(business, cardholder.account_id, -money(amount), moment, why=why)
        row.merchant = self._merchant(merchant, **merchant_details)
        row.network_transaction_id = self.world.next_id("network")
        row.hold_time = moment
        row.padding_amount = money(padding)
        cardholder.balance += row.amount
        if pin:
            row.settlement_time, row.description = moment, "Settlement"
        else:
            row.is_pending, row.description = True, "Pending"
        self.happened(network_event("Pin" if pin else "Auth", row, cardholder.balance, moment))
        if pin and self.switches.pin_settles:
            self.happened(network_event("Settlement", row, cardholder.balance, moment))
        if settle and not pin:
            return self._settle(row, [row.amount], moment + timedelta(hours=1) if at else moment, matched=True)
        return _names(row)

    @act
    def act_settle(
        self,
        transaction_id: int,
        amount: Decimal | str | float | None = None,
        parts: list[Decimal | str | float] | None = None,
        *,
        matched: bool = True,
        at: Moment = None,
    ) -> dict[str, Any]:
        """The pending row goes and one new row comes for each part (partial shipments), with the tags, notes and
        receipts of the authorization. `matched` false: PEX could not tell which one, AuthTransactionId stays 0."""
        row = self._pending(transaction_id)
        amounts = [-money(part) for part in parts] if parts else [row.amount if amount is None else -money(amount)]
        return self._settle(row, amounts, self.moment(at), matched=matched)

    @act
    def act_refund(
        self,
        account_id: int | None = None,
        amount: Decimal | str | float = "40.00",
        merchant: str = "HOME DEPOT #4512",
        *,
        at: Moment = None,
        why: str = "",
        **merchant_details: Any,
    ) -> dict[str, Any]:
        """A settled return. Nothing in the row names the purchase it gives back."""
        business, cardholder = self._open_card(account_id)
        moment = self.moment(at)
        row = self._row(business, cardholder.account_id, money(amount), moment, why=why)
        row.merchant = self._merchant(merchant, **merchant_details)
        row.network_transaction_id = self.world.next_id("network")
        row.hold_time = row.settlement_time = moment
        row.description = "Settlement"
        cardholder.balance += row.amount
        self.happened(network_event("Settlement", row, cardholder.balance, moment))
        return _names(row)

    @act
    def act_decline(
        self,
        account_id: int | None = None,
        amount: Decimal | str | float = "75.00",
        merchant: str = "LIQUOR BARN",
        code: str = "decline.rule.mcc",
        *,
        pin: bool = False,
        at: Moment = None,
        **merchant_details: Any,
    ) -> dict[str, Any]:
        business, cardholder = self.cardholder(account_id)
        moment = self.moment(at)
        row = self._row(business, cardholder.account_id, -money(amount), moment, why="declined")
        row.merchant = self._merchant(merchant, **merchant_details)
        row.network_transaction_id = self.world.next_id("network")
        row.is_decline, row.approval, row.description = True, None, f"Declined: {code}"
        network = "Pin" if pin else "Auth"
        self.happened(network_event(network, row, cardholder.balance, moment, decline_code=code))
        return _names(row)

    @act
    def act_reverse(
        self, transaction_id: int, amount: Decimal | str | float | None = None, *, at: Moment = None
    ) -> dict[str, Any]:
        """Release a hold, all of it or `amount` of it. A settled row stays and a credit comes beside it."""
        row = self.transaction(transaction_id)
        if row.is_gone or row.is_decline:
            raise ValueError(f"Transaction {transaction_id} holds nothing that could be reversed.")
        business, cardholder = self.cardholder(row.account_id)
        moment = self.moment(at)
        back = abs(row.amount) if amount is None else money(amount)
        cardholder.balance += back
        event = network_event("Reversal", row, cardholder.balance, moment, amount=back, auth_id=row.transaction_id)
        if row.is_pending:
            row.amount += back
            row.is_gone = row.amount >= 0
            self.happened(event)
            return _names(row)
        credit = self._row(business, row.account_id, back, moment, why=f"reversal of {transaction_id}")
        credit.merchant, credit.network_transaction_id = dict(row.merchant), row.network_transaction_id
        credit.hold_time = credit.settlement_time = moment
        credit.description, credit.auth_transaction_id = "Reversal", row.transaction_id
        self.happened(event)
        return _names(credit)

    @act
    def act_expire_hold(self, transaction_id: int) -> dict[str, Any]:
        """A hold nobody captured: the row goes without a word."""
        row = self._pending(transaction_id)
        row.is_gone = True
        return _names(row)

    @act
    def act_dispute(
        self, transaction_id: int, amount: Decimal | str | float | None = None, *, at: Moment = None
    ) -> dict[str, Any]:
        """The credit of a won dispute: a transfer to the card, without merchant, tags or callback."""
        disputed = self.transaction(transaction_id)
        back = abs(disputed.amount) if amount is None else money(amount)
        row = self._transfer(disputed.account_id, back, "Dispute", "Dispute credit", at)
        row.why = f"dispute of {transaction_id}"
        return _names(row)

    @act
    def act_fee(
        self,
        account_id: int | None = None,
        amount: Decimal | str | float = "10.00",
        description: str = "Monthly fee",
        *,
        at: Moment = None,
    ) -> dict[str, Any]:
        """With an account the fee of a card, without one the business account's own."""
        category = "BusinessAccountFee" if account_id is None else "CardAccountFee"
        return _names(self._transfer(account_id, -money(amount), category, description, at))

    @act
    def act_transfer(
        self, account_id: int | None = None, amount: Decimal | str | float = "500.00", *, at: Moment = None
    ) -> dict[str, Any]:
        """With an account: business account to card, a row on each side. Without one: from the bank."""
        loaded = money(amount)
        if account_id is None:
            return _names(self._transfer(None, loaded, "BusinessFunding", "Bank transfer", at))
        business = self.world.business_of_account(account_id)
        card = self._transfer(account_id, loaded, "CardFunding", "Card funding", at)
        card.transfer_account_id = business.business_id
        business_side = self._transfer(None, -loaded, "CardFunding", "Card funding", at, business)
        business_side.transfer_account_id = account_id
        return _names(card)

    @act
    def act_rebate(self, amount: Decimal | str | float = "25.00", *, at: Moment = None) -> dict[str, Any]:
        return _names(self._transfer(None, money(amount), "BusinessRebate", "Rebate payout", at))

    @act
    def act_bill_pay(
        self,
        amount: Decimal | str | float = "1800.00",
        vendor: str = "ACME READY MIX LLC",
        account_id: int | None = None,
        *,
        at: Moment = None,
    ) -> dict[str, Any]:
        """A vendor paid by bill pay: listed with the cardholders' rows when IncludeVendorBillPay asks for it."""
        _, cardholder = self.cardholder(account_id)
        row = self._transfer(cardholder.account_id, -money(amount), "VendorBillPay", f"Bill payment {vendor}", at)
        row.bill_pay = True
        return _names(row)

    def _open_card(self, account_id: int | None) -> tuple[Business, Cardholder]:
        business, cardholder = self.cardholder(account_id)
        if cardholder.account_status != "OPEN":
            raise ValueError(f"The card account {cardholder.account_id} is closed.")
        return business, cardholder

    def _pending(self, transaction_id: int) -> Transaction:
        row = self.transaction(transaction_id)
        if not row.is_pending or row.is_gone:
            raise ValueError(f"Transaction {transaction_id} is not pending.")
        return row

    def _settle(self, auth: Transaction, amounts: list[Decimal], at: datetime, *, matched: bool) -> dict[str, Any]:
        business, cardholder = self.cardholder(auth.account_id)
        auth.is_gone = True
        cardholder.balance += sum(amounts, Decimal(0)) - auth.amount
        rows = []
        for amount in amounts:
            row = self._row(business, auth.account_id, amount, auth.time, why=auth.why)
            row.merchant, row.network_transaction_id = dict(auth.merchant), auth.network_transaction_id
            row.hold_time, row.settlement_time, row.description = auth.hold_time, at, "Settlement"
            row.auth_transaction_id = auth.transaction_id if matched else 0
            row.approval, row.tags, row.tagged_at = auth.approval, dict(auth.tags), auth.tagged_at
            row.tags_concurrency_key = self.world.hex_id() if auth.tags else ""
            row.notes = [Note(**{**vars(note), "note_id": self.world.next_id("note")}) for note in auth.notes]
            row.receipts = [Receipt(**{**vars(each), "attachment_id": self.world.hex_id()}) for each in auth.receipts]
            auth_id = auth.transaction_id if matched else None
            self.happened(network_event("Settlement", row, cardholder.balance, at, auth_id=auth_id))
            rows.append(row)
        return _names(rows[0]) | {"transaction_ids": [row.transaction_id for row in rows]}

    def _row(self, business: Business, account_id: int, amount: Decimal, time: datetime, *, why: str) -> Transaction:
        row = Transaction(
            transaction_id=self.world.next_id("transaction"),
            business_id=business.business_id,
            account_id=account_id,
            feed="card",
            amount=amount,
            type="Network",
            category="Spend",
            description="",
            time=time,
            booked_at=self.now(),
            why=why,
        )
        self.world.transactions[row.transaction_id] = row
        return row

    def _transfer(
        self,
        account_id: int | None,
        amount: Decimal,
        category: str,
        description: str,
        at: Moment,
        business: Business | None = None,
    ) -> Transaction:
        """`account_id` None: a row of the business account."""
        if account_id is None:
            business = business or self.world.business()
            business.balance += amount
        else:
            business, cardholder = self.cardholder(account_id)
            cardholder.balance += amount
        moment = self.moment(at)
        row = self._row(business, account_id or business.business_id, amount, moment, why=category)
        row.feed = "business" if account_id is None else "card"
        row.type, row.category, row.description, row.approval = "Transfer", category, description, None
        row.hold_time = row.settlement_time = moment
        if category == "Dispute":
            row.approval = "NotReviewed"
        return row

    def _merchant(
        self,
        name: str,
        *,
        city: str = "DENVER",
        state: str = "CO",
        zip: str = "80202",
        country: str = "US",
        mcc: str = "5200",
        currency: dict[str, Any] | None = None,
        card_present: bool = True,
        padded: bool = True,
        normalized: str | None = None,
    ) -> dict[str, Any]:
        number = self.world.random.randint
        return {
            "MerchantName": name.ljust(25) if padded else name,
            "MerchantNameNormalized": normalized,
            "MerchantCity": city.ljust(13) if padded else city,
            "MerchantState": state,
            "MerchantZip": f"{zip} " if padded else zip,
            "MerchantCountry": country,
            "MCCCode": mcc,
            "AuthIdentityResponseCode": f"{number(100000, 999999)}",
            "MerchantId": f"{number(10**11, 10**12 - 1):015d}",
            "TerminalId": f"{number(1000000, 9999999)} ",
            "IsCardPresent": card_present,
            "SourceCurrencyCodeDescription": currency["description"] if currency else None,
            "SourceCurrencyNumericCode": currency["code"] if currency else None,
            "SourceAmount": money(currency["amount"]) if currency else None,
        }


def _names(row: Transaction) -> dict[str, Any]:
    return {
        "transaction_id": row.transaction_id,
        "account_id": row.account_id,
        "network_transaction_id": row.network_transaction_id,
        "amount": str(row.amount),
        "is_pending": row.is_pending and not row.is_gone,
    }
