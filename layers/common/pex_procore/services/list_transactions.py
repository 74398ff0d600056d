"""A run's listing: ask PEX for the window, decide what is eligible, keep the ledger up to date, answer the work."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from contextlib import suppress
from datetime import date, datetime, timedelta

from pydantic import Field

from pex_procore.domain.coding import OptionBook, choices
from pex_procore.domain.eastern import eastern_date, start_of_day
from pex_procore.domain.eligibility import REACH, in_scope, judge
from pex_procore.domain.ledger import Row, State, announce, hold, move
from pex_procore.domain.reasons import Refused, Waiting
from pex_procore.domain.runs import Outcome, Run, RunItem, Tally
from pex_procore.domain.settings import Settings
from pex_procore.domain.tags import TagMap
from pex_procore.domain.transactions import Transaction
from pex_procore.domain.values import Value
from pex_procore.services.catalog import remembered_tags, resolve_tags
from pex_procore.services.ports import CatalogCache, Clock, Conflict, Leases, Ledger, Runs
from pex_procore.services.vendor_ports import Pex
from pex_procore.services.windows import Window, cut, plan_windows, slices

LOOK_BACK = timedelta(days=60)  # once a day; in between a sweep looks back as far as callbacks can be late
WHOLE_LOOK = timedelta(hours=20)
MARGIN = timedelta(days=10)  # PEX may filter by authorization time; settlement follows days later
PAGE = 500  # transaction ids in one answer: far below the state machine's 256 KB
UNLISTED_FOR = timedelta(days=2)
DOUBTFUL: tuple[State, ...] = ("posting", "unknown")
COUNTED_AS = {"complete": "already_posted", "posted": "already_posted", "exception": "needs_attention"}
RECHECKS = 10  # complete rows whose receipts are asked for again, of one page
CARRIED = 1000  # rows whose papers wait while more is listed and posted; they travel in the machine's 256 KB too
FEW_ACCOUNTS = 5  # up to here, callback runs read the cards' own lists instead of the business's


class Papers(Value):
    """Whose receipts and notes are still to be brought; who is only in `attach` is staged already."""

    stage: tuple[int, ...] = ()
    attach: tuple[int, ...] = ()

    def then(self, later: Papers) -> Papers:
        stage = tuple(dict.fromkeys((*self.stage, *later.stage)))
        return Papers(stage=stage, attach=tuple(dict.fromkeys((*self.attach, *later.attach, *stage))))

    def first(self, count: int) -> Papers:
        """The others wait for the next sweep, which finds in the ledger what is owed."""
        attach = self.attach[:count]
        chosen = set(attach)
        return Papers(stage=tuple(one for one in self.stage if one in chosen), attach=attach)


class Cursor(Value):
    """What is still to be listed: windows, and within the first one the ids after `after`."""

    windows: tuple[Window, ...]
    account_ids: tuple[int, ...] = ()
    after: int = 0
    whole: bool = False  # reaches back as far as changes of posted purchases are looked for
    news: bool = False  # only what was hinted at while the run was at work
    then: Cursor | None = None  # where the run's own listing goes on after the news
    carried: Papers = Field(default_factory=Papers)  # of earlier pages: expenses come first


class Listing(Value):
    transaction_ids: tuple[int, ...]  # to be posted, or looked up
    papers: Papers  # that come next: what was put off, what is posted now, what was owed; none before the last page
    tally: Tally  # of rows that did not change; the others are run items
    announced: int  # the announcement counter before anything was listed
    cursor: Cursor | None


def list_transactions(
    *,
    run: Run,
    start_date: date,
    full: bool,
    account_ids: Sequence[int],
    since: datetime | None,
    cursor: Cursor | None,
    tally: Tally,
    announced: int,
    put_off: Papers | None,
    pex: Pex,
    ledger: Ledger,
    leases: Leases,
    runs: Runs,
    cache: CatalogCache,
    clock: Clock,
    lease_needed: int,
    lease_seconds: int,
) -> Listing:
    """One page of a run's work. `full` reads everything since the start date; `since` is the earliest hint's time.
    `put_off`: there is news, which is listed before whatever `cursor` still holds. Papers wait for the last page."""
    lease = leases.keep(run.run_id, lease_needed, lease_seconds)
    now = clock()
    work: list[int] = []
    owed: list[int] = []
    again: list[Row] = []
    tags: TagMap | None = None
    open_rows: list[Row] | None = None
    if put_off is not None:
        announced = lease.announced
        hinted = _hinted_accounts(ledger.list_by_state("announced"))
        news = _plan_hinted(hinted or set(account_ids), since, now)  # none: it was told again of what is known
        cursor = news.model_copy(update={"news": True, "then": cursor})
    elif cursor is None:
        announced = lease.announced
        tags = resolve_tags(pex, cache, run.settings, clock)
        open_rows = list_open(ledger, run)
        cursor = _plan(run, open_rows, cache, start_date, full, account_ids, since, now)
    window, *rest = cursor.windows
    unreadable = pex.unreadable
    listed = [one for one in _fetch(pex, cursor, window) if one.transaction_id > cursor.after]
    if (broken := pex.unreadable - unreadable) > 0 and not cursor.after and window.seen_until is None:
        tally = tally.add("failed", "vendor_answer_unreadable", broken)
    if window.seen_until is not None:
        listed = [one for one in listed if one.transacted_at > window.seen_until]
    window, *parts = cut(window, [one.transacted_at for one in listed], PAGE)
    if parts:
        page, more = [one for one in listed if one.transacted_at <= window.end], []
    else:
        page, more = listed[:PAGE], listed[PAGE:]
    load = ledger.load_many if run.trigger == "callback" else ledger.glance
    rows = load(one.transaction_id for one in page)
    book: OptionBook | None = None
    if run.trigger == "sweep" and any(row.state == "waiting" for row in rows.values()):
        book = OptionBook(tags or remembered_tags(lambda: pex, cache, run.settings, clock))
    items: list[RunItem] = []
    for transaction in page:
        row, after = _bring_up(
            rows.get(transaction.transaction_id), transaction, run, start_date, now=now, ledger=ledger
        )
        if after is None or (cursor.news and after is row and after.state != "announced"):
            continue
        if _is_work(after, run, now, book if after is row else None):
            work.append(after.transaction_id)
        elif after.state == "posted" and _owes(after, run, now):
            owed.append(after.transaction_id)
        elif _receipts_due(after, run, now):
            again.append(after)
        elif after is not row:
            items.append(_item(after))
        elif not after.moved_in(run.run_id):  # else an item of this run tells already
            tally = tally.add(COUNTED_AS.get(after.state, after.state), after.reason)
    if run.trigger != "callback" and not cursor.news and not more and not parts and not rest:
        doubtful = [row.transaction_id for state in DOUBTFUL for row in ledger.list_by_state(state)]
        known = set(cursor.carried.attach)
        posted = [row for row in ledger.list_by_state("posted") if row.transaction_id not in known]
        work += doubtful[:PAGE]
        owed += [row.transaction_id for row in posted if _owes(row, run, now)][:PAGE]
        taken = set(work)
        left = list_open(ledger, run) if open_rows is None else open_rows
        left = [one for one in left if one.transaction_id not in taken]
        items += _give_up_old(left, ledger, run.settings, now, run.run_id)
    owed += [row.transaction_id for row in sorted(again, key=_last_checked)[:RECHECKS]]
    runs.record_items(run.run_id, items)
    if work and run.trigger != "callback":
        runs.note(run.model_copy(update={"done": run.total, "total": run.total + len(work)}))
    windows = (*([window] if more else []), *parts, *rest)
    following: Cursor | None = cursor.then
    if windows:
        after_id = page[-1].transaction_id if more else 0
        following = cursor.model_copy(update={"windows": windows, "after": after_id})
    if cursor.whole and not windows:
        cache.save("whole look", True)
    papers = (put_off or Papers()).then(cursor.carried).then(Papers(stage=(*work, *owed)))
    if following is not None:
        carried = following.carried.then(papers).first(CARRIED)
        following, papers = following.model_copy(update={"carried": carried}), Papers()
    return Listing(
        transaction_ids=tuple(dict.fromkeys(work)),
        papers=papers.first(CARRIED + PAGE),
        tally=tally,
        announced=announced,
        cursor=following,
    )


def list_open(ledger: Ledger, run: Run) -> list[Row]:
    """What a listing must bring on; a callback's only asks for what was announced."""
    states: tuple[State, ...] = ("announced",) if run.trigger == "callback" else ("announced", "waiting")
    return [row for state in states for row in ledger.list_by_state(state)]


def _bring_up(
    row: Row | None, transaction: Transaction, run: Run, start_date: date, *, now: datetime, ledger: Ledger
) -> tuple[Row | None, Row | None]:
    """The row as it was and as it is now, saved where it changed. One that was read just before its last move is read
    again; None where an administrator moves it at this very moment."""
    for _ in range(2):
        after = consider(row, transaction, run.settings, start_date, now, run.run_id)
        if after is None or after is row:
            return row, after
        with suppress(Conflict):
            return row, ledger.save(after)
        row = ledger.load(transaction.transaction_id)
    return row, None


def consider(
    row: Row | None, transaction: Transaction, settings: Settings, start_date: date, now: datetime, run_id: str
) -> Row | None:
    """The row as this listing leaves it: the same object when nothing changed, None when it is none of ours."""
    if not in_scope(transaction, settings, start_date):
        known = row is not None and (row.postings or row.former)
        if row is None or row.state not in ("announced", "waiting") or known or not transaction.settled:
            return row
        return hold(row, Refused("before_start_date"), now, run_id)
    if row is None:
        row = announce(transaction.transaction_id, transaction.account_id, now, f"listed by {run_id}")
    if row.state in ("posted", "complete"):
        return _consider_posted(row, transaction, settings, now, run_id)
    changed = row.said is None or row.said.fingerprint() != transaction.fingerprint()
    if row.state in ("posting", "unknown"):
        return row.model_copy(update={"listed": transaction}) if changed else row
    updated = row.model_copy(update={"transaction": transaction, "listed": None}) if changed else row
    if row.state == "ignored" or (row.state == "exception" and not changed):
        return row
    verdict = judge(transaction, settings, now)
    if verdict is not None and not _is_ordered_again(row):
        return _hold(updated, verdict, now, run_id)
    if row.state in ("refused", "exception") or row.reason in ("not_approved", "allocations_do_not_add_up"):
        return move(updated, "announced", now, "eligible", run_id)
    return updated


def _hold(row: Row, verdict: Waiting | Refused, now: datetime, run_id: str) -> Row:
    """Where an expense, or part of it, is in Procore already, a person must know; what only waits goes on waiting."""
    has_expense = any(one.direct_cost_id is not None for one in row.postings)
    if not has_expense or (row.state != "exception" and isinstance(verdict, Waiting)):
        return hold(row, verdict, now, run_id)
    reason, detail = "changed_after_sync", verdict.reason
    if (row.state, row.reason, row.detail) == ("exception", reason, detail):
        return row
    return move(row, "exception", now, reason, run_id, reason=reason, detail=detail)


def _consider_posted(row: Row, transaction: Transaction, settings: Settings, now: datetime, run_id: str) -> Row:
    """The row keeps the transaction as it was posted; what changed since is brought into the expense, or is a warning,
    never a second expense."""
    posted = row.transaction or transaction
    revoked = settings.transactions == "approved" and posted.approved and not transaction.approved
    differs = (posted.amount, posted.allocations) != (transaction.amount, transaction.allocations) or bool(row.tried)
    if differs and not revoked and settings.update_expenses and row.tried != transaction.fingerprint():
        return row if row.listed == transaction else row.model_copy(update={"listed": transaction})
    if row.listed is not None:
        row = row.model_copy(update={"listed": None})
    reason = (row.reason or "changed_after_sync") if differs or revoked else None
    if row.state == "posted" and posted.system_notes != transaction.system_notes:
        notes = posted.model_copy(update={"system_notes": transaction.system_notes})
        row = row.model_copy(update={"transaction": notes})
    if row.reason == reason:
        return row
    return move(row, row.state, now, reason or "as it was posted", run_id, reason=reason)


def _is_work(row: Row, run: Run, now: datetime, book: OptionBook | None) -> bool:
    """For the poster. `book`: of a sweep that found the row as the one before it left it."""
    if row.state in DOUBTFUL or row.is_behind or _is_ordered_again(row):
        return True
    return _eligible(row, run.settings, now) and not (book and _is_uncoded(row, book, run.settings))


def _is_ordered_again(row: Row) -> bool:
    """Only the poster finds out whether the former expense is still there, and then what to say of the purchase."""
    return row.state == "announced" and bool(row.former) and not row.postings


def _eligible(row: Row, settings: Settings, now: datetime) -> bool:
    """Announced, or waiting for its coding: worth another try now."""
    if row.state not in ("announced", "waiting") or row.transaction is None:
        return False
    return judge(row.transaction, settings, now) is None


def _is_uncoded(row: Row, book: OptionBook, settings: Settings) -> bool:
    """It waits for a tag that nobody has chosen since: trying again would end as it did."""
    if row.state != "waiting" or row.postings or row.former or row.transaction is None:
        return False
    first = row.transaction.allocations[0]
    return choices(first, book, settings) == Waiting(row.reason or "", row.detail)


def _give_up_old(rows: Sequence[Row], ledger: Ledger, settings: Settings, now: datetime, run_id: str) -> list[RunItem]:
    """What no listing can bring any more: announcements that PEX never bore out, and rows that waited for a year."""
    found = []
    for row in rows:
        verdict = judge(row.transaction, settings, now) if row.transaction else None
        if row.transaction is None and now - row.announced_at > UNLISTED_FOR:
            verdict = Refused("not_listed_by_pex")
        if isinstance(verdict, Refused):
            with suppress(Conflict):
                found.append(_item(ledger.save(_hold(row, verdict, now, run_id))))
    return found


def _owes(row: Row, run: Run, now: datetime) -> bool:
    return row.owes(now, noted=not run.settings.write_notes)


def _receipts_due(row: Row, run: Run, now: datetime) -> bool:
    wanted = row.state == "complete" and run.settings.attach_receipts and run.trigger != "callback"
    return wanted and row.receipts_due(now, asked=run.trigger == "manual")


def _last_checked(row: Row) -> datetime:
    return row.receipts_checked_at or row.announced_at


def _item(row: Row) -> RunItem:
    outcomes: dict[str, Outcome] = {"waiting": "waiting", "refused": "refused", "exception": "failed"}
    outcome = outcomes.get(row.state, "already_posted")
    return RunItem(transaction_id=row.transaction_id, outcome=outcome, reason=row.reason, detail=row.detail)


def _plan(
    run: Run,
    open_rows: Sequence[Row],
    cache: CatalogCache,
    start_date: date,
    full: bool,
    account_ids: Sequence[int],
    since: datetime | None,
    now: datetime,
) -> Cursor:
    """The windows to read, oldest first: nothing older than PEX still lists, and never a cliff for rows that wait."""
    reach = now - REACH + timedelta(hours=1)
    earliest = max(_begin(start_date, reach), reach)
    if run.trigger == "callback":
        return _plan_hinted({*account_ids, *_hinted_accounts(open_rows)}, since, now)
    if run.since is not None:
        return Cursor(windows=tuple(slices(max(earliest, _begin(run.since, reach)), now)))
    whole = full or _is_whole_look_due(cache, now)
    recent = earliest if full else max(earliest, now - (LOOK_BACK if whole else MARGIN))
    awaited = [
        moment
        for row in open_rows
        if row.transaction
        for moment in (row.transaction.transacted_at, row.transaction.settled_at)
        if moment
    ]
    return Cursor(windows=plan_windows(earliest, recent, now, awaited), whole=whole)


def _plan_hinted(account_ids: Set[int], since: datetime | None, now: datetime) -> Cursor:
    start = max((since or now) - MARGIN, now - REACH + timedelta(hours=1))
    return Cursor(windows=(Window(start=start, end=now),), account_ids=tuple(sorted(account_ids)))


def _hinted_accounts(rows: Iterable[Row]) -> set[int]:
    return {row.account_id for row in rows if row.transaction is None}


def _is_whole_look_due(cache: CatalogCache, now: datetime) -> bool:
    stored = cache.load("whole look")
    return stored is None or now - stored[1] > WHOLE_LOOK


def _begin(day: date, reach: datetime) -> datetime:
    """Whatever settled on that day or later was authorized after this; no day before `reach` is told from another."""
    return start_of_day(max(day, eastern_date(reach))) - MARGIN


def _fetch(pex: Pex, cursor: Cursor, window: Window) -> list[Transaction]:
    if 0 < len(cursor.account_ids) <= FEW_ACCOUNTS:
        found = [
            transaction
            for account_id in cursor.account_ids
            for transaction in pex.list_account_transactions(account_id, window.start, window.end)
        ]
    else:
        found = pex.list_transactions(window.start, window.end)
    return sorted(found, key=lambda one: one.transaction_id)
