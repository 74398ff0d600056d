"""What administrators, time and PEX's support do: tokens, permissions, settings, tags, cards, callbacks."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

from local.simulators.pex.base import Base, act
from local.simulators.pex.callbacks import delivery_record
from local.simulators.pex.founding import add_admin, found_business
from local.simulators.pex.times import months_after, wire_eastern
from local.simulators.pex.world import PERMISSIONS, TAG_NAMES, TAG_TYPES, Admin, Business, Event, Tag, TagOption, Token

DEATHS = ("Token expired or does not exist", "Password has changed", "User is not active")


class BusinessActs(Base):
    @act
    def act_make_token(
        self, admin_id: int | None = None, account_id: int | None = None, token: str | None = None, months: int = 6
    ) -> dict[str, Any]:
        """A token of the named administrator or cardholder, or of the first administrator."""
        if account_id is not None:
            business = self.world.business_of_account(account_id)
        else:
            business, admin = self._admin(admin_id)
            admin_id = admin.admin_id
        made = self.issue_token(business, None if account_id else admin_id, account_id, token=token, months=months)
        return {"token": made.token, "expires": wire_eastern(made.expires_at)}

    @act
    def act_expire_token(self, token: str, message: str = DEATHS[0]) -> dict[str, Any]:
        """The next call gets the message; PEX forgets the token with that answer. The other deaths are
        "Password has changed" and "User is not active"."""
        if message not in DEATHS:
            raise ValueError(f"A token dies of one of: {', '.join(DEATHS)}.")
        self._token(token).death = message
        return {"message": message}

    @act
    def act_age_token(self, token: str, days_left: float) -> dict[str, Any]:
        """Renewal is possible in the last month only."""
        found = self._token(token)
        found.expires_at = self.now() + timedelta(days=float(days_left))
        return {"expires": wire_eastern(found.expires_at)}

    @act
    def act_launch(self, admin_id: int | None = None) -> dict[str, Any]:
        """The JWT with which the dashboard opens an app."""
        business, admin = self._admin(admin_id)
        claims = {"sub": admin.admin_id, "bid": business.business_id, "jti": self.world.hex_id()}
        parts = [base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=") for each in ({}, claims)]
        jwt = ".".join([*parts, self.world.hex_id()])
        self.world.launches[jwt] = (admin.admin_id, self.now() + timedelta(minutes=5))
        return {"jwt": jwt}

    @act
    def act_set_permission(self, permission: str, allowed: bool, admin_id: int | None = None) -> dict[str, Any]:
        if permission not in PERMISSIONS:
            raise ValueError(f"A permission is one of {', '.join(PERMISSIONS)}.")
        admin = self._admin(admin_id)[1]
        admin.permissions[permission] = allowed
        return {"admin_id": admin.admin_id, "permissions": admin.permissions}

    @act
    def act_remove_admin(self, admin_id: int | None = None) -> dict[str, Any]:
        """The administrator leaves: every token of theirs answers "User is not active" once."""
        admin = self._admin(admin_id)[1]
        admin.status = "Inactive"
        tokens = [token for token in self.world.tokens.values() if token.admin_id == admin.admin_id]
        for token in tokens:
            token.death = "User is not active"
        return {"admin_id": admin.admin_id, "tokens": len(tokens)}

    @act
    def act_change_settings(self, settings: dict[str, Any], business_id: int | None = None) -> dict[str, Any]:
        """For example {"TagsEnabled": false}."""
        business = self.world.business(business_id)
        unknown = set(settings) - set(business.settings)
        if unknown:
            raise ValueError(f"PEX has no setting {', '.join(sorted(unknown))}.")
        business.settings |= settings
        return business.settings

    @act
    def act_add_business(self, name: str = "Another Builder LLC", token: str | None = None) -> dict[str, Any]:
        """A second tenant: one administrator, one card, the three Procore tags with a Test option each."""
        business = found_business(self.world, name, "another.example", [("Robin", "Vance")], self.now())
        email = f"owner{business.business_id}@another.example"
        admin = add_admin(self.world, business, "Jo", "Marsh", email)
        tags = {kind: self.new_tag(business, title, "Dropdown") for kind, title in TAG_NAMES.items()}
        for tag in tags.values():
            tag.options = [TagOption("Test", "Test")]
        made = self.issue_token(business, admin.admin_id, None, token=token)
        return {
            "business_id": business.business_id,
            "token": made.token,
            "account_id": next(iter(business.cardholders)),
            "tags": {kind: tag.tag_id for kind, tag in tags.items()},
        }

    @act
    def act_set_business_status(self, status: str = "Closed", business_id: int | None = None) -> dict[str, Any]:
        self.world.business(business_id).status = status
        return {"status": status}

    @act
    def act_close_card(self, account_id: int) -> dict[str, Any]:
        business = self.world.business_of_account(account_id)
        cardholder = business.cardholders[account_id]
        cardholder.account_status, cardholder.card_status = "CLOSED", "Closed"
        card = {
            "CardId": cardholder.card_id,
            "IssueDate": wire_eastern(cardholder.issued_at),
            "ExpirationDate": wire_eastern(months_after(cardholder.issued_at, 36)),
            "Last4CardNumber": cardholder.last4,
            "CardStatus": cardholder.card_status,
        }
        data = {"AcctId": account_id, "TransactionType": "CARD", "Description": "Status Change", "CardList": [card]}
        self.happened(Event(business.business_id, "Card", account_id, self.now(), data))
        return {"account_id": account_id, "status": "CLOSED"}

    @act
    def act_create_tag(
        self,
        name: str,
        options: list[dict[str, Any]] | None = None,
        type: str = "Dropdown",
        business_id: int | None = None,
        *,
        required: bool = False,
        description: str | None = None,
    ) -> dict[str, Any]:
        """As an administrator does in Tag Manager. `options`: [{"name", "value", "enabled"}], by default Test."""
        if type not in TAG_TYPES:
            raise ValueError(f"A tag's type is one of {', '.join(TAG_TYPES)}.")
        business = self.world.business(business_id)
        given = options if options is not None else [{"name": "Test", "value": "Test"}]
        tag = self.new_tag(business, name, type, required=required, description=description)
        if type == "Dropdown":
            tag.options = [
                TagOption(str(each["name"]), str(each["value"]), place, bool(each.get("enabled", True)))
                for place, each in enumerate(given)
            ]
        return {"tag_id": tag.tag_id}

    @act
    def act_delete_tag(self, tag: str, business_id: int | None = None) -> dict[str, Any]:
        """By id or name. Old transactions go on naming it."""
        found = self.tag(self.world.business(business_id), tag)
        found.deleted_at = self.now()
        return {"tag_id": found.tag_id}

    @act
    def act_edit_option(
        self,
        tag: str,
        value: str,
        name: str | None = None,
        enabled: bool | None = None,
        business_id: int | None = None,
        *,
        remove: bool = False,
    ) -> dict[str, Any]:
        """An administrator adds, changes or removes one option by hand."""
        found = self.tag(self.world.business(business_id), tag)
        option = next((each for each in found.options if each.value.lower() == value.lower()), None)
        if option is None:
            option = TagOption(name or value, value, len(found.options))
            found.options.append(option)
        option.name = option.name if name is None else name
        option.enabled = option.enabled if enabled is None else enabled
        if remove:
            found.options.remove(option)
        found.concurrency_key, found.updated_at = self.world.hex_id(), self.now()
        return {"tag_id": found.tag_id, "options": len(found.options)}

    @act
    def act_restrict_tag(self, tag: str, values: list[str], business_id: int | None = None) -> dict[str, Any]:
        """Options limited to some cards: an answer without OverrideRestrictions=true lacks these values."""
        found = self.tag(self.world.business(business_id), tag)
        found.restricted = [str(value) for value in values]
        return {"tag_id": found.tag_id, "restricted": found.restricted}

    @act
    def act_set_callback_secret(self, secret: str) -> dict[str, Any]:
        self.world.callback_secret = secret
        return {}

    @act
    def act_drop_callbacks(self, n: int = 1) -> dict[str, Any]:
        """The next n callbacks are never sent."""
        return self._mood("drop", n, yes=True)

    @act
    def act_duplicate_callbacks(self, times: int = 2, n: int = 1) -> dict[str, Any]:
        """The next n callbacks are each sent so many times at once."""
        return self._mood("duplicate", n, times=times)

    @act
    def act_delay_callbacks(self, seconds: float, n: int = 1) -> dict[str, Any]:
        return self._mood("delay", n, seconds=float(seconds))

    @act
    def act_reverse_callbacks(self, n: int = 2) -> dict[str, Any]:
        """The next n callbacks wait for the last of them and are then sent in the opposite order."""
        return self._mood("reverse", n, yes=True)

    @act
    def act_hurry_callbacks(self) -> dict[str, Any]:
        """Everything that waits for its next try is tried now, held ones too."""
        return {"released": self.dispatcher.release(), "hurried": self.dispatcher.hurry()}

    @act
    def act_resend_callback(self, transaction_id: int, secret: str | None = None) -> dict[str, Any]:
        """Say again what was said about a settled transaction; with `secret`, as a forger who does not know ours."""
        event = next((each for each in self.world.events if each.data.get("TransactionId") == transaction_id), None)
        if event is None:
            raise ValueError(f"PEX never announced the settlement of {transaction_id}.")
        return self._say(event, secret)

    @act
    def act_forge_callback(
        self, data: dict[str, Any] | None = None, secret: str = "not-the-secret", business_id: int | None = None
    ) -> dict[str, Any]:
        """A settlement that never happened, to every settlement subscription; `secret` may also be the right one."""
        business = self.world.business(business_id)
        made_up = {
            "TransactionId": 1,
            "NetworkTransactionId": 1,
            "NetworkType": "Settlement",
            "TransactionAmount": -9999,
        }
        return self._say(
            Event(business.business_id, "SettlementPostedRealtime", 0, self.now(), made_up | (data or {})), secret
        )

    def issue_token(
        self,
        business: Business,
        admin_id: int | None,
        account_id: int | None,
        *,
        app_id: str = "",
        token: str | None = None,
        months: int = 6,
    ) -> Token:
        made = Token(
            token=token or f"{self.world.random.getrandbits(256):064x}",
            business_id=business.business_id,
            app_id=app_id or next(iter(self.world.apps), "pex"),
            admin_id=admin_id,
            account_id=account_id,
            expires_at=months_after(self.now(), months),
        )
        self.world.tokens[made.token] = made
        return made

    def new_tag(
        self, business: Business, name: str, type: str, *, required: bool = False, description: str | None = None
    ) -> Tag:
        tag = Tag(
            tag_id=self.world.hex_id(),
            type=type,
            name=name,
            description=description,
            order=len(business.tags),
            is_required=required,
            is_enabled=True,
            concurrency_key=self.world.hex_id(),
            created_at=self.now(),
            created_by=next(iter(business.admins), 0),
        )
        business.tags[tag.tag_id] = tag
        business.fields_version = self.world.hex_id()
        return tag

    def _say(self, event: Event, secret: str | None) -> dict[str, Any]:
        sent = [
            self.dispatcher.post(subscription.subscription_id, event, secret=secret)
            for subscription in self.world.subscriptions.values()
            if subscription.active and subscription.type == event.type and subscription.business_id == event.business_id
        ]
        return {"deliveries": [delivery_record(delivery)["delivery_id"] for delivery in sent]}

    def _mood(self, name: str, n: int, **values: Any) -> dict[str, Any]:
        self.world.callback_mood[name] = {"left": n, **values}
        return {"for_the_next": n}

    def _token(self, token: str) -> Token:
        found = self.world.tokens.get(token)
        if found is None:
            raise ValueError("PEX has no such token.")
        return found

    def _admin(self, admin_id: int | None) -> tuple[Business, Admin]:
        for business in self.world.businesses.values():
            for admin in business.admins.values():
                if admin_id in (None, admin.admin_id):
                    return business, admin
        raise ValueError(f"PEX has no administrator {admin_id}.")
