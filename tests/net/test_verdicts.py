from __future__ import annotations

import pytest

from pex_procore.net.messages import Answer
from pex_procore.net.verdicts import Next, judge, judge_read, judge_write


@pytest.mark.parametrize(
    ("status", "read", "write"),
    [
        (200, Next.USE, Next.USE),
        (201, Next.USE, Next.USE),
        (204, Next.USE, Next.USE),
        (302, Next.BROKEN, Next.LOOK),
        (400, Next.REFUSED, Next.REFUSED),
        (401, Next.LOG_IN, Next.LOG_IN),
        (402, Next.FORBIDDEN, Next.FORBIDDEN),
        (403, Next.FORBIDDEN, Next.FORBIDDEN),
        (404, Next.ABSENT, Next.ABSENT),
        (408, Next.WAIT, Next.LOOK),
        (409, Next.WAIT, Next.LOOK),
        (413, Next.REFUSED, Next.REFUSED),
        (418, Next.REFUSED, Next.LOOK),
        (422, Next.REFUSED, Next.REFUSED),
        (429, Next.WAIT, Next.WAIT),
        (499, Next.REFUSED, Next.LOOK),
        (500, Next.WAIT, Next.LOOK),
        (502, Next.WAIT, Next.LOOK),
        (503, Next.WAIT, Next.LOOK),
        (504, Next.WAIT, Next.LOOK),
        (520, Next.WAIT, Next.LOOK),
        (700, Next.BROKEN, Next.LOOK),
    ],
)
def test_each_status_has_one_next_action(status: int, read: Next, write: Next) -> None:
    assert judge_read(Answer(status)) is read
    assert judge_write(Answer(status)) is write


def test_no_server_error_and_no_unknown_status_lets_a_write_be_repeated() -> None:
    for status in [*range(300, 400), *range(430, 600), 999]:
        assert judge(Answer(status), repeatable=False) is Next.LOOK, status


def test_load_shedding_with_a_time_proves_that_nothing_was_written() -> None:
    assert judge(Answer(503, {"retry-after": "7"}), repeatable=False) is Next.WAIT
