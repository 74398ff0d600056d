"""Questions about PEX's tokens, subscriptions, hosts and limits."""

from __future__ import annotations

from pex_procore.net.messages import Answer, Request
from pex_procore.net.session import NoAnswer, NotSent, Session
from pex_procore.pex import wire
from pex_procore.services.renew_tokens import RENEW_FROM
from tools.verify_sandbox.line import JSON, ok
from tools.verify_sandbox.pex_bench import PexBench
from tools.verify_sandbox.questions import NOTHING, CannotAsk, Found, Question

NOBODY = "pex-verify-no-such-token"
NOWHERE = "https://example.com/pex-verify"  # reserved for examples: nobody listens for callbacks there
HURRY = 250
WINDOWS = "`PEX_WINDOWS` in `net/limiter.py`"


def dead_token(bench: PexBench) -> Found:
    headers = {"Authorization": f"token {NOBODY}"}
    current = bench.line.ask("GET", "/v4/Token/Current", headers=headers)
    other = bench.line.ask("GET", "/v4/Business/Profile", headers=headers)
    known = wire.is_dead_token(wire.read_error(other)) or other.status == 401
    then = NOTHING if known else "its words into `DEAD_TOKEN` in `pex/wire.py`"
    return Found(
        f"{other.status}, and {current.status} where tokens are shown", bench.said(other),
        {"dead_token_status": other.status, "dead_token_current_status": current.status}, then,
    )  # fmt: skip


def subscriptions(bench: PexBench) -> Found:
    first, second = _subscribe(bench), _subscribe(bench)
    if not ok(first):
        raise CannotAsk(f"a subscription could not be made: {bench.said(first)}")
    then = NOTHING if ok(second) else f"{NOTHING}: those there are listed first"
    return Found(
        "accepted" if ok(second) else "refused", bench.said(second) if not ok(second) else "",
        {"duplicate_subscriptions": "accepted" if ok(second) else "refused"}, then,
    )  # fmt: skip


def _subscribe(bench: PexBench) -> Answer:
    body = {"CallbackType": 9, "Status": 2, "Url": NOWHERE, "Name": bench.mark, "Description": "inactive"}
    answer = bench.line.ask("POST", "/v4/Callback-Subscription", body=body)
    if ok(answer):
        bench.owe_subscription(int(answer.json()["Id"]))
    return answer


def oauth_host(bench: PexBench) -> Found:
    if not bench.place.oauth_url:
        raise CannotAsk("PEX_OAUTH_URL names no host to try")
    try:
        answer = Session(bench.place.oauth_url).send(Request("GET", "/.well-known/openid-configuration", "discovery"))
    except (NotSent, NoAnswer) as error:
        return Found("no answer", str(error), {}, "parameter `PexOauthUrl`: another host")
    return Found(f"answers {answer.status}", bench.place.oauth_url, {}, "parameter `PexOauthUrl` = this host")


def limits(bench: PexBench) -> Found:
    for calls in range(1, HURRY + 1):
        answer = bench.line.ask("GET", "/v4/Token/Current", hurry=True)
        if answer.status == 429:
            seen = f"{bench.said(answer)}; headers {', '.join(sorted(bench.line.limit_headers)) or 'of no kind'}"
            switches = {"overall_per_minute": calls - 1, "retry_after": "retry-after" in answer.headers}
            bench.sleep(61)
            then = NOTHING if calls > 100 else f"{WINDOWS}: {calls - 1}"
            return Found(f"refused after {calls - 1} calls", seen, switches, then)
    return Found(f"not met with {HURRY} calls", "", {}, f"{WINDOWS} may grow")


def limits_of_2018(bench: PexBench) -> Found:
    for calls in range(1, 13):
        answer = bench.line.ask("GET", "/v4/Details/AccountDetails", hurry=True)
        if answer.status == 429:
            seen = f"after {calls - 1} calls: {bench.said(answer)}"
            return Found("they do", seen, {"limits_of_2018": True}, f"{NOTHING}: cardholders are kept for a day")
    return Found("they do not", "", {"limits_of_2018": False})


def renewal(bench: PexBench) -> Found:
    """Asked last: the token may be another one afterwards."""
    now = bench.clock()
    ends_at = wire.read_identity(bench.line.send(wire.current_token())).expires_at
    last_month = ends_at is not None and ends_at - now < RENEW_FROM
    answer = bench.line.send(wire.renew_token())
    if not ok(answer):
        known = wire.NOT_RENEWABLE in wire.read_error(answer).casefold()
        then = NOTHING if known else "its words as `NOT_RENEWABLE` in `pex/wire.py`"
        when = "though it is in its last month" if last_month else "it is not in its last month"
        kind = "never" if last_month else "last_month"
        return Found(f"not renewed, {when}", bench.said(answer), {"renewal": kind}, then)
    new = wire.read_renewed(answer)
    bench.secrets.append(new)
    alive = ok(bench.line.send(wire.current_token()))
    if not alive:
        bench.token = new  # there is no other now
    bench.undo.owe_last("a second token of PEX", lambda: _end(bench, new))
    seen = "the old one lives on" if alive else "the old one is dead at once: make a new one in PEX"
    switches = {"renewed_token_dies": not alive, "renewal": "last_month" if last_month else "any_time"}
    return Found("renewed", seen, switches, f"{NOTHING}: the new one is kept before it is tried")


def _as(token: str) -> dict[str, str]:
    return {"Authorization": f"token {token}"}


def _end(bench: PexBench, token: str) -> str:
    answer = bench.line.ask("DELETE", "/v4/Token", headers=_as(token), content_type=JSON)
    return "" if ok(answer) or wire.is_dead_token(wire.read_error(answer)) else bench.said(answer)


QUESTIONS = [
    Question("dead_token", "How is a token refused that does not exist?", dead_token,
             switches=("dead_token_status", "dead_token_current_status")),
    Question("subscriptions", "Is a second subscription of the same address accepted?", subscriptions,
             "two inactive callback subscriptions to https://example.com, deleted again", ("duplicate_subscriptions",)),
    Question("oauth_host", "Which host is the sandbox's login?", oauth_host),
    Question("limits", "How many calls a minute, and how is one more refused?", limits,
             switches=("overall_per_minute", "retry_after"), needs="provoke-limits"),
    Question("limits_of_2018", "Do the old limits of single endpoints hold?", limits_of_2018,
             switches=("limits_of_2018",), needs="provoke-limits"),
    Question("renewal", "Is the token renewed, and does the old one live on?", renewal,
             "a second token, deleted again; yours may die", ("renewal", "renewed_token_dies"), needs="renew-token"),
]  # fmt: skip
