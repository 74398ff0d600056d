"""Builds, on first use, what a function's environment keeps: AWS clients, stores, the vendors' clients."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.session import get_session

from pex_procore.domain.connection import Connection, ProcoreCredentials
from pex_procore.domain.errors import NeedsAttention
from pex_procore.domain.runs import Kind
from pex_procore.net.limiter import PEX_WINDOWS, PROCORE_WINDOWS, Assumption, Left, Limiter, Share
from pex_procore.runtime.settings import Deployment
from pex_procore.runtime.trail import HeardLimiter, ToldLedger, Traffic, Trail
from pex_procore.services.catalog import Catalog
from pex_procore.store.caps import Caps
from pex_procore.store.care import CareSchedule
from pex_procore.store.catalog import DynamoCatalog
from pex_procore.store.checks import DynamoChecks
from pex_procore.store.connections import DynamoConnections
from pex_procore.store.counts import DynamoCounts
from pex_procore.store.executions import StepFunctionsExecutions
from pex_procore.store.hooks import HookDirectory
from pex_procore.store.leases import DynamoLeases
from pex_procore.store.limits import LimitStore
from pex_procore.store.logins import DynamoLogins
from pex_procore.store.notices import SnsNotices
from pex_procore.store.receipts import S3Receipts
from pex_procore.store.runs import DynamoRuns
from pex_procore.store.seal import SealBroken, Sealer
from pex_procore.store.secrets import read_secret
from pex_procore.store.sessions import DynamoSessions
from pex_procore.store.sweeps import SweepSchedule

if TYPE_CHECKING:
    from pex_procore.pex.auth import PexApp
    from pex_procore.pex.client import PexClient
    from pex_procore.procore.access import ProcoreAccess
    from pex_procore.procore.client import ProcoreClient
    from pex_procore.runtime.vendors import Vendors

PAGE_SHARE = 1.0  # of Procore's quota, for a person who waits
POSTING_SHARE = Share(0.8, 0.99)  # of single purchases, and of what callbacks bring
PATIENT_SHARE = Share(0.7, 0.95)  # of crowds and papers, so that no single purchase waits for a backfill
TAG_SHARE = 0.98  # lists are few calls, and a backlog never leaves less than these
PEX_SHARE = 1.0  # its assumed limit lies below the last one PEX documented already
PATIENT_PEX_SHARE = 0.9  # of papers, so that no listing waits for them
_AWS = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 4})


def now() -> datetime:
    return datetime.now(UTC)


@cache
def wiring() -> Wiring:
    return Wiring(Deployment.read())


class Wiring:
    def __init__(self, deployment: Deployment, sleep: Callable[[float], None] = time.sleep) -> None:
        self.deployment = deployment
        self.sleep = sleep
        self._clients: dict[str, Any] = {}

    def aws(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self._aws_session.create_client(service, config=_AWS)
        return self._clients[service]

    @cached_property
    def _aws_session(self) -> Any:
        return get_session()

    @cached_property
    def _vendors(self) -> Vendors:
        """Loaded when first asked for: most of what the HTTP API answers is in our own tables."""
        from pex_procore.runtime.vendors import Vendors

        return Vendors(self.deployment, now, self.sleep)

    @cached_property
    def sealer(self) -> Sealer:
        return Sealer(self.aws("kms"), self.deployment.key_id)

    @cached_property
    def sessions(self) -> DynamoSessions:
        return DynamoSessions(self.aws("dynamodb"), self.deployment.connections_table, now)

    @cached_property
    def logins(self) -> DynamoLogins:
        return DynamoLogins(self.aws("dynamodb"), self.deployment.connections_table, self.sealer, now)

    @cached_property
    def caps(self) -> Caps:
        return Caps(self.aws("dynamodb"), self.deployment.connections_table, now)

    def pex_app(self) -> PexApp:
        """Raises NeedsAttention("pex_login_off") in a deployment that is no partner of PEX."""
        app_id, arn = self.deployment.pex_app_id, self.deployment.pex_app_secret_arn
        if not (app_id and arn):
            raise NeedsAttention("pex_login_off", "")
        return self._vendors.pex_app(app_id, read_secret(self.aws("secretsmanager"), arn))

    @cached_property
    def hooks(self) -> HookDirectory:
        return HookDirectory(self.aws("dynamodb"), self.deployment.connections_table)

    @cached_property
    def sweeps(self) -> SweepSchedule:
        return SweepSchedule(self.aws("dynamodb"), self.deployment.connections_table)

    @cached_property
    def care(self) -> CareSchedule:
        return CareSchedule(self.aws("dynamodb"), self.deployment.connections_table)

    @cached_property
    def notices(self) -> SnsNotices:
        return SnsNotices(self.aws("sns"), self.deployment.notices_topic_arn)

    @cached_property
    def limits(self) -> LimitStore:
        return LimitStore(self.aws("dynamodb"), self.deployment.connections_table, now)

    @cached_property
    def executions(self) -> StepFunctionsExecutions:
        return StepFunctionsExecutions(
            self.aws("stepfunctions"),
            self.deployment.short_machine_arn,
            self.deployment.long_machine_arn,
            self.deployment.tags_machine_arn,
        )

    def business(self, business_id: int, kind: Kind = "transactions", share: Share | float | None = None) -> Business:
        return Business(self, business_id, kind, share)

    def pex(self, token: str, limiter: Limiter | None = None) -> PexClient:
        return self._vendors.pex(token, limiter or Limiter(PEX_WINDOWS, share=PEX_SHARE))

    def procore(
        self, credentials: ProcoreCredentials, company_id: int | None, limiter: Limiter | None = None
    ) -> ProcoreClient:
        return self._vendors.procore(credentials, company_id, limiter or Limiter(PROCORE_WINDOWS))

    def procore_access(self, client: ProcoreClient, company_id: int) -> ProcoreAccess:
        return self._vendors.procore_access(client, company_id)


def _procore_bucket(credentials: ProcoreCredentials) -> str:
    return "procore:" + hashlib.sha256(credentials.client_id.encode()).hexdigest()[:16]


class Business:
    """Everything of one business for the length of one invocation; nothing here reaches another's data.

    `kind`: whose lease it uses, and whose share of Procore's quota unless `share` says less.
    """

    def __init__(self, wiring: Wiring, business_id: int, kind: Kind, share: Share | float | None = None) -> None:
        self.wiring = wiring
        self.business_id = business_id
        self._share = share or (TAG_SHARE if kind == "tags" else POSTING_SHARE)
        self._pex_share = PEX_SHARE
        self._limiters: dict[str, Limiter] = {}
        self._trail = Trail(business_id)
        dynamodb, deployment = wiring.aws("dynamodb"), wiring.deployment
        self.connections = DynamoConnections(dynamodb, deployment.connections_table, business_id, wiring.sealer)
        self.leases = DynamoLeases(dynamodb, deployment.connections_table, business_id, now, kind)
        self.runs = DynamoRuns(dynamodb, deployment.history_table, business_id, now)

    def be_patient(self) -> None:
        """Before the first call: urgent work comes first."""
        self._share, self._pex_share = PATIENT_SHARE, PATIENT_PEX_SHARE

    @cached_property
    def connection(self) -> Connection:
        return self.connections.load() or Connection(business_id=self.business_id)

    @cached_property
    def ledger(self) -> ToldLedger:
        return ToldLedger(
            self.wiring.aws("dynamodb"),
            self.wiring.deployment.history_table,
            self.business_id,
            self.connection.generation,
            self._trail,
        )

    @cached_property
    def counts(self) -> DynamoCounts:
        table, generation = self.wiring.deployment.history_table, self.connection.generation
        return DynamoCounts(self.wiring.aws("dynamodb"), table, self.business_id, generation)

    @cached_property
    def checks(self) -> DynamoChecks:
        table = self.wiring.deployment.connections_table
        return DynamoChecks(self.wiring.aws("dynamodb"), table, self.business_id)

    @property
    def company_id(self) -> int:
        """0 while none is chosen."""
        return self.connection.company_id or 0

    @cached_property
    def cache(self) -> DynamoCatalog:
        return self._catalog_of(self.company_id)

    @cached_property
    def tag_memories(self) -> DynamoCatalog:
        """What we did to the business's tags, whichever company they followed."""
        return self._catalog_of(0)

    def _catalog_of(self, company_id: int) -> DynamoCatalog:
        table = self.wiring.deployment.connections_table
        return DynamoCatalog(self.wiring.aws("dynamodb"), table, self.business_id, company_id, now)

    @cached_property
    def bucket(self) -> S3Receipts:
        return S3Receipts(self.wiring.aws("s3"), self.wiring.deployment.receipts_bucket, self.business_id)

    @cached_property
    def pex(self) -> PexClient:
        try:
            token = self.connections.open_pex_token()
        except SealBroken:
            token = None
        if token is None:
            raise NeedsAttention("pex_token_rejected", "no PEX token is stored")
        return self.pex_with(token)

    def pex_with(self, token: str) -> PexClient:
        return self.wiring.pex(token, self._limiter("Pex", f"pex:{self.business_id}", PEX_WINDOWS, self._pex_share))

    @cached_property
    def _procore_credentials(self) -> ProcoreCredentials | None:
        try:
            return self.connections.open_procore_credentials()
        except SealBroken:
            return None

    @cached_property
    def procore(self) -> ProcoreClient:
        credentials = self._procore_credentials
        if credentials is None:
            raise NeedsAttention("procore_secret_rejected", "no Procore credentials are stored")
        limiter = self._limiter("Procore", _procore_bucket(credentials), PROCORE_WINDOWS, self._share)
        return self.wiring.procore(credentials, self.connection.company_id, limiter)

    @property
    def procore_access(self) -> ProcoreAccess:
        return self.wiring.procore_access(self.procore, self.company_id)

    def procore_quota(self) -> Left | None:
        """As all workers of the service account know it; None while nobody has called."""
        credentials = self._procore_credentials
        known = self.wiring.limits.load(_procore_bucket(credentials)) if credentials else None
        if known is None:
            return None
        limiter = Limiter(PROCORE_WINDOWS)
        limiter.restore(known)
        return limiter.left(now())

    @cached_property
    def catalog(self) -> Catalog:
        return Catalog(pex=lambda: self.pex, procore=self.procore, cache=self.cache, clock=now)

    def _limiter(self, vendor: str, bucket: str, windows: Sequence[Assumption], share: Share | float) -> Limiter:
        """It begins with what the last worker knew, and what it hears stands in the trail."""
        if bucket in self._limiters:
            return self._limiters[bucket]
        traffic = Traffic(vendor)
        self._trail.traffic.append(traffic)
        limiter = self._limiters[bucket] = HeardLimiter(windows, share=share, traffic=traffic)
        if (known := self.wiring.limits.load(bucket)) is not None:
            limiter.restore(known)
        return limiter

    def save_limits(self) -> None:
        for bucket, limiter in self._limiters.items():
            if not limiter.has_news:
                continue
            if (known := self.wiring.limits.load(bucket)) is not None:
                limiter.restore(known)
            self.wiring.limits.save(bucket, limiter.snapshot())
            limiter.mark_shared()
