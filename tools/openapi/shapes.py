"""Answers that the functions put together from plain values, and problems. A test holds them against real answers."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from pex_procore.runtime.bodies import Launch, SignIn
from pex_procore.runtime.connection_view import ConnectionShown
from pex_procore.services.connect import LeftBehind


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """RFC 9457, with a code for programs, the field it is about, and what to do. Some carry more, such as `run_id`."""

    type: Literal["about:blank"]
    title: str
    status: int
    code: str
    detail: str
    field: str | None
    what_to_do: str


class FieldProblem(Shape):
    field: str
    code: str
    message: str


class SettingsProblem(Problem):
    problems: list[FieldProblem] = Field(default_factory=list)


class RunProblem(Problem):
    """`run_id`: of the run that is at work."""

    run_id: str | None = None


class CallbackProblem(Shape):
    type: Literal["about:blank"]
    title: str
    status: int
    code: str


class Nothing(Shape):
    pass


class Ok(Shape):
    status: Literal["ok"]


class Proof(RootModel[SignIn | Launch]):
    pass


class SignedIn(Shape):
    business_id: int
    business_name: str


class Options(Shape):
    pex_token: bool
    pex_login: bool


class LoginBegun(Shape):
    id: str
    authorize_url: str


class LoginWaiting(Shape):
    status: Literal["waiting"]


class CompanyChosen(Shape):
    company_id: int
    company_name: str


class CompanyListed(Shape):
    id: int
    name: str


class Companies(Shape):
    companies: list[CompanyListed]


class SecretStored(Shape):
    has_callback_secret: Literal[True]


class Disconnected(ConnectionShown):
    left_behind: list[LeftBehind]


class ProjectListed(Shape):
    id: int
    number: str
    name: str
    active: bool
    demo: bool
    template: bool


class Projects(Shape):
    items: list[ProjectListed]


class CostTypeListed(Shape):
    id: int
    code: str
    name: str


class CostTypes(Shape):
    items: list[CostTypeListed]


class VendorListed(Shape):
    id: int
    name: str
    active: bool


class Vendors(Shape):
    items: list[VendorListed]


class TagListed(Shape):
    id: str
    name: str
    type: str
    usable: bool
    options: int


class TagsListed(Shape):
    items: list[TagListed]


class TagCreated(Shape):
    id: str
    name: str


class TagsCreated(Shape):
    created: list[TagCreated]
