"""Who may come in: tokens, the company header, permitted projects, tools and levels, quota."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from local.simulators.seed_procore import CLIENT_ID, CLIENT_SECRET, SECOND_CLIENT_ID, SECOND_COMPANY_ID
from tests.simulators.procore_site import Site, procore_site

GRANT = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}


@pytest.fixture
def site() -> Iterator[Site]:
    with procore_site() as site:
        yield site


def test_a_token_is_given_to_form_multipart_and_json_alike(site: Site) -> None:
    url = f"{site.sim.login_url}/oauth/token"
    sent = ({"data": GRANT}, {"files": {name: (None, value) for name, value in GRANT.items()}}, {"json": GRANT})
    for body in sent:
        answer = requests.post(url, timeout=3, **body).json()
        assert (answer["token_type"], answer["expires_in"]) == ("bearer", 5400)
        assert len(answer["access_token"]) > 1024
        assert "refresh_token" not in answer


def test_a_wrong_secret_is_refused_and_a_rotated_one_too(site: Site) -> None:
    url = f"{site.sim.login_url}/oauth/token"
    assert requests.post(url, data=GRANT | {"client_secret": "x"}, timeout=3).json()["error"] == "invalid_client"
    site.sim.act_rotate_secret(CLIENT_ID, "new")
    refused = requests.post(url, data=GRANT, timeout=3)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert requests.post(url, data=GRANT | {"grant_type": "password"}, timeout=3).json() == {
        "error": "unsupported_grant_type",
        "error_description": "The grant type is missing or not supported.",
    }


def test_every_way_a_token_can_be_dead_has_its_own_shape(site: Site) -> None:
    me = site.sim.api_url + "/rest/v1.0/me"
    assert requests.get(me, timeout=3).json() == {"error": "Invalid Token"}
    assert requests.get(me, headers={"Authorization": "Bearer nonsense"}, timeout=3).status_code == 401
    site.clock.advance(5400)
    expired = site.get("/rest/v1.0/me")
    assert (expired.status_code, type(expired.json()["errors"])) == (401, str)
    site.sign_in()
    assert site.get("/rest/v1.0/me").status_code == 200
    site.sim.act_revoke_tokens()
    assert site.get("/rest/v1.0/me").json() == {"errors": "The access token is invalid"}


def test_the_token_page_tells_the_time_left_and_a_revoked_token_is_dead(site: Site) -> None:
    login, token = site.sim.login_url, site.http.headers["Authorization"]
    site.clock.advance(400)
    info = requests.get(f"{login}/oauth/token/info", headers={"Authorization": str(token)}, timeout=3).json()
    assert (info["expires_in_seconds"], info["application"]) == (5000, {"uid": CLIENT_ID})
    gone = {"token": str(token).removeprefix("Bearer "), "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    assert requests.post(f"{login}/oauth/revoke", data=gone, timeout=3).status_code == 200
    assert requests.post(f"{login}/oauth/revoke", data=gone | {"token": "never"}, timeout=3).status_code == 200
    assert site.get("/rest/v1.0/me").status_code == 401


def test_the_two_hosts_do_not_answer_for_each_other(site: Site) -> None:
    assert site.call("POST", "/oauth/token", data=GRANT).status_code == 404
    headers = dict(site.http.headers)
    assert requests.get(f"{site.sim.login_url}/rest/v1.0/me", headers=headers, timeout=3).status_code == 404


def test_the_company_header_is_needed_but_for_companies_and_me(site: Site) -> None:
    del site.http.headers["Procore-Company-Id"]
    assert [row["id"] for row in site.get("/rest/v1.0/companies").json()] == list(site.world.companies)
    assert site.get("/rest/v1.0/me").status_code == 200
    missing = site.get("/rest/v1.1/projects", company_id=4267118)
    assert missing.status_code == 400
    assert missing.headers["Content-Type"].startswith("text/plain")
    assert missing.text.startswith("Missing Procore-Company-Id header!")
    assert site.get("/rest/v1.0/me", company_id=4267118).status_code == 400
    site.sim.switches.change(companies_need_company_header=True)
    assert site.get("/rest/v1.0/companies").status_code == 400


def test_a_company_without_the_app_is_not_connected(site: Site) -> None:
    not_connected = {"errors": ["App is not connected to this company."]}
    site.http.headers["Procore-Company-Id"] = "99"
    assert site.get("/rest/v1.0/companies").json() == not_connected
    site.sign_in()
    site.sim.act_install_app(CLIENT_ID, 4267118, installed=False)
    answer = site.get(site.costs_path)
    assert (answer.status_code, answer.json()) == (403, not_connected)
    site.sim.act_install_app(CLIENT_ID, 4267118)
    assert site.get(site.costs_path).status_code == 200


def test_a_client_sees_only_the_companies_it_is_installed_in(site: Site) -> None:
    site.sign_in(SECOND_CLIENT_ID, "other-procore-secret")
    assert site.get("/rest/v1.0/companies").status_code == 403
    site.http.headers["Procore-Company-Id"] = str(SECOND_COMPANY_ID)
    assert [row["id"] for row in site.get("/rest/v1.0/companies").json()] == [SECOND_COMPANY_ID]
    assert site.get(site.costs_path).status_code == 404


def test_the_company_in_path_or_query_must_be_the_one_in_the_header(site: Site) -> None:
    assert site.get("/rest/v1.1/projects", company_id=SECOND_COMPANY_ID).status_code == 403
    assert site.get(f"/rest/v1.3/companies/{SECOND_COMPANY_ID}/me").status_code == 403


def test_a_project_outside_the_permitted_ones_is_absent_from_lists_and_refused_by_path(site: Site) -> None:
    site.sim.act_permit_project(site.project.id, permitted=False)
    ids = site.get("/rest/v1.1/projects", company_id=4267118, view="ids").json()
    assert site.project.id not in ids
    assert site.get(site.costs_path).status_code == 403
    site.sim.switches.change(unpermitted_project_status=404)
    assert site.get(site.costs_path).status_code == 404


def test_a_disabled_tool_and_too_low_a_level_refuse_the_project_only(site: Site) -> None:
    other = list(site.world.projects)[1]
    site.sim.act_set_tool(site.project.id, active=False)
    assert site.get(site.costs_path).status_code == 403
    assert site.get(f"/rest/v1.1/projects/{other}/direct_costs").status_code == 200
    site.sim.act_set_tool(site.project.id, active=True)
    site.sim.act_set_level("read_only", project_id=site.project.id)
    assert site.get(site.costs_path).status_code == 200
    refused = site.post(site.expense())
    assert (refused.status_code, type(refused.json()["errors"])) == (403, str)
    assert site.sim.books()["direct_costs"] == []


def test_the_permission_page_and_the_tools_page_say_so_beforehand(site: Site) -> None:
    site.sim.act_set_level("read_only", project_id=site.project.id)
    tools = site.get("/rest/v1.0/settings/permissions", project_id=site.project.id).json()["tools"]
    costs = next(tool for tool in tools if tool["friendly_name"] == "Direct Costs")
    assert (costs["user_access_level"]["name"], costs["can_create"]) == ("Read Only", False)
    site.sim.act_set_tool(site.project.id, active=False)
    active = site.get(f"/rest/v1.0/projects/{site.project.id}/tools", **{"filters[is_active]": "true"}).json()
    assert "Direct Costs" not in [tool["title"] for tool in active]
    both = site.get("/rest/v1.0/settings/permissions", project_id=site.project.id, company_id=4267118)
    assert both.json()["error"]["code"] == 400


def test_vendors_need_the_directory_but_their_names_do_not(site: Site) -> None:
    site.sim.act_set_level("none", tool="directory")
    assert site.get("/rest/v1.0/vendors", company_id=4267118).status_code == 403
    path = f"/rest/v1.1/projects/{site.project.id}/vendors"
    assert site.get(path).status_code == 403
    assert set(site.get(path, view="minimal").json()[0]) == {"id", "name", "is_active", "logo"}


def test_quota_is_counted_for_refused_requests_too_and_told_on_every_answer(site: Site) -> None:
    site.sim.switches.change(spike_limit=3)
    site.sim.act_forget_quota()
    answers = [site.get("/rest/v1.0/nothing"), site.post({}), site.get("/rest/v1.0/me"), site.get("/rest/v1.0/me")]
    assert [answer.headers["X-Rate-Limit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert [answer.status_code for answer in answers] == [404, 400, 200, 429]
    assert answers[-1].json()["error"].startswith("You have surpassed the max number of requests")
    assert site.sim.books()["refused_429"] == 1
    site.clock.advance(10)
    assert site.get("/rest/v1.0/me").status_code == 200


def test_the_bucket_is_the_clients_unless_split_by_company(site: Site) -> None:
    for split, expected in ((False, 429), (True, 200)):
        site.sim.switches.change(spike_limit=1, limit_per_company=split)
        site.sim.act_forget_quota()
        site.http.headers["Procore-Company-Id"] = "4267118"
        assert site.get("/rest/v1.0/me").status_code == 200
        site.http.headers["Procore-Company-Id"] = str(SECOND_COMPANY_ID)
        assert site.get("/rest/v1.0/me").status_code == expected


def test_an_accept_header_without_json_is_not_acceptable(site: Site) -> None:
    assert site.call("GET", "/rest/v1.0/me", headers={"Accept": "text/html"}).status_code == 406
    assert site.call("GET", "/rest/v1.0/me", headers={"Accept": "*/*"}).status_code == 200
