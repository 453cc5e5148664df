"""Every failure that people read is in whole, short sentences, with an owner and a next step, and without internals."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from string import Formatter

import httpx2
import pytest

from schemas.events import Failure
from schemas.fields import Owner
from services.exporter.connectors import lambda_erp_failure, tryton_answer
from services.exporter.connectors.failure_table import FailureEntry, FailureTable
from services.exporter.connectors.http_failure import HttpFailures
from services.exporter.connectors.http_response import write_answer
from services.exporter.connectors.lambda_erp_failure import LambdaErpFailures
from services.exporter.connectors.network_error import why_unreached
from services.exporter.connectors.pull import Reply
from services.exporter.connectors.quickbooks.failures import Failures
from services.exporter.connectors.quickbooks.reply import MessageSet
from services.exporter.connectors.types import Refused, Transient, Unknown
from services.exporter.rules.about import About
from services.exporter.rules.failures import failure_of, given_up, not_stored

MAX_SENTENCE_CHARACTERS = 300
ABOUT = About("SC-014", "Main books")
TABLES = {
    "http": FailureTable.of_package("services.exporter.connectors", "http.failures.toml"),
    "lambda_erp": lambda_erp_failure.FAILURES.after((), erp="Main books"),
    "quickbooks_desktop": Failures((), "Main books").table,
    "tryton": tryton_answer.FAILURES.after((), erp="Main books"),
}
ENTRIES = [(name, entry) for name, table in TABLES.items() for entry in table.entries]
WRITTEN: dict[str, Callable[[httpx2.Response], object]] = {
    "http": lambda response: write_answer(response, HttpFailures((), "Main books"), "SC-014"),
    "lambda_erp": lambda response: LambdaErpFailures((), "Main books").of_write(response, {}),
    "tryton": lambda response: tryton_answer.answer_of(response, TABLES["tryton"]),
}
STATUSES = (*range(200, 209), *range(300, 309), *range(400, 452), *range(500, 512), 522)
SECRET = "https://erp.example.com/login?token=s3cret"


def flaws(text: str) -> Iterator[str]:
    """What keeps `text` from being read as plain sentences."""
    if not text.rstrip("\"')").endswith((".", "?", "!")):
        yield "it has no full stop"
    if len(text) > MAX_SENTENCE_CHARACTERS:
        yield "it is long"
    if re.search(r"\b[A-Z]\w*[a-z](Error|Exception|Timeout)\b", text):
        yield "it names a class"
    if re.search(r"\w://|s3cret|token=", text):
        yield "it has an address"
    if re.search(r"[{}]|\(\)|\(\s|\s\)|\s[.,;:]|\.\.|:\.|  |^[ .,:]", text):
        yield "something is left out of it"


def flaws_of(failure: Failure) -> list[str]:
    """What people cannot read in `failure`, or what they miss."""
    return [f"{why}: {text}" for text in (failure.message, failure.next_step) for why in flaws(text)]


def filled(entry: FailureEntry) -> Refused:
    """Return the refusal of `entry` where everything that it may name is known."""
    names = {name for text in (entry.sentence, entry.next_step or "") for _, name, _, _ in Formatter().parse(text)}
    values = dict.fromkeys(filter(None, names), "7") | {"place": "SC-014, line 3: ", "erp": "Main books"}
    return entry.refused("E-1", values | {"text": "The vendor is on hold"})


@pytest.mark.parametrize(("connector", "entry"), ENTRIES)
def test_an_entry_reads_as_sentences(connector: str, entry: FailureEntry) -> None:
    assert flaws_of(failure_of(filled(entry), is_in_erp=False)) == [], connector


@pytest.mark.parametrize(("connector", "entry"), ENTRIES)
def test_nobody_but_an_approver_is_told_to_reject(connector: str, entry: FailureEntry) -> None:
    failure = failure_of(filled(entry), is_in_erp=False)
    is_told = re.search(r"(^|[.;,:] |\bor )reject\b", failure.next_step, re.IGNORECASE)
    assert not is_told or failure.owner == Owner.APPROVER, connector


@pytest.mark.parametrize("connector", WRITTEN)
@pytest.mark.parametrize("body", [b"", b'{"detail": "The vendor is on hold"}', b"<h1>Bad gateway</h1>"])
def test_whatever_the_status_the_failure_reads_as_sentences(connector: str, body: bytes) -> None:
    for status in STATUSES:
        answer = WRITTEN[connector](httpx2.Response(status, content=body, headers={"Location": SECRET.split("//")[1]}))
        if isinstance(answer, (Transient, Unknown)):
            assert list(flaws(answer.message)) == [], status
        failure = failure_of(final(answer), is_in_erp=False)
        assert (flaws_of(failure), bool(failure.next_step)) == ([], True), status


@pytest.mark.parametrize("words", ["", "There was an error", 'The reference to QuickBooks Vendor "Acme" is invalid.'])
def test_whatever_quickbooks_answers_the_failure_reads_as_sentences(words: str) -> None:
    failures = Failures((), "Main books")
    for status in range(1_000, 9_200):
        reply = Reply(f'<QBXML><QBXMLMsgsRs><ARs statusCode="{status}"/></QBXMLMsgsRs></QBXML>')
        answers = failures.answers_in(reply)
        assert isinstance(answers, MessageSet)
        response = replace(answers.responses[0], message=words)
        answer = failures.of_error(response, {"vendor": "Acme", "place": ""})
        failure = failure_of(final(answer), is_in_erp=False)
        assert (flaws_of(failure), bool(failure.next_step)) == ([], True), status
    for hresult in ("0x80040400", "0x80040401", "0x80040408", "0x8004041D", "x"):
        unread = failures.answers_in(Reply("", hresult, words))
        assert not isinstance(unread, MessageSet)
        assert flaws_of(failure_of(final(unread), is_in_erp=False)) == [], hresult


@pytest.mark.parametrize(
    "error", [httpx2.ConnectError("s3cret"), httpx2.ConnectTimeout("s3cret"), httpx2.PoolTimeout("s3cret")]
)
def test_why_nobody_was_reached_is_said_without_the_address_that_was_called(error: httpx2.HTTPError) -> None:
    message = f"Main books could not be reached: {why_unreached(error, SECRET)}."
    assert flaws_of(failure_of(given_up(ABOUT, message, 10), is_in_erp=False)) == []


def test_who_ends_a_connection_is_not_said_to_take_none() -> None:
    reset = httpx2.ConnectError("s3cret")
    reset.__cause__ = ConnectionResetError()

    assert why_unreached(reset, SECRET) == "erp.example.com, port 443, ended the connection at once"


@pytest.mark.parametrize("table", TABLES)
def test_no_entry_is_hidden_by_an_earlier_one(table: str) -> None:
    assert hidden(TABLES[table]) == []


@pytest.mark.parametrize(
    "text",
    ["No full stop", "x" * 400 + ".", "Failed (ConnectError).", f"See {SECRET}.", "Line  is wrong.", "Lost: ."],
)
def test_a_text_that_nobody_should_read_is_found(text: str) -> None:
    assert list(flaws(text)) != []


def test_an_entry_that_can_never_count_is_found() -> None:
    first = FailureEntry.model_validate({"code": "http_4*", "class": "fix_data"})
    second = FailureEntry.model_validate({"code": "http_422", "contains": "x", "class": "fix_data"})
    assert hidden(FailureTable([first, second])) == ["http_422 x"]


def final(answer: object) -> Refused:
    """Return how an export fails in the end to whose write the ERP keeps giving `answer`."""
    if isinstance(answer, Refused):
        return answer
    assert isinstance(answer, (Transient, Unknown))
    if isinstance(answer, Unknown) and answer.refusal:
        return not_stored(ABOUT, answer.refusal)
    return given_up(ABOUT, answer.message, 10)


def hidden(table: FailureTable) -> list[str]:
    """Entries before which another one fits whatever they fit."""
    entries = table.entries
    return [
        f"{entry.code} {entry.contains}".strip()
        for index, entry in enumerate(entries)
        if any(each.fits(entry.code, entry.contains) for each in entries[:index])
    ]
