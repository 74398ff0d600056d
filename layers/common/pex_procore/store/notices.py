"""Messages for people, through SNS."""

from __future__ import annotations

from typing import Any

from pex_procore.domain.alerts import Notice
from pex_procore.store.aws import ask

SUBJECT_LIMIT = 99  # SNS takes up to 100 characters of ASCII


class SnsNotices:
    """The attributes let a subscriber ask for one business, or one kind, alone."""

    def __init__(self, client: Any, topic_arn: str) -> None:
        self._client = client
        self._topic_arn = topic_arn

    def publish(self, business_id: int, notice: Notice) -> None:
        """Raises TryLater when it certainly did not leave, or may not have: it is not sent twice."""
        ask(
            self._client.publish,
            TopicArn=self._topic_arn,
            Subject=notice.subject.encode("ascii", "replace").decode()[:SUBJECT_LIMIT],
            Message=notice.text,
            MessageAttributes={
                "business_id": {"DataType": "String", "StringValue": str(business_id)},
                "kind": {"DataType": "String", "StringValue": notice.kind},
            },
        )
