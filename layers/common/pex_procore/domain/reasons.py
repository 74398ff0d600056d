"""Why a transaction is not an expense (yet): one list, read by the ledger, the API, the page and docs/reasons.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Actor = Literal["cardholder", "approver", "admin", "procore_admin", "nobody"]


@dataclass(frozen=True, slots=True)
class Help:
    """What happened, who can change it, and how."""

    text: str
    actor: Actor
    todo: str


REASONS: dict[str, Help] = {
    "pending": Help(
        "PEX has announced the purchase and does not list it as settled yet.",
        "nobody",
        "Nothing to do: it is posted once it settles.",
    ),
    "next_run": Help("It is imported with the next sync.", "nobody", "Nothing to do."),
    "ignored": Help("An administrator said not to import it.", "admin", "Try it again if that was a mistake."),
    "not_approved": Help("The purchase is not approved in PEX.", "approver", "Approve it in PEX."),
    "missing_project": Help("No project is chosen.", "cardholder", "Choose a project tag in PEX."),
    "missing_cost_code": Help("No cost code is chosen.", "cardholder", "Choose a cost code tag in PEX."),
    "missing_cost_type": Help("No cost type is chosen.", "cardholder", "Choose a cost type tag in PEX."),
    "option_unknown": Help(
        "A chosen tag option matches nothing in Procore.", "cardholder", "Choose another option, or refresh the tags."
    ),
    "option_disabled_in_procore": Help(
        "The chosen tag option is switched off, because its record is gone in Procore.",
        "cardholder",
        "Choose another option.",
    ),
    "option_ambiguous": Help(
        "A chosen tag option matches more than one Procore record by name.",
        "admin",
        "Give the option the Procore id as its value, or rename one of the records.",
    ),
    "project_closed": Help("The project is not active in Procore.", "procore_admin", "Reopen it or choose another."),
    "project_not_permitted": Help(
        "The Procore service account cannot see the project.",
        "procore_admin",
        "Add the project to the app's permitted projects.",
    ),
    "direct_costs_tool_off": Help(
        "The project's Direct Costs tool is off or the service account may not use it.",
        "procore_admin",
        "Turn the tool on and give the service account access.",
    ),
    "cost_code_not_in_project": Help(
        "The cost code does not exist in the chosen project.", "cardholder", "Choose a cost code of that project."
    ),
    "cost_type_not_in_project": Help(
        "The cost type does not exist in the chosen project.", "cardholder", "Choose another cost type."
    ),
    "budget_code_inactive": Help(
        "The budget code of that cost code and cost type is inactive.", "procore_admin", "Activate it, or recode."
    ),
    "budget_code_ambiguous": Help(
        "The project has several budget codes for that cost code and cost type.",
        "admin",
        "Remove the extra segments, or recode the purchase.",
    ),
    "allocations_do_not_add_up": Help(
        "The split does not add up to the amount.", "cardholder", "Correct the split in PEX."
    ),
    "too_many_lines": Help(
        "The split has more than 1,000 lines in one project.", "cardholder", "Split the purchase into fewer lines."
    ),
    "foreign_currency": Help(
        "The Procore company does not keep its books in US dollars, in which PEX settles.",
        "admin",
        "Enter the purchase in Procore by hand, or connect a company that works in US dollars.",
    ),
    "zero_amount": Help("The amount is zero.", "nobody", "Nothing to do."),
    "not_a_purchase": Help("Fees, transfers and funding are not imported as purchases.", "nobody", "Nothing to do."),
    "before_start_date": Help(
        "The transaction is older than the start date.", "admin", "Choose an earlier start date."
    ),
    "not_listed_by_pex": Help("A callback named it, but PEX does not list it.", "nobody", "Nothing to do."),
    "too_old": Help("The transaction is older than a year.", "admin", "Enter it in Procore by hand."),
    "refused_by_procore": Help("Procore refused the expense.", "admin", "Read the message, correct it, and retry."),
    "outcome_unknown": Help(
        "It is not known yet whether Procore stored the expense.", "nobody", "We look again before anything is posted."
    ),
    "changed_after_sync": Help(
        "The purchase was changed after it was posted.", "admin", "Correct the expense in Procore, or post it again."
    ),
    "edited_in_procore": Help(
        "The purchase changed after it was posted, and so did somebody the expense in Procore.",
        "admin",
        "Correct the expense in Procore by hand; it is not overwritten.",
    ),
    "deleted_in_procore": Help("The expense was deleted in Procore.", "admin", "Post it again if that was a mistake."),
    "reference_found_twice": Help(
        "Procore holds more than one expense with our reference.", "admin", "Delete the surplus one, then retry."
    ),
    "found_with_other_amount": Help(
        "Procore holds our expense with another amount.", "admin", "Compare the two and correct one of them."
    ),
    "receipt_too_large": Help("A receipt is larger than the limit.", "cardholder", "Upload a smaller file."),
    "receipt_type_unsupported": Help(
        "A receipt is neither a picture nor a PDF.", "cardholder", "Upload a JPEG, PNG or PDF."
    ),
    "receipt_refused": Help("Procore refused a receipt.", "admin", "Attach it in Procore by hand."),
    "receipt_unreadable": Help("A receipt could not be read from PEX.", "cardholder", "Upload it again."),
    "vendor_missing": Help("No vendor is chosen.", "admin", "Choose the Procore vendor in the settings."),
    "vendor_inactive": Help(
        "The chosen vendor was removed or deactivated in Procore.", "admin", "Choose another vendor."
    ),
    "tags_disabled": Help("Tags are turned off for the PEX business.", "admin", "Turn tags on in PEX."),
    "tag_missing": Help(
        "A mapped PEX tag does not exist, is not a drop-down, or is disabled.",
        "admin",
        "Create the tag in PEX or map another one.",
    ),
    "tag_refused": Help("PEX did not take the tag's new options.", "admin", "Read the message; contact support."),
    "selected_project_gone": Help(
        "A selected project is closed or gone in Procore.", "admin", "Choose the projects again."
    ),
    "source_shrank": Help(
        "So much is gone from Procore's list that nothing was disabled.", "admin", "Check Procore, then confirm once."
    ),
    "pex_token_rejected": Help("PEX no longer accepts the token.", "admin", "Sign in again with a new PEX token."),
    "pex_token_expires_soon": Help(
        "The PEX token ends within 30 days, and PEX has not let us renew it yet.",
        "admin",
        "We try every day; signing in again with a new PEX token settles it.",
    ),
    "pex_launch_rejected": Help(
        "PEX did not accept the launch from its dashboard.",
        "admin",
        "Launch the connector from PEX's Apps page once more, or sign in with a PEX API token.",
    ),
    "pex_login_off": Help(
        "Signing in through PEX is not set up for this connector.", "admin", "Sign in with a PEX API token."
    ),
    "pex_login_over": Help(
        "This sign-in at PEX is over, or another browser began it.", "admin", "Begin to sign in once more."
    ),
    "pex_app_rejected": Help(
        "PEX does not accept the connector's own app id or secret.",
        "admin",
        "Sign in with a PEX API token, and tell whoever runs this connector.",
    ),
    "pex_permission_missing": Help(
        "The PEX administrator lacks a permission.", "admin", "Enable it under My Profile > Permissions in PEX."
    ),
    "procore_secret_rejected": Help(
        "Procore rejected the client id or secret.", "admin", "Enter the service account's credentials again."
    ),
    "procore_app_not_connected": Help(
        "The app is not installed in the Procore company.", "procore_admin", "Install the app in the company."
    ),
    "procore_permission_missing": Help(
        "The Procore service account lacks a permission.", "procore_admin", "Give it access to the named tool."
    ),
    "vendor_answer_unreadable": Help(
        "A vendor's answer could not be read.", "admin", "Try again; contact support if it stays."
    ),
    "busy": Help("A vendor asked us to slow down or was out of reach.", "nobody", "It is tried again by itself."),
    "paused": Help("The run stopped in good order at its time limit.", "nobody", "The next run continues."),
    "interrupted": Help("The run was cut off.", "nobody", "The next run continues."),
    "expenses_off": Help("Importing purchases is switched off.", "admin", "Switch it on in the settings."),
    "disconnected": Help("The connection is not active.", "admin", "Connect again to continue."),
    "internal_error": Help("Something failed on our side.", "nobody", "Contact support if it stays."),
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """Not now: somebody can change it, so every sweep asks again. `detail` names what (an option, a project …)."""

    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """Not as it stands: only asked again when the transaction changes."""

    reason: str
    detail: str = ""
