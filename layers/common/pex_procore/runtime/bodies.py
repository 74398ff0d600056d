"""What the HTTP API takes. Our own inputs are read strictly; a field we do not know is ignored, never believed."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pex_procore.domain.settings import Day
from pex_procore.domain.tags import TAG_KINDS, TagKind


class _Body(BaseModel):
    model_config = ConfigDict(
        defer_build=True, strict=True, extra="ignore", str_strip_whitespace=True, hide_input_in_errors=True
    )


class SignIn(_Body):
    pex_token: str = Field(min_length=1, max_length=4096)


class Launch(_Body):
    """How PEX's dashboard opens us."""

    pex_jwt: str = Field(min_length=1, max_length=8192)


class PexToken(_Body):
    """What PEX's server posts once somebody signed in at its page; in its own spelling, of which it has several."""

    model_config = ConfigDict(alias_generator=str.title, populate_by_name=True)
    token: str = Field(min_length=1, max_length=4096)


class TagOrder(_Body):
    kinds: list[TagKind] = Field(default=list(TAG_KINDS), max_length=3)


class ProcoreLogin(_Body):
    client_id: str = Field(min_length=1, max_length=512)
    client_secret: str = Field(min_length=1, max_length=512)
    company_id: int | None = Field(default=None, gt=0)


class CompanyChoice(_Body):
    company_id: int = Field(gt=0)
    confirm: bool = False


class CallbackSecret(_Body):
    secret: str = Field(min_length=8, max_length=512)


class RunOrder(_Body):
    kind: Literal["transactions", "tags"] = "transactions"
    confirm: bool = False  # of a tag refresh: take a Procore list that shrank
    dry_run: bool = False  # of purchases: say what would become of them
    since: Day | None = Field(default=None, alias="from")  # of purchases: the first Eastern day that is read
