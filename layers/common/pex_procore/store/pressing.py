"""Ledger rows as small as they go: compressed against what every row says anyway.

`WORDS` must never change, for stored rows open with nothing else. Another list would be a second one, tried in turn.
"""

from __future__ import annotations

import zlib

WORDS = (
    b'"reason":"not_approved","reason":"missing_cost_type","reason":"missing_cost_code","reason":"missing_project",'
    b'"reason":"option_unknown","reason":"changed_after_sync","reason":"refused_by_procore","state":"exception",'
    b'"state":"refused","state":"ignored","state":"unknown","kind":"dispute","kind":"other","state":"waiting",'
    b'"scheme":"description","foreign_currency":"EUR","declined":true,"pending":true,"posted again, says an '
    b'administrator","retried by an administrator","cause":"adopted ","cause":"not found, first look","to":"unknown",'
    b'"to":"waiting","to":"refused","to":"exception","cause":"eligible","cause":"missing_project","cause":"listed by 20'
    b'{"transaction_id":4190,"account_id":66,"state":"complete","reason":null,"detail":"","transaction":'
    b'{"transaction_id":4190,"account_id":66,"kind":"purchase","amount":"120.50","transacted_at":"2026-05-04T16:00:00Z",'
    b'"settled_at":"2026-05-04T16:00:00Z","pending":false,"declined":false,"approved":true,"merchant":"",'
    b'"place":"Denver, CO","description":"","notes":[],"system_notes":["Procore expense posted"],"allocations":'
    b'[{"amount":"120.50","tags":{"000000000000000000000000":"01-500"}}],"foreign_currency":null},"listed":null,'
    b'"tried":"","revision":1,"postings":[{"project_id":2310,"scheme":"origin_id","reference":"pex:98702:4190:2310",'
    b'"body_hash":"0123456789abcdef","amount":"120.50","coding":"0123456789abcdef","lines":1,"attempt":1,"sent_at":'
    b'"2026-05-04T16:00:00Z","state":"posted","first_look_at":null,"direct_cost_id":7160,"taken":false,'
    b'"stepwise":false}],"former":[],"receipts":[{"receipt_id":"","state":"attached","sha256":"0123456789abcdef",'
    b'"content_type":"image/jpeg","filename":"receipt-1.jpg","key":"B/98702/","sent_at":"2026-05-04T16:00:00Z",'
    b'"reason":null}],"receipts_done":true,"receipts_checked_at":"2026-05-04T16:00:00.000000Z","noted":true,'
    b'"note_sent":true,"announced_at":"2026-05-04T16:00:00.000000Z","updated_at":"2026-05-04T16:00:00.000000Z",'
    b'"timeline":[{"at":"2026-05-04T16:00:00.000000Z","to":"announced","cause":"callback","run_id":null},'
    b'{"at":"2026-05-04T16:00:00.000000Z","to":"posting","cause":"intent","run_id":"20260504T160000000000-'
    b'"},{"at":"2026-05-04T16:00:00.000000Z","to":"posted","cause":"posted 7160","run_id":"20260504T160000000000-'
    b'"},{"at":"2026-05-04T16:00:00.000000Z","to":"complete","cause":"","run_id":"20260504T160000000000-"}],"version":1}'
)


def press(text: str) -> bytes:
    packer = zlib.compressobj(level=9, zdict=WORDS)
    return packer.compress(text.encode()) + packer.flush()


def unpress(pressed: bytes | str) -> bytes | str:
    """Opens what earlier versions stored too: plain text, and what was compressed without the words."""
    if isinstance(pressed, str):
        return pressed
    opener = zlib.decompressobj(zdict=WORDS)
    return opener.decompress(pressed) + opener.flush()
