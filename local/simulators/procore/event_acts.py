"""What happens to webhooks on their way, and to hooks in Procore's web page."""

from __future__ import annotations

from typing import Any

from local.simulators.control import Refused
from local.simulators.procore.core import Core


class EventActs(Core):
    def act_drop_events(self, n: int = 1) -> dict[str, Any]:
        """The next n events are never sent."""
        return self._mood("drop", n, True)

    def act_duplicate_events(self, times: int = 2, n: int = 1) -> dict[str, Any]:
        """The next n events are each sent so many times."""
        return self._mood("duplicate", n, times)

    def act_reverse_events(self, n: int = 2) -> dict[str, Any]:
        """The next n events wait for the last of them and are then sent in the opposite order."""
        return self._mood("reverse", n, True)

    def _mood(self, name: str, n: int, value: Any) -> dict[str, Any]:
        with self.lock:
            self.world.event_mood[name] = {"left": n, "value": value}
        return {"for_the_next": n}

    def act_hurry_events(self) -> dict[str, Any]:
        """Held events are sent, and hooks that pause after failures try again now."""
        return {"released": self.dispatcher.release(), "hurried": self.dispatcher.hurry()}

    def act_forge_event(
        self,
        payload: dict[str, Any] | None = None,
        authorization: str | None = "Bearer not-the-secret",
        hook_id: str | None = None,
    ) -> dict[str, Any]:
        """Somebody else posts to the address of every hook (or that one), once; no authorization: no such header."""
        with self.lock:
            if hook_id is not None and hook_id not in self.world.hooks:
                raise Refused(f"There is no hook {hook_id}.")
            hooks = [hook for hook in self.world.hooks.values() if hook_id in (None, hook.id)]
            for hook in hooks:
                made_up = {
                    "id": "0" * 26,
                    "reason": "update",
                    "company_id": str(hook.company_id),
                    "project_id": None,
                    "resource_type": "Projects",
                    "resource_id": "1",
                }
                self.dispatcher.forge(hook, made_up if payload is None else payload, authorization)
        return {"forged": len(hooks)}

    def act_change_hook(self, hook_id: str, status: str | None = None, delete: bool = False) -> dict[str, Any]:
        """A person disables, enables or removes it."""
        if status not in (None, "active", "disabled"):
            raise Refused("A hook is active or disabled.")
        with self.lock:
            hook = self.world.hooks.get(hook_id)
            if hook is None:
                raise Refused(f"There is no hook {hook_id}.")
            hook.status = status or hook.status
            if delete:
                del self.world.hooks[hook_id]
            self.dispatcher.wake()
        return {"id": hook_id, "status": hook.status, "deleted": delete}
