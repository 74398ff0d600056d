"""Starting the state machines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from pex_procore.domain.runs import Run
from pex_procore.store.aws import ask, error_code


class StepFunctionsExecutions:
    """Runs of transactions go to the EXPRESS deployment of their definition, long ones to the STANDARD one; runs of
    tags to a definition of their own, EXPRESS."""

    def __init__(self, client: Any, short_arn: str, long_arn: str, tags_arn: str = "") -> None:
        self._client = client
        self._short_arn = short_arn
        self._long_arn = long_arn
        self._tags_arn = tags_arn

    def start(
        self,
        run: Run,
        business_id: int,
        account_ids: Sequence[int] = (),
        since: datetime | None = None,
        *,
        long: bool = False,
    ) -> None:
        """EXPRESS does not refuse a second execution of one name: the lease does, which is bound to one execution."""
        work = {"business_id": business_id, "run_id": run.run_id, "kind": run.kind, "trigger": run.trigger}
        if run.kind == "transactions":
            work |= {"account_ids": sorted(set(account_ids)), "since": since.isoformat() if since else None}
        try:
            ask(
                self._client.start_execution,
                stateMachineArn=self._machine(run, long),
                name=run.run_id,
                input=json.dumps(work),
            )
        except ClientError as error:
            if error_code(error) != "ExecutionAlreadyExists":
                raise

    def _machine(self, run: Run, long: bool) -> str:
        if run.kind == "tags":
            return self._tags_arn
        return self._long_arn if long else self._short_arn
