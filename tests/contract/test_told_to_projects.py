"""What people of a project read of a failed export: no codes of programs, no set-up, no networks, whatever failed."""

import re
from collections.abc import Iterator

import httpx2
import pytest

from schemas.commitment import ErpDocument
from schemas.events import Failure
from services.approval.rules.commitment import current_status
from services.approval.rules.failures import suggested_reason
from services.approval.rules.status import commitment_status
from services.exporter.connectors.failure_table import FailureEntry
from services.exporter.connectors.network_error import why_unreached
from services.exporter.rules import failures
from services.exporter.rules.failures import failure_of
from services.exporter.rules.outcome import DocumentGone
from tests.contract.test_failure_sentences import ABOUT, ENTRIES, SECRET, STATUSES, WRITTEN, filled, final
from tests.unit.approval.rules.event_builders import EXPORTING, after, export_failed_as
from tests.unit.notifier.event_builders import SUMMARY, export_failed, text_of

_CONNECTION = "main-books"
_IS_MACHINERY = (
    r"\bHTTPS?\b|\bhttp_|\bJSON\b|\bSIGHUP\b|\bTLS\b|\bTOML\b|\bERP_\w+",
    r"\b(TxnID|ListID|HRESULT|qbXML|traceback|url|token|hashes|marker|SSL)\b",
    r"\b[a-z]+_[a-z_]+\b",  # the name of a setting, a field or a code
    r"\b[A-Z]\w*[a-z](Error|Exception|Timeout)\b",
    r"0x[0-9A-Fa-f]+|\[\[|\bport \d+|(?<![\d,.])[45]\d\d\b(?![,.]\d)",
    rf"\b{_CONNECTION}\b|\bwith this message\b",
)


def machinery(text: str) -> list[str]:
    """What of `text` is no word of a project manager; links do not count."""
    words = re.sub(r"https://\S+", "", text)
    return [found[0] for each in _IS_MACHINERY for found in re.finditer(each, words)]


def told(failure: Failure) -> Iterator[str]:
    """All that people of the project read because of `failure`: the ribbon's message, a rejection, the mail."""
    commitment = after(*EXPORTING, export_failed_as(failure, connection=_CONNECTION, erp="Main books"))
    current = current_status(commitment)
    assert current is not None
    yield commitment_status(commitment, current).message
    yield suggested_reason(failure)
    yield text_of(
        export_failed(SUMMARY.model_copy(update={"connection": _CONNECTION, "erp": "Main books"}), failure=failure)
    )


def machinery_told(failure: Failure) -> list[str]:
    """What of `failure` reaches people of the project and should not."""
    return [f"{each}: {text}" for text in told(failure) for each in machinery(text)]


@pytest.mark.parametrize(("connector", "entry"), ENTRIES)
def test_what_a_code_means_is_told_in_words_of_the_trade(connector: str, entry: FailureEntry) -> None:
    refused = filled(entry)
    assert machinery_told(failure_of(refused, is_in_erp=False)) == [], connector


@pytest.mark.parametrize("connector", WRITTEN)
@pytest.mark.parametrize("body", [b"", b'{"detail": "The vendor is on hold"}', b"<h1>Bad gateway</h1>"])
def test_no_status_of_an_answer_is_told(connector: str, body: bytes) -> None:
    for status in STATUSES:
        answer = WRITTEN[connector](httpx2.Response(status, content=body, headers={"Location": "/login"}))
        assert machinery_told(failure_of(final(answer), is_in_erp=False)) == [], status


def test_no_failure_of_our_own_tells_how_we_work() -> None:
    document = ErpDocument(connection=_CONNECTION, id="A-17", number="PO-7")
    ours = [
        failures.no_connection("c-1", SUMMARY),
        failures.unknown_connection(_CONNECTION, "SC-014", None),
        failures.unknown_connection(_CONNECTION, "SC-014", document),
        failures.content_differs(ABOUT),
        failures.content_unreadable(ABOUT),
        failures.connector_broken(ABOUT, "RemoteProtocolError: peer closed connection", 3),
        failures.unmarked_document(ABOUT, "PO-7"),
        failures.duplicate_reference(ABOUT, "8841"),
        failures.reference_held(ABOUT, "8841", "PO-7", "HTTP 409"),
        failures.given_up(ABOUT, f"It could not be reached: {why_unreached(httpx2.ConnectError('x'), SECRET)}.", 10),
        DocumentGone(document, "There is no TxnID A-17 (HTTP 404).", ABOUT),
    ]
    for each in ours:
        assert machinery_told(failure_of(each, is_in_erp=False)) == []


@pytest.mark.parametrize(
    "text",
    ["No (HTTP 422).", "RemoteProtocolError.", "main-books refused it.", "Status 503.", "(document_gone)", "A TxnID."],
)
def test_machinery_is_found(text: str) -> None:
    assert machinery(text) != []
