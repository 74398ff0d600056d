"""All questions, and which of the simulators' switches none of them can set."""

from __future__ import annotations

from tools.verify_sandbox import (
    pex_account,
    pex_callbacks,
    pex_questions,
    procore_costs,
    procore_files,
    procore_gate,
    procore_lists,
)
from tools.verify_sandbox.questions import Question

PROCORE: list[Question] = [
    *procore_costs.QUESTIONS, *procore_files.QUESTIONS, *procore_lists.QUESTIONS, *procore_gate.QUESTIONS,
]  # fmt: skip
PEX: list[Question] = [*pex_questions.QUESTIONS, *pex_callbacks.QUESTIONS, *pex_account.QUESTIONS]  # renewal comes last

_RECEIVER = "needs somebody who listens; the connector repeats, drops and outlives whatever comes"
_TOO_MUCH = "asking would write a thousand records"
UNASKED = {
    "pex": {
        "link_seconds": "links are followed at once",
        "allow_http_callbacks": "for receivers on this machine; the connector's are https",
        "callback_delays": _RECEIVER,
        "callback_timeout": _RECEIVER,
    },
    "procore": {
        "subcontractor_invoices": "the connector makes expenses only",
        "sync_dies_after": "how a simulator breaks",
        "update_seconds": "a race; a business has one writer",
        "company_hooks_hear_projects": _RECEIVER,
        "allow_http_destinations": "for receivers on this machine; the connector's are https",
        "v2_page_cap": _TOO_MUCH,
        "delivery_timeout": _RECEIVER,
        "delivery_first_pause": _RECEIVER,
        "delivery_longest_pause": _RECEIVER,
        "delivery_give_up": _RECEIVER,
    },
}
