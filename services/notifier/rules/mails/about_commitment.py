"""What all mails about a commitment share: how they name it, where they link to and how long they are useful."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from urllib.parse import quote

from schemas.commitment import Summary
from schemas.events import CommitmentData
from services.notifier.rules.mails.mail_type import ContentOptions, Contents
from services.notifier.rules.wording import one_line
from services.pipeline.failure_words import UNNAMED_ERP
from services.pipeline.formats import EXACT, enumeration, money

USEFUL_FOR = timedelta(days=7)
_SUBJECT_TITLE_CHARACTERS = 150
_SUBJECT_NAME_CHARACTERS = 80
_ROW_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class RowContents:
    """One of several commitments, as the templates show it."""

    number: str
    title: str
    project: str
    total: str
    url: str


def subject_of(summary: Summary) -> str:
    """The commitment as subjects name it, for example "SC-014 Concrete works (Riverside Tower)"."""
    number = one_line(summary.number, _SUBJECT_NAME_CHARACTERS)
    title = one_line(summary.title, _SUBJECT_TITLE_CHARACTERS)
    return one_line(f"{number} {title} ({one_line(summary.project, _SUBJECT_NAME_CHARACTERS)})")


def thread(data: CommitmentData) -> tuple[str, str]:
    """One thread for each commitment."""
    return "commitment", data.commitment_id


def contents(data: CommitmentData, summary: Summary, options: ContentOptions) -> Contents:
    """The variables that templates about a commitment share."""
    return {
        "number": one_line(summary.number),
        "erp": erp_name(summary),
        "sender": one_line(summary.sent_by.name),
        "item": _item(summary, data.revision),
        "project_url": summary.url,
        "desk_url": f"{options.public_url.rstrip('/')}/commitments/{quote(data.commitment_id, safe='')}",
    }


def erp_name(summary: Summary) -> str:
    """What people call the ERP, else the name of its connection; "the ERP" where neither is known."""
    return one_line(summary.erp or summary.connection or UNNAMED_ERP)


def _item(summary: Summary, revision: int) -> str:
    name = one_line(f"{summary.number} {summary.title}")
    return f"{name}, revision {revision}, {money(summary.total, summary.currency)}"


def subject_of_several(summaries: Sequence[Summary]) -> str:
    """How subjects name them: "25 commitments (Riverside Tower)", without the project if there are several."""
    projects = {one_line(summary.project, _SUBJECT_NAME_CHARACTERS) for summary in summaries}
    return f"{len(summaries):,} commitments" + (f" ({projects.pop()})" if len(projects) == 1 else "")


def contents_of_several(summaries: Sequence[Summary], options: ContentOptions) -> Contents:
    """The variables that templates about several commitments share; at most `max_rows` are listed, by number."""
    erps = {erp_name(summary) for summary in summaries}
    listed = sorted(map(_row, summaries), key=lambda row: (row.number, row.project, row.title, row.total, row.url))
    return {
        "count": len(summaries),
        "erp": erps.pop() if len(erps) == 1 else UNNAMED_ERP,
        "rows": listed[: options.max_rows],
        "more": len(listed[options.max_rows :]),
        "has_projects": len({row.project for row in listed}) > 1,
        "totals": _totals(summaries),
    }


def _row(summary: Summary) -> RowContents:
    return RowContents(
        number=one_line(summary.number, _ROW_CHARACTERS),
        title=one_line(summary.title, _ROW_CHARACTERS),
        project=one_line(summary.project, _ROW_CHARACTERS),
        total=money(summary.total, summary.currency),
        url=summary.url,
    )


def _totals(summaries: Iterable[Summary]) -> str:
    """What they come to in each currency, for example "EUR 20.00 and USD 1,200.00"."""
    sums: dict[str, Decimal] = {}
    for summary in summaries:
        sums[summary.currency] = EXACT.add(sums.get(summary.currency, Decimal(0)), Decimal(summary.total))
    return enumeration(money(sums[currency], currency) for currency in sorted(sums))
