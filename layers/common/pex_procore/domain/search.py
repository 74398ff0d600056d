"""Which ledger rows a person looks for. The store finds candidates by day and by facets; the row itself decides."""

from __future__ import annotations

from datetime import date

from pex_procore.domain.eastern import eastern_date
from pex_procore.domain.ledger import Row, State
from pex_procore.domain.text import cut
from pex_procore.domain.values import Value

MERCHANT_LENGTH = 60  # of what can be searched
MOST_WORDS = 5
MOST_PROJECTS = 10


class Wanted(Value):
    """Every condition that is given must hold. Days are Eastern, both ends included."""

    state: State | None = None
    reason: str | None = None
    project_id: int | None = None
    account_ids: frozenset[int] | None = None  # of the cardholders meant
    first_day: date | None = None
    last_day: date | None = None
    words: tuple[str, ...] = ()  # each somewhere in merchant, amount or transaction id

    @property
    def is_everything(self) -> bool:
        """Nothing but days and a state is asked for."""
        return self.reason is None and self.project_id is None and self.account_ids is None and not self.words

    def facets(self) -> list[list[str]]:
        """What the facets of a row must contain: one of each list."""
        exact = [[f"|r{self.reason}|"] if self.reason else [], [f"|p{self.project_id}|"] if self.project_id else []]
        accounts = [f"|a{account_id}|" for account_id in sorted(self.account_ids or ())]
        return [one for one in (*exact, accounts, *([word] for word in self.words)) if one]

    def fits(self, row: Row) -> bool:
        day = day_of(row)
        return (
            self.state in (None, row.state)
            and self.reason in (None, row.reason)
            and (self.project_id is None or str(self.project_id) in projects_of(row))
            and (self.account_ids is None or row.account_id in self.account_ids)
            and (self.first_day is None or self.first_day <= day)
            and (self.last_day is None or day <= self.last_day)
            and all(word in _text(row) for word in self.words)
        )


def read_words(text: str) -> tuple[str, ...]:
    """As a person types them: capitals, dollar signs and thousands' commas mean nothing."""
    plain = text.casefold().replace("$", "").replace(",", "").replace("|", " ").replace("\N{MINUS SIGN}", "-")
    return tuple(plain.split()[:MOST_WORDS])


def day_of(row: Row) -> date:
    """The Eastern day on which it settled; until PEX lists it, the day on which it was announced."""
    return row.said.posting_date("settlement") if row.said else eastern_date(row.announced_at)


def facets_of(row: Row) -> str:
    """One text to search in, kept small: the store writes it with every row."""
    exact = (
        f"a{row.account_id}",
        *(f"p{one}" for one in projects_of(row)),
        *([f"r{row.reason}"] if row.reason else []),
    )
    return f"|{'|'.join(exact)}|{_text(row)}"


def projects_of(row: Row) -> list[str]:
    """Where it was posted; before that, the numbers among the chosen options, the project's id being one of them."""
    posted = {str(one.project_id) for one in row.postings}
    chosen = {value for part in (row.said.allocations if row.said else ()) for value in part.tags.values()}
    return sorted(posted or {value for value in chosen if value.isdecimal()})[:MOST_PROJECTS]


def _text(row: Row) -> str:
    said = row.said
    merchant = cut(said.merchant, MERCHANT_LENGTH).casefold().replace(",", "") if said else ""
    return f"{merchant} {said.amount if said else ''} {row.transaction_id}"
