"""Formats amounts, times and enumerations for the desk."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from urllib.parse import quote

from schemas.commitment import Person, Summary
from schemas.events import Failure
from schemas.fields import FailureClass, Kind, Owner, Status
from services.approval.storage.tallies import Tally
from services.approval.storage.views import DeskView, Sort
from services.pipeline.counting import counted
from services.pipeline.formats import enumeration, money

_MINUTE, _HOUR, _DAY = 60, 3600, 86400

TROUBLE = frozenset({Status.FAILED, Status.DISPUTED})
"""Stand out on the desk, by colour and sign: somebody has to act. The ribbon upstream is blue."""

KIND_WORDS = {Kind.SUBCONTRACT: "Subcontract", Kind.PURCHASE_ORDER: "Purchase order"}
OWNER_WORDS = {
    Owner.SYSTEM: "Countersign",
    Owner.APPROVER: "Accounting approver",
    Owner.PROJECT_MANAGER: "Project manager",
    Owner.ERP_ADMIN: "ERP administrator",
}
CAUSE_WORDS = {
    FailureClass.RETRY_LATER: "The ERP could not take it then",
    FailureClass.WAIT_FOR_DEPENDENCY: "Something it needs is missing in the ERP",
    FailureClass.FIX_SETUP: "The connection to the ERP has to be set right",
    FailureClass.FIX_DATA: "The commitment has to be corrected",
}

SORT_WORDS = {
    Sort.OLDEST: "Oldest first",
    Sort.NEWEST: "Newest first",
    Sort.LARGEST: "Largest first",
    Sort.SMALLEST: "Smallest first",
}
EMPTY_SEARCH_WORDS = {
    DeskView.READY: "No waiting commitment matches.",
    DeskView.FAILED: "No failed export matches.",
    DeskView.EXPORTING: "Nothing that is exporting matches.",
    DeskView.SYNCED: "No synced commitment matches.",
    DeskView.DIFFERING: "No commitment that differs matches.",
    DeskView.REJECTED: "No rejected commitment matches.",
    DeskView.ALL: "No commitment matches.",
}
_EMPTY_LIST_WORDS = {
    DeskView.FAILED: "No failed exports.",
    DeskView.EXPORTING: "Nothing is exporting.",
    DeskView.SYNCED: "Nothing is synced yet.",
    DeskView.DIFFERING: "Nothing differs in the ERP.",
    DeskView.REJECTED: "Nothing is rejected.",
    DeskView.ALL: "No commitment was sent to ERP Integrations yet.",
}


def who_acts(failure: Failure) -> str:
    """Whose turn it is after a failure: what the project has to correct is given back by an approver first."""
    words = OWNER_WORDS[failure.owner]
    is_given_back = failure.failure_class is FailureClass.FIX_DATA and failure.owner is Owner.PROJECT_MANAGER
    return f"{OWNER_WORDS[Owner.APPROVER]}, then the {words.lower()}" if is_given_back else words


def tally(count: int) -> str:
    """The number beside a view."""
    return f"{count:,}"


def known_count(listed: Tally) -> str:
    """How many a list has, as far as they were counted."""
    return f"{'' if listed.is_complete else 'at least '}{listed.count:,}"


def empty_words(view: DeskView, *, is_approver: bool) -> Mapping[str, str]:
    """What a list without commitments says, as it is and with filters, by the names that templates use."""
    whose = "your" if is_approver else "an"
    nothing = _EMPTY_LIST_WORDS.get(view, f"Nothing is waiting for {whose} answer.")
    return {"empty_list": nothing, "empty_search": EMPTY_SEARCH_WORDS[view]}


def figure(amount: str | Decimal, currency: str) -> str:
    """As `money`, without the currency, for columns whose heading names it."""
    return money(amount, currency).removeprefix(currency).strip()


def waited(since: datetime, now: datetime) -> str:
    """How long something has lasted, in its largest whole unit."""
    seconds = max(0, int((now - since).total_seconds()))
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min"
    if seconds < _DAY:
        return f"{seconds // _HOUR} h"
    return counted(seconds // _DAY, "day")


def who_is_mailed(summary: Summary) -> str:
    """Who gets the mail about a rejection, and who has to be told otherwise, in one or two sentences."""
    people: dict[str, Person] = {person.id: person for person in (summary.creator, summary.sent_by)}
    mailed = [person.name for person in people.values() if person.email]
    others = [person.name for person in people.values() if not person.email]
    sentences = [f"{enumeration(mailed)} will get an email."] if mailed else []
    if others:
        has = "has" if len(others) == 1 else "have"
        sentences.append(f"{enumeration(others)} {has} no mail address and must be told otherwise.")
    return " ".join(sentences)


def totals(summaries: Sequence[Summary]) -> list[str]:
    """The sum in each currency, by currency."""
    sums = sums_by_currency((summary.currency, Decimal(summary.total)) for summary in summaries)
    return [money(total, currency) for currency, total in sums.items()]


def sums_by_currency(amounts: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    """The sum in each currency of (currency, amount), by currency."""
    sums: dict[str, Decimal] = {}
    for currency, amount in amounts:
        sums[currency] = sums.get(currency, Decimal(0)) + amount
    return dict(sorted(sums.items()))


def code_words(code: str) -> str:
    """The code of a failure as people read it beside the sentence: our own ones, and statuses of HTTP, as words."""
    if code.startswith("http_"):
        return f"HTTP {code.removeprefix('http_')}"
    return code.replace("_", " ") if code.islower() else code


def segment(text: str) -> str:
    """`text` as one segment of a URL path."""
    return quote(text, safe="")
