"""PEX's own books, to judge a client by. Amounts are text, times ISO 8601 with offset, tokens masked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.simulators.pex.acts_papers import receipt_record
from local.simulators.pex.callbacks import delivery_record
from local.simulators.pex.http_api import TOO_MANY, mask
from local.simulators.pex.rows import subscription_row
from local.simulators.pex.world import TAG_NAMES, Business, Note, Transaction, World

if TYPE_CHECKING:
    from local.simulators.pex.simulator import PexSimulator


def books_of(sim: PexSimulator) -> dict[str, Any]:
    world = sim.world
    refused = sum(record.status == 429 for record in sim.requests.all())
    return {
        "businesses": [_business(business) for business in world.businesses.values()],
        "transactions": [transaction_record(row, world) for row in world.transactions.values()],
        "tags": [
            {
                "tag_id": tag.tag_id,
                "business_id": business.business_id,
                "name": tag.name,
                "type": tag.type,
                "is_deleted": tag.deleted_at is not None,
                "concurrency_key": tag.concurrency_key,
                "updated_at": tag.updated_at and tag.updated_at.isoformat(),
                "options": [vars(option) for option in tag.options],
            }
            for business in world.businesses.values()
            for tag in business.tags.values()
        ],
        "tokens": [
            {
                "token": mask(token.token),
                "business_id": token.business_id,
                "admin_id": token.admin_id,
                "account_id": token.account_id,
                "expires_at": token.expires_at.isoformat(),
                "death": token.death,
            }
            for token in world.tokens.values()
        ],
        "subscriptions": [subscription_row(each) for each in world.subscriptions.values()],
        "deliveries": [delivery_record(each) for each in world.deliveries],
        "calls": dict(world.calls),
        "refused": {TOO_MANY: refused},
    }


def _business(business: Business) -> dict[str, Any]:
    return {
        "business_id": business.business_id,
        "name": business.name,
        "status": business.status,
        "settings": business.settings,
        "admins": [
            {"admin_id": each.admin_id, "email": each.email, "permissions": each.permissions}
            for each in business.admins.values()
        ],
        "cardholders": [
            {
                "account_id": each.account_id,
                "name": f"{each.first_name} {each.last_name}",
                "status": each.account_status,
            }
            for each in business.cardholders.values()
        ],
    }


def transaction_record(row: Transaction, world: World) -> dict[str, Any]:
    business = world.business(row.business_id)
    return {
        "transaction_id": row.transaction_id,
        "business_id": row.business_id,
        "account_id": row.account_id,
        "feed": row.feed,
        "state": _state(row),
        "amount": str(row.amount),
        "type": row.type,
        "category": row.category,
        "description": row.description,
        "merchant": str(row.merchant.get("MerchantName", "")).strip(),
        "time": row.time.isoformat(),
        "settlement_time": row.settlement_time and row.settlement_time.isoformat(),
        "auth_transaction_id": row.auth_transaction_id,
        "network_transaction_id": row.network_transaction_id,
        "approval": row.approval,
        "tags": _named(row.tags, business),
        "splits": [{"amount": str(split.amount), "tags": _named(split.values, business)} for split in row.splits],
        "notes": [_note(note) for note in row.notes],
        "receipts": [receipt_record(receipt) for receipt in row.receipts],
        "why": row.why,
    }


def _state(row: Transaction) -> str:
    if row.is_gone:
        return "gone"
    if row.is_decline:
        return "declined"
    return "pending" if row.is_pending else "settled"


def _named(values: dict[str, Any], business: Business) -> dict[str, Any]:
    """Keyed by our words for the three Procore tags, by tag id for any other, deleted ones included."""
    kinds = {name: kind for kind, name in TAG_NAMES.items()}
    named = {}
    for tag_id, value in values.items():
        tag = business.tags[tag_id]
        named[kinds.get(tag.name, tag_id) if tag.deleted_at is None else tag_id] = value
    return named


def _note(note: Note) -> dict[str, Any]:
    return {
        "note_id": note.note_id,
        "text": note.text,
        "user_name": note.user_name,
        "at": note.at.isoformat(),
        "system_generated": note.system_generated,
        "visible_to_cardholder": note.visible_to_cardholder,
    }
