"""What people and time do in Procore, for the control port and for tests. Each act_ method answers a small JSON
object."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from local.simulators.control import Refused
from local.simulators.procore.core import Core
from local.simulators.procore.world import LEVELS, PROJECT_TOOLS, CostCode, LineItemType, Project, Vendor, WbsCode
from local.simulators.web import AdjustableClock


class Acts(Core):
    def _project(self, project_id: int) -> Project:
        project = self.world.projects.get(project_id)
        if project is None:
            raise Refused(f"There is no project {project_id}.")
        return project

    def _cost_code(self, project_id: int, full_code: str) -> CostCode:
        for code in self.world.cost_codes_of(self._project(project_id).id):
            if code.full_code == full_code and code.deleted_at is None:
                return code
        raise Refused(f"Project {project_id} has no cost code {full_code}.")

    def act_rotate_secret(self, client_id: str, secret: str, revoke_tokens: bool = False) -> dict[str, Any]:
        with self.lock:
            client = self.world.clients.get(client_id)
            if client is None:
                raise Refused(f"There is no client {client_id}.")
            client.secret = secret
        return self.act_revoke_tokens(client_id) if revoke_tokens else {"client_id": client_id}

    def act_revoke_tokens(self, client_id: str | None = None) -> dict[str, Any]:
        """401 with the text about an invalid token from now on."""
        return self._end_tokens(client_id, revoke=True)

    def act_expire_tokens(self, client_id: str | None = None) -> dict[str, Any]:
        """401 with the text about an expired token from now on."""
        return self._end_tokens(client_id, revoke=False)

    def _end_tokens(self, client_id: str | None, *, revoke: bool) -> dict[str, Any]:
        with self.lock:
            ended = [token for token in self.world.tokens.values() if client_id in (None, token.client_id)]
            for token in ended:
                token.revoked = revoke
                token.expires_at = min(token.expires_at, self.now())
        return {"tokens": len(ended)}

    def act_install_app(self, client_id: str, company_id: int, installed: bool = True) -> dict[str, Any]:
        with self.lock:
            client, company = self.world.clients.get(client_id), self.world.companies.get(company_id)
            if client is None or company is None:
                raise Refused("Give a client and a company that exist.")
            others = [id for id in client.company_ids if id != company_id]
            client.company_ids = [*others, company_id] if installed else others
            return {"company_ids": client.company_ids}

    def act_permit_project(self, project_id: int, permitted: bool = True) -> dict[str, Any]:
        """No hook hears of it, and `updated_at` stays what it was."""
        with self.lock:
            self._project(project_id).permitted = permitted
        return {"project_id": project_id, "permitted": permitted}

    def act_set_tool(self, project_id: int, tool: str = "direct_costs", active: bool = True) -> dict[str, Any]:
        if tool not in PROJECT_TOOLS:
            raise Refused(f"There is no tool {tool}; known: {', '.join(PROJECT_TOOLS)}.")
        with self.lock:
            off = self._project(project_id).tools_off
            off.discard(tool) if active else off.add(tool)
        return {"project_id": project_id, "tools_off": sorted(off)}

    def act_set_level(self, level: str, tool: str = "direct_costs", project_id: int | None = None) -> dict[str, Any]:
        """For one project, or for all of them when no project is given; tools `directory` and `webhooks` without a
        project: the companies'."""
        if level not in LEVELS:
            raise Refused(f"There is no level {level}; known: {', '.join(LEVELS)}.")
        with self.lock:
            projects = [self._project(project_id)] if project_id is not None else list(self.world.projects.values())
            for project in projects:
                project.levels[tool] = level
            if project_id is None and tool in ("directory", "webhooks"):
                for company in self.world.companies.values():
                    company.levels[tool] = level
        return {"projects": len(projects)}

    def act_change_project(
        self, project_id: int, name: str | None = None, number: str | None = None, active: bool | None = None
    ) -> dict[str, Any]:
        with self.lock:
            project = self._project(project_id)
            project.name = name if name is not None else project.name
            project.number = number if number is not None else project.number
            project.active = active if active is not None else project.active
            project.updated_at = self.now()
            self.announce(project.company_id, "Projects", "update", project.id)
        return {"project_id": project_id, "name": project.display_name, "active": project.active}

    def act_add_project(
        self, name: str, number: str | None = None, like: int | None = None, template: bool = False
    ) -> dict[str, Any]:
        """A new permitted project with the cost codes and budget codes of `like` (the first project when not given)."""
        with self.lock:
            model = self._project(like) if like is not None else next(iter(self.world.projects.values()))
            now, id = self.now(), self.world.next_id("project")
            place = (model.address, model.city, model.state_code, model.zip, "Course of Construction")
            project = Project(id, model.company_id, number, name, now, now, *place, now.date(), model.total_value)
            project.template = template
            self.world.projects[id] = project
            self.announce(project.company_id, "Projects", "create", project.id)
            self._copy_codes(model, project, now)
            for vendor in self.world.vendors.values():
                if model.id in vendor.project_ids:
                    vendor.project_ids.append(id)
        return {"project_id": id}

    def _copy_codes(self, model: Project, project: Project, now: datetime) -> None:
        new_ids: dict[int, int] = {}
        for old in self.world.cost_codes_of(model.id):
            if old.deleted_at is None:
                new_ids[old.id] = self.world.next_id("cost_code")
                parent_id = new_ids.get(old.parent_id) if old.parent_id is not None else None
                self.world.cost_codes[new_ids[old.id]] = CostCode(
                    new_ids[old.id], project.id, old.code, old.full_code, old.name, parent_id, old.position, now, now
                )
                self._announce_code(self.world.cost_codes[new_ids[old.id]], "create")
        for code in self.world.wbs_codes_of(model.id):
            if code.cost_code_id in new_ids:
                id = self.world.next_id("wbs_code")
                self.world.wbs_codes[id] = WbsCode(
                    id, project.id, new_ids[code.cost_code_id], code.line_item_type_id, now, now, code.status
                )

    def _announce_code(self, code: CostCode, event_type: str) -> None:
        project = self.world.projects[code.project_id]
        self.announce(project.company_id, "Cost Codes", event_type, code.id, project.id)

    def act_add_cost_code(self, project_id: int, full_code: str, name: str) -> dict[str, Any]:
        """`02-310` under division `02`, which is made when the project lacks it."""
        with self.lock:
            project, now = self._project(project_id), self.now()
            existing = {
                code.full_code: code for code in self.world.cost_codes_of(project.id) if code.deleted_at is None
            }
            if full_code in existing:
                raise Refused(f"Project {project_id} already has cost code {full_code}.")
            division, _, rest = full_code.partition("-")
            parent_id: int | None = None
            if rest:
                parent = existing.get(division)
                parent_id = (
                    parent.id if parent else self.act_add_cost_code(project_id, division, f"Division {division}")["id"]
                )
            id = self.world.next_id("cost_code")
            self.world.cost_codes[id] = CostCode(
                id, project.id, rest or division, full_code, name, parent_id, len(existing), now, now
            )
            self._announce_code(self.world.cost_codes[id], "create")
        return {"id": id}

    def act_rename_cost_code(self, project_id: int, full_code: str, name: str) -> dict[str, Any]:
        with self.lock:
            code = self._cost_code(project_id, full_code)
            code.name, code.updated_at = name, self.now()
            self._announce_code(code, "update")
        return {"id": code.id}

    def act_remove_cost_code(self, project_id: int, full_code: str) -> dict[str, Any]:
        """Its budget codes vanish from their list, except those that lines hang on, which become inactive."""
        with self.lock:
            code = self._cost_code(project_id, full_code)
            code.deleted_at = code.updated_at = self.now()
            self._announce_code(code, "delete")
            used = {line.wbs_code_id for cost in self.world.direct_costs.values() for line in cost.lines}
            for wbs_code in self.world.wbs_codes_of(project_id):
                if wbs_code.cost_code_id == code.id:
                    if wbs_code.id in used:
                        wbs_code.status, wbs_code.updated_at = "inactive", self.now()
                    else:
                        del self.world.wbs_codes[wbs_code.id]
        return {"id": code.id}

    def act_set_wbs_code(self, wbs_code_id: int, status: str) -> dict[str, Any]:
        """No hook hears of it: there is no webhook resource for budget codes."""
        if status not in ("active", "inactive"):
            raise Refused("A budget code is active or inactive.")
        with self.lock:
            code = self.world.wbs_codes.get(wbs_code_id)
            if code is None:
                raise Refused(f"There is no budget code {wbs_code_id}.")
            code.status, code.updated_at = status, self.now()
        return {"id": code.id, "status": status}

    def act_add_cost_type(self, company_id: int, code: str, name: str, base_type: str = "other") -> dict[str, Any]:
        with self.lock:
            if company_id not in self.world.companies:
                raise Refused(f"There is no company {company_id}.")
            id = self.world.next_id("line_item_type")
            self.world.line_item_types[id] = LineItemType(id, company_id, code, name, base_type, self.now())
            self.announce(company_id, "Line Item Types", "create", id)
        return {"id": id}

    def _cost_type(self, company_id: int, code: str) -> LineItemType:
        for kind in self.world.types_of(company_id):
            if kind.code == code:
                return kind
        raise Refused(f"Company {company_id} has no cost type {code}.")

    def act_rename_cost_type(self, company_id: int, code: str, name: str) -> dict[str, Any]:
        with self.lock:
            kind = self._cost_type(company_id, code)
            kind.name = name
            self.announce(company_id, "Line Item Types", "update", kind.id)
        return {"id": kind.id}

    def act_remove_cost_type(self, company_id: int, code: str) -> dict[str, Any]:
        """Its budget codes go with it; one that lines hang on cannot be removed."""
        with self.lock:
            kind = self._cost_type(company_id, code)
            used = {line.wbs_code_id for cost in self.world.direct_costs.values() for line in cost.lines}
            gone = [one for one in self.world.wbs_codes.values() if one.line_item_type_id == kind.id]
            if used & {one.id for one in gone}:
                raise Refused(f"Cost type {code} is in use.")
            for wbs_code in gone:
                del self.world.wbs_codes[wbs_code.id]
            del self.world.line_item_types[kind.id]
            self.announce(company_id, "Line Item Types", "delete", kind.id)
        return {"id": kind.id}

    def act_add_vendor(self, company_id: int, name: str, on_all_projects: bool = True) -> dict[str, Any]:
        with self.lock:
            if company_id not in self.world.companies:
                raise Refused(f"There is no company {company_id}.")
            now, id = self.now(), self.world.next_id("vendor")
            vendor = Vendor(id, company_id, name, now, now)
            vendor.project_ids = (
                [project.id for project in self.world.projects_of(company_id)] if on_all_projects else []
            )
            self.world.vendors[id] = vendor
            self.announce(company_id, "Company Vendors", "create", id)
        return {"id": id}

    def act_set_vendor_active(self, vendor_id: int, active: bool) -> dict[str, Any]:
        with self.lock:
            vendor = self.world.vendors.get(vendor_id)
            if vendor is None:
                raise Refused(f"There is no vendor {vendor_id}.")
            vendor.is_active, vendor.updated_at = active, self.now()
            self.announce(vendor.company_id, "Company Vendors", "update", vendor.id)
        return {"id": vendor_id, "active": active}

    def act_change_direct_cost(
        self,
        direct_cost_id: int,
        status: str | None = None,
        description: str | None = None,
        delete: bool = False,
        amount: str | None = None,
    ) -> dict[str, Any]:
        """A person edits or deletes the record in the web page. `amount`: of its first line."""
        with self.lock:
            cost = self.world.direct_costs.get(direct_cost_id)
            if cost is None or cost.deleted_at is not None:
                raise Refused(f"There is no direct cost {direct_cost_id}.")
            cost.status = status if status is not None else cost.status
            cost.description = description if description is not None else cost.description
            if amount is not None:
                cost.lines[0].amount = Decimal(amount)
            cost.updated_at = self.now()
            cost.deleted_at = self.now() if delete else None
        return {"id": direct_cost_id, "deleted": delete}

    def act_forget_quota(self) -> dict[str, Any]:
        """Both windows start empty again."""
        self.limiter.forget()
        return {}

    def act_advance_clock(self, seconds: float) -> dict[str, Any]:
        if not isinstance(self.clock, AdjustableClock):
            raise Refused("This simulator runs on the machine's clock.")
        self.clock.advance(float(seconds))
        return {"now": self.now().isoformat()}
