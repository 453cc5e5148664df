"""Reads the lists of vendors, items and jobs, part by part, with an iterator that QuickBooks keeps."""

from typing import Any

from services.exporter.connectors.pull import ListEntry, ListPage, Question, Reply
from services.exporter.connectors.quickbooks.elements import Element
from services.exporter.connectors.quickbooks.failures import Failures, of_question
from services.exporter.connectors.quickbooks.questions import Questions
from services.exporter.connectors.quickbooks.reply import NO_MATCH, MessageSet, Response, text_of
from services.exporter.connectors.types import Refused, Transient

JOB = "job"
LISTS = {"vendor": "Vendor", "item": "Item", JOB: "Customer"}
"""Our lists, and what QuickBooks calls what is in them: a job is a customer whose full name has a colon."""

ENTRIES_PER_PAGE = 500
_WANTED = ("ListID", "Name", "FullName", "IsActive")


def list_question(questions: Questions, name: str, page: str | None) -> Question:
    """Return the question for a part of the list `name`; the id of the iterator is the page."""
    members = (
        Element("MaxReturned", str(ENTRIES_PER_PAGE)),
        Element("ActiveStatus", "All"),
        *(Element("IncludeRetElement", each) for each in _WANTED),
    )
    iterator = {"iterator": "Start"} if page is None else {"iterator": "Continue", "iteratorID": page}
    return questions.reads([(Element(f"{LISTS[name]}QueryRq", members), iterator)])


def list_page(failures: Failures, name: str, reply: Reply) -> ListPage | Refused | Transient:
    """Read the reply to `list_question`; the lists change nothing in QuickBooks, so any doubt is Transient."""
    answers = failures.answers_in(reply)
    if not isinstance(answers, MessageSet):
        return of_question(answers)
    responses = answers.named(f"{LISTS[name]}QueryRs")
    if len(responses) != 1:
        return Transient("The answer of QuickBooks is to another question.", is_reached=True)
    response = responses[0]
    if response.is_error:
        return of_question(failures.of_error(response, {}))
    return _page(response)


def _page(response: Response) -> ListPage | Transient:
    entries = tuple(entry for each in response.returned if (entry := _entry(each)))
    iterator, left = response.attributes.get("iteratorID"), response.attributes.get("iteratorRemainingCount", "0")
    remaining = int(left) if left.isascii() and left.isdecimal() else 0
    if remaining and not iterator:
        return Transient("QuickBooks has more of the list, and does not say how to go on.", is_reached=True)
    is_last = remaining == 0 or response.status == NO_MATCH
    return ListPage(entries, None if is_last else iterator, 0 if is_last else remaining)


def _entry(element: Any) -> ListEntry | None:
    """Return the entry that `element` is; some kinds of item have no full name, but only a name."""
    entry_id, name = text_of(element, "ListID"), text_of(element, "FullName") or text_of(element, "Name")
    if not entry_id or not name:
        return None
    return ListEntry(entry_id, name, text_of(element, "IsActive") != "false")
