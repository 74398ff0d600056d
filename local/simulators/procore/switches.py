"""Everything Procore's documentation leaves open, with the side this simulator takes until told otherwise."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from local.simulators.switchboard import Switches

TABLE: dict[str, tuple[Any, str]] = {
    # what we may send
    "strict": (True, "fields, filters and query names outside the published schema are refused; off: ignored silently"),
    "unknown_field_status": (400, "status for an unknown or mistyped field in a JSON body"),
    "content_type_status": (406, "status for a body without a content type, or with one the endpoint cannot read"),
    "missing_type_status": (422, "status for a create without direct_cost_type"),
    "too_many_lines_status": (422, "status for more than 100 nested lines"),
    "multipart_lines": ("ignore", "bracketed line_items in a form: 'ignore' them silently or 'refuse' them"),
    "refuse_null": (True, "an explicit null in a request body is a wrong type"),
    # permissions and identity
    "unpermitted_project_status": (403, "status for the path of a project outside the app's permitted projects"),
    "disabled_tool_status": (403, "status for the Direct Costs paths of a project where the tool is off"),
    "companies_need_company_header": (False, "GET /companies and GET /me without the company header are refused"),
    "other_company_status": (403, "status when company_id in path or query is not the one in the header"),
    "missing_header_status": (400, "status of the plain-text answer to a missing company header"),
    "engine_name": ("direct_costs", "engine_name of the Direct Costs tool"),
    # lists
    "page_cap": (100, "most rows a v1.0 list gives; a larger per_page is lowered silently"),
    "projects_page_cap": (300, "most rows GET /rest/v1.1/projects gives"),
    "default_page_size": (25, "rows of a list whose default is not documented, when per_page is not sent"),
    "link_drops_params": (True, "the Link header keeps only page and per_page: following it blindly loses the filters"),
    "range_end_inclusive": (False, "filters[created_at]=A...B includes a record of exactly B"),
    "date_end_covers_day": (False, "a bare date ending a date-time range means the end of that day; off: its start"),
    "quoted_ranges_only": (False, "a range must stand in double quotes"),
    "list_lag_seconds": (0.0, "lists and look-ups do not see direct costs younger than this (read replica)"),
    "list_deleted_cost_codes": (True, "removed cost codes stay in the list with deleted_at set"),
    "segment_items_share_ids": (True, "segment item ids are cost code and line item type ids; off: another id space"),
    # direct costs
    "refuse_duplicate_origin_id": (True, "an origin_id another direct cost (or line) of the company has is refused"),
    "origin_id_free_after_delete": (False, "deleting a direct cost frees its origin_id"),
    "list_deleted_direct_costs": (False, "deleted direct costs stay in lists and look-ups, with deleted_at set"),
    "honour_idempotency_token": (False, "a create with a known Idempotency-Token answers the first one's record"),
    "origin_id_locks_record": (False, "a direct cost with an origin_id cannot be changed through the API either"),
    "approved_locks_record": (False, "an approved direct cost cannot be changed through the API"),
    "lines_left_out_go": (False, "an update with line_items removes the lines it does not name; off: they stay"),
    "erp_project_refuses_origin_id": (True, "in an ERP-integrated project only the ERP connector may set origin_id"),
    "keep_invoice_number_on_expense": (False, "types other than invoice keep invoice_number; off: dropped silently"),
    "subcontractor_invoices": (False, "the type subcontractor_invoice is switched on for this company"),
    "vendor_must_be_on_project": (True, "a direct cost's vendor must be in the project directory"),
    "default_status": ("draft", "status of a direct cost created without one"),
    "allow_negative_amounts": (True, "lines below zero (refunds) are accepted"),
    "refuse_fractional_cents": (False, "more than two decimals are refused; off: rounded half up to cents"),
    "description_max": (10000, "longest description"),
    "origin_id_max": (255, "longest origin_id"),
    "lines_create_wbs_codes": (True, "a v1.0 line with cost code and type makes the missing WBS code; off: refused"),
    "shuffle_sync_entities": (True, "entities of a sync answer come in another order than the updates"),
    "sync_errors_name_rows": (True, "error rows of a sync answer repeat what was sent; off: only what was wrong"),
    "sync_dies_after": (0, "rows that a sync commits before it ends with 500; 0: it does not"),
    "attachments_replace": (False, "an update with attachments[] replaces the earlier ones; off: appends"),
    "attachment_max_bytes": (50_000_000, "largest attachment"),
    "attachment_types": ("", "content types an attachment may have, with commas between; empty: any"),
    "update_seconds": (0.05, "how long a change keeps its direct cost busy; another change meanwhile gets 409"),
    # webhooks
    "payload_versions": (["v2.0", "v4.0"], "payload versions that webhook resources and hooks exist in"),
    "company_hooks_hear_projects": (False, "a company hook fires for what happens in its projects (Cost Codes) too"),
    "company_lists_project_resources": (False, "a company's webhook resources name Cost Codes even if they never fire"),
    "actions_as_objects": (False, "actions of a webhook resource are {name: create}; off: plain words"),
    "allow_http_destinations": (True, "a hook's destination may be http, for receivers on this machine"),
    "v2_page_cap": (100, "most rows a list of v2 gives; ten when per_page is not sent"),
    "v2_page_headers": (False, "lists of v2 carry Link, Total and Per-Page like those of v1"),
    "delivery_timeout": (5.0, "seconds a receiver of an event has"),
    "delivery_first_pause": (1.0, "seconds a hook's deliveries pause after a failure; each further one doubles them"),
    "delivery_longest_pause": (3600.0, "most seconds of such a pause"),
    "delivery_give_up": (43200.0, "seconds of failures only after which a hook's waiting events are discarded"),
    # limits
    "hourly_limit": (600, "requests in 3600 seconds"),
    "spike_limit": (25, "requests in 10 seconds"),
    "limit_per_company": (False, "a client has its own windows in each company; off: one bucket for the client"),
    "count_refused": (False, "a 429 uses quota too"),
    "retry_after": (False, "a 429 carries Retry-After"),
}  # fmt: skip


class ProcoreSwitches(Switches):
    def __init__(self, **values: Any) -> None:
        super().__init__(TABLE, **values)

    def change(self, **values: Any) -> None:
        """Fractions that came as JSON are Decimal; clocks and sockets want float."""
        plain = {name: float(value) if isinstance(value, Decimal) else value for name, value in values.items()}
        super().change(**plain)
