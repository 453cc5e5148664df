"""What all mails about a commitment share: how they name it, where they link to and how long they are useful."""

from datetime import timedelta
from urllib.parse import quote

from schemas.commitment import Summary
from schemas.events import CommitmentData
from services.notifier.rules.mails.mail_type import ContentOptions, Contents
from services.notifier.rules.wording import one_line
from services.pipeline.failure_words import UNNAMED_ERP
from services.pipeline.formats import money

USEFUL_FOR = timedelta(days=7)
_SUBJECT_TITLE_CHARACTERS = 150
_SUBJECT_NAME_CHARACTERS = 80


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
