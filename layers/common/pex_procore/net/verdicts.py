"""From status to next action: one table for what may be repeated, another for writes.

Why a bare 503 to a write is not simply "later": docs/behaviour.md#busy. Only with Retry-After is it known to be load
shedding, done before the request was handled; without, a gateway may have said it after the application had begun.
"""

from __future__ import annotations

from enum import Enum

from pex_procore.net.messages import Answer


class Next(Enum):
    USE = "use the answer"
    LOG_IN = "renew the login, once"
    FORBIDDEN = "a person must give permission"
    ABSENT = "there is no such thing, or not for us"
    REFUSED = "final for this payload"
    WAIT = "nothing was done: the same again, later"
    LOOK = "perhaps done: look before the next move"
    BROKEN = "not an answer of this API"


READS = {
    401: Next.LOG_IN,
    402: Next.FORBIDDEN,
    403: Next.FORBIDDEN,
    404: Next.ABSENT,
    408: Next.WAIT,
    409: Next.WAIT,
    410: Next.ABSENT,
    425: Next.WAIT,
    429: Next.WAIT,
}
WRITES = {
    400: Next.REFUSED,
    401: Next.LOG_IN,
    402: Next.FORBIDDEN,
    403: Next.FORBIDDEN,
    404: Next.ABSENT,
    405: Next.REFUSED,
    406: Next.REFUSED,
    410: Next.ABSENT,
    411: Next.REFUSED,
    413: Next.REFUSED,
    414: Next.REFUSED,
    415: Next.REFUSED,
    422: Next.REFUSED,
    429: Next.WAIT,
}


def judge(answer: Answer, repeatable: bool) -> Next:
    return judge_read(answer) if repeatable else judge_write(answer)


def judge_read(answer: Answer) -> Next:
    """Also for writes that may be repeated."""
    status = answer.status
    if status in READS:
        return READS[status]
    if 200 <= status < 300:
        return Next.USE
    if 400 <= status < 500:
        return Next.REFUSED
    return Next.WAIT if 500 <= status < 600 else Next.BROKEN


def judge_write(answer: Answer) -> Next:
    """Whatever does not prove that nothing was written is LOOK."""
    status = answer.status
    if status == 503 and "retry-after" in answer.headers:
        return Next.WAIT
    return Next.USE if 200 <= status < 300 else WRITES.get(status, Next.LOOK)
