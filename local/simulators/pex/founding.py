"""A new business with its administrators, card accounts and the tags the connector needs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from local.simulators.pex.world import CONNECTOR_PERMISSIONS, PERMISSIONS, Admin, Business, Cardholder, World

PASSWORD = "demo-password"


def found_business(world: World, name: str, domain: str, people: Sequence[tuple[str, str]], now: datetime) -> Business:
    """`people`: first and last names of the cardholders. No administrator and no tag yet."""
    business = Business(
        business_id=world.next_id("business"),
        number=f"{world.random.randint(10**9, 10**10 - 1)}",
        name=name,
        address={
            "AddressLine1": "4200 Brighton Blvd",
            "AddressLine2": None,
            "City": "Denver",
            "State": "CO",
            "PostalCode": "80216",
            "Country": "US",
        },
        phone="3035550142",
        settings={
            "SupportedCardType": ["Plastic", "Virtual"],
            "UseBusinessBalance": True,
            "UseRemoteDecision": False,
            "BlockCardDefunding": False,
            "UseCardholderGroup": False,
            "TagsEnabled": True,
            "AllocationTagsEnabled": True,
            "FundingSource": "Prepaid",
            "CardLimit": 100,
            "VendorLimit": 50,
            "DefaultDailyLimit": 5000.0,
            "UseReimbursements": False,
            "UseBillPay": True,
            "UseTagDependencies": False,
        },
        fields_version=world.hex_id(),
    )
    world.businesses[business.business_id] = business
    for place, (first, last) in enumerate(people):
        cardholder = Cardholder(
            account_id=world.next_id("account"),
            user_id=world.next_id("user"),
            first_name=first,
            last_name=last,
            email=f"{first[0]}.{last}@{domain}".lower(),
            password=PASSWORD,
            card_id=world.next_id("card"),
            last4=f"{world.random.randint(0, 9999):04d}",
            issued_at=now - timedelta(days=world.random.randint(150, 700)),
            is_virtual=place % 6 == 5,
            custom_id=f"EMP{1001 + place}",
        )
        business.cardholders[cardholder.account_id] = cardholder
    return business


def add_admin(
    world: World, business: Business, first: str, last: str, email: str, allowed: Sequence[str] = CONNECTOR_PERMISSIONS
) -> Admin:
    """With the connector's permissions and no other, unless told."""
    admin = Admin(
        admin_id=world.next_id("admin"),
        first_name=first,
        last_name=last,
        email=email,
        password=PASSWORD,
        permissions={permission: permission in allowed for permission in PERMISSIONS},
    )
    business.admins[admin.admin_id] = admin
    return admin
