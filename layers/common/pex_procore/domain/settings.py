"""The admin's choices. Names are those of the HTTP API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from pex_procore.domain.tags import TagKind
from pex_procore.domain.transactions import PostDate

ExpenseStatus = Literal["draft", "pending", "approved"]
ReferenceChoice = Literal["auto", "origin_id", "description"]


def _read_day(raw: object) -> object:
    if not isinstance(raw, str):
        return raw
    try:
        return date.fromisoformat(raw)
    except ValueError:
        raise ValueError("a day is written as YYYY-MM-DD") from None  # the other sentence would repeat what was sent


Day = Annotated[date, BeforeValidator(_read_day)]  # YYYY-MM-DD


class _Choices(BaseModel):
    """Unknown names are ignored: a write can never reach anything that is not a setting."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="ignore", strict=True)


class TagChoices(_Choices):
    """PEX tag ids; None means: the tag with the usual name."""

    project: str | None = None
    cost_code: str | None = None
    cost_type: str | None = None


class Defaults(_Choices):
    """Option values used where a transaction lacks a tag."""

    project: str | None = None
    cost_code: str | None = None
    cost_type: str | None = None


class Settings(_Choices):
    sync_projects: bool = True
    sync_cost_codes: bool = True
    sync_cost_types: bool = True
    sync_expenses: bool = True
    attach_receipts: bool = True
    receipt_limit_mb: int = Field(default=20, ge=1, le=40)
    transactions: Literal["all", "approved"] = "all"
    vendor_id: int | None = Field(default=None, gt=0)
    project_ids: tuple[int, ...] = Field(default=(), strict=False, max_length=10_000)
    include_inactive_projects: bool = False
    include_demo_projects: bool = False
    include_template_projects: bool = False
    rename_options: bool = True
    tags: TagChoices = Field(default_factory=TagChoices)
    start_date: Day | None = None
    expense_status: ExpenseStatus = "draft"
    post_date: PostDate = "settlement"
    reference: ReferenceChoice = "auto"
    defaults: Defaults = Field(default_factory=Defaults)
    automatic_sync: bool = True
    write_notes: bool = True
    update_expenses: bool = True

    def follows(self, kind: TagKind) -> bool:
        """Whether this tag is kept as Procore has it; with project sync off, it holds the projects that were chosen."""
        if kind == "project":
            return self.sync_projects or bool(self.project_ids)
        return self.sync_cost_codes if kind == "cost_code" else self.sync_cost_types


class Problem(BaseModel):
    """What is wrong with one field, as a code for programs and a sentence for people."""

    model_config = ConfigDict(defer_build=True, frozen=True)
    field: str
    code: str
    message: str


def change_settings(current: Settings, patch: Mapping[str, Any]) -> Settings | list[Problem]:
    """`current` with the named fields replaced; `tags` and `defaults` merge field by field."""
    merged = current.model_dump()
    for name in Settings.model_fields.keys() & patch.keys():
        if isinstance(merged[name], dict) and isinstance(patch[name], Mapping):
            merged[name] = merged[name] | dict(patch[name])
        else:
            merged[name] = patch[name]
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        return [
            Problem(field=".".join(str(part) for part in one["loc"]), code=one["type"], message=one["msg"])
            for one in error.errors()
        ]
