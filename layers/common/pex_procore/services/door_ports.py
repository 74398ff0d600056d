"""What signing in and looking at both sides need from outside, beside `ports`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pex_procore.domain.checks import Checks, ToolAccess


@dataclass(frozen=True, slots=True)
class Session:
    """`renewed`: this look made it live longer, so the browser's cookie must too."""

    business_id: int
    username: str
    renewed: bool = False


class Sessions(Protocol):
    def create(self, business_id: int, username: str, seconds: int) -> str:
        """The opaque session token; only its hash is kept."""
        ...

    def find(self, token: str) -> Session | None:
        """A session that is used lives on."""
        ...

    def delete(self, token: str) -> None: ...


class CheckStore(Protocol):
    """The last look at both sides of one business."""

    def load(self) -> Checks: ...
    def save(self, checks: Checks) -> None: ...


class Access(Protocol):
    """What a Procore service account may do in its company. Raises as `Procore` does."""

    def may_list_vendors(self) -> bool: ...
    def may_list_direct_costs(self, project_id: int) -> bool: ...
    def may_list_budget_codes(self, project_id: int) -> bool: ...
    def tool_access(self, project_id: int) -> list[ToolAccess] | None:
        """None where Procore does not show it."""
        ...


class PexApp(Protocol):
    """Our standing as a partner's app at PEX."""

    def exchange(self, jwt: str) -> str:
        """A token for whom PEX's dashboard launched us. Raises NeedsAttention("pex_launch_rejected")."""
        ...

    def begin_login(self, server_url: str, browser_url: str) -> str:
        """Where to send the browser. PEX then posts a token to `server_url` and sends the browser to `browser_url`."""
        ...


@dataclass(frozen=True, slots=True)
class Login:
    """A sign-in at PEX that is under way. Only hashes are kept of what its browser must show."""

    browser_hash: str
    closing_hash: str
    closed: bool  # that browser came back from PEX
    token: str | None  # PEX's, once it came
    ends_at: datetime


class Logins(Protocol):
    def begin(self, login_id: str, login: Login) -> None: ...
    def find(self, login_id: str) -> Login | None:
        """None also when it is over."""
        ...

    def bring_token(self, login_id: str, token: str) -> bool:
        """The first one counts. False: there is no such login."""
        ...

    def close(self, login_id: str) -> None:
        """Its browser came back."""
        ...

    def end(self, login_id: str) -> None: ...
