"""The Web Connector over real SOAP, with an independent service (qbwc-kit) and with scripted answers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi import FastAPI, Request, Response
from pydantic import SecretStr
from qbwc_kit import soap
from qbwc_kit.server import create_app
from qbwc_kit.service import QBWCService
from qbwc_kit.session import Session as ServiceSession
from qbwc_kit.session import StaticAuthenticator

from sandbox.erp.faults import Calls
from sandbox.faults import FaultInjector
from sandbox.quickbooks.books import company_file, other_file
from sandbox.quickbooks.conversation import Outcome, Session
from sandbox.quickbooks.faults import QuickBooksFault, QuickBooksFaultKind
from sandbox.quickbooks.hresult import Hresult
from sandbox.quickbooks.journal import Journal
from sandbox.quickbooks.program import QuickBooks
from sandbox.quickbooks.web_connector import WebConnector
from sandbox.serving import listen, served
from tests.qbxml_requests import MARKER, a_query, an_add, answered, message_set
from tests.waiting import eventually

USER, PASSWORD = "harbor", "Größe & <more>"
PATH = "/quickbooks"
ONE_REQUEST = ["serverVersion", "clientVersion", "authenticate", "sendRequestXML", "receiveResponseXML"]
WRITE = message_set(an_add(), newMessageSetID="m-1")
CHECK = message_set(oldMessageSetID="m-1", newMessageSetID="m-1")
KINDS = QuickBooksFaultKind


@dataclass
class Office:
    """A computer with QuickBooks and a Web Connector, and the requests that wait for it at the service."""

    journal: Journal = field(default_factory=Journal)
    faults: FaultInjector[QuickBooksFault] = field(default_factory=FaultInjector)
    work: list[str] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.quickbooks = QuickBooks([company_file(self.journal), other_file(self.journal)], self.journal)

    def connector(self, url: str, password: str = PASSWORD) -> WebConnector:
        return WebConnector(
            f"{url}{PATH}",
            self.quickbooks,
            self.faults,
            user=USER,
            password=SecretStr(password),
            interval_seconds=0.02,
        )


class Work:
    """All texts in one task of the service, which ends when each has been answered."""

    name = "work"

    def __init__(self, texts: list[str]) -> None:
        self.texts = texts

    def run(self, _context: Any) -> Iterator[str]:
        while self.texts:
            yield self.texts.pop(0)


@pytest.fixture
def office() -> Office:
    return Office()


@asynccontextmanager
async def serving(office: Office, ended: list[ServiceSession] | None = None) -> AsyncIterator[str]:
    """Serve `office.work` with qbwc-kit; no task means that there is no work."""
    authenticator = StaticAuthenticator(USER, PASSWORD, [])
    authenticator.tasks_for = lambda _user: [Work(office.work)] if office.work else []  # type: ignore[method-assign]
    service = QBWCService(authenticator, on_session_end=(ended if ended is not None else []).append)
    async with served(create_app(service, endpoint_url="http://127.0.0.1/", path=PATH)) as url:
        yield url


@asynccontextmanager
async def scripted(office: Office, **answers: Any) -> AsyncIterator[str]:
    """Serve these answers by method, a list one after the other; what the Web Connector says goes to `office.told`."""
    app = FastAPI()
    given = {
        "authenticate": ["ticket", ""],
        "closeConnection": "OK",
        "serverVersion": "1",
        "clientVersion": "",
    } | answers

    @app.post(PATH)
    async def call(request: Request) -> Response:
        asked = soap.parse_request(await request.body())
        office.told.append({"method": asked.method, **asked.params, "action": request.headers["soapaction"]})
        answer = given[asked.method]
        answer = answer.pop(0) if asked.method != "authenticate" and isinstance(answer, list) else answer
        return answer if isinstance(answer, Response) else Response(soap.build_response(asked.method, answer))

    async with served(app) as url:
        yield url


async def update(office: Office) -> Session:
    async with serving(office) as url:
        return await office.connector(url).update()


def switch_on(office: Office, kind: QuickBooksFaultKind, **settings: Any) -> None:
    office.faults.switch_on(QuickBooksFault(kind=kind, times=1, **settings))


async def test_a_request_is_carried_out_and_its_answer_brought_back(office: Office) -> None:
    office.work = [WRITE]
    ended: list[ServiceSession] = []
    async with serving(office, ended) as url:
        session = await office.connector(url).update()

    assert session.outcome is Outcome.DONE
    assert session.calls == [*ONE_REQUEST, "closeConnection"]
    assert (session.progress, session.message) == (100, "OK")
    assert office.journal.created() == {"commitment-8841": 1}
    assert [each.errors for each in ended] == [[]]
    assert ended[0].context.company_file == office.quickbooks.open_file.path
    assert (ended[0].context.country, ended[0].context.qbxml_version) == ("US", "16.0")


async def test_all_requests_of_a_conversation_are_carried_out_in_their_order(office: Office) -> None:
    office.work = [message_set(a_query("Vendor")), WRITE, message_set(a_query("PurchaseOrder", RefNumber="SC-014"))]
    session = await update(office)

    assert session.calls.count("sendRequestXML") == session.calls.count("receiveResponseXML") == 3
    assert [each.request for each in office.journal.entries] == [
        "VendorQueryRq",
        "PurchaseOrderAddRq",
        "PurchaseOrderQueryRq",
    ]
    assert answered(session.responses[-1]).text("PurchaseOrderRet/Memo") == MARKER


async def test_without_work_nothing_is_asked(office: Office) -> None:
    session = await update(office)

    assert (session.outcome, session.calls) == (Outcome.NO_WORK, ONE_REQUEST[:3])


async def test_a_wrong_password_is_no_work_either(office: Office) -> None:
    office.work = [WRITE]
    async with serving(office) as url:
        session = await office.connector(url, "wrong").update()

    assert (session.outcome, session.calls) == (Outcome.NOT_SIGNED_IN, ONE_REQUEST[:3])
    assert office.work == [WRITE]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda quickbooks: setattr(quickbooks, "is_running", False), Hresult.NOT_STARTED),
        (lambda quickbooks: setattr(quickbooks, "has_dialog", True), Hresult.DIALOG),
    ],
)
async def test_a_quickbooks_that_cannot_be_opened_is_reported(
    office: Office, change: Callable[[QuickBooks], None], code: Hresult
) -> None:
    office.work = [WRITE]
    change(office.quickbooks)
    async with scripted(office, connectionError="done") as url:
        session = await office.connector(url).update()

    assert (session.outcome, session.calls[-1]) == (Outcome.NO_QUICKBOOKS, "connectionError")
    assert office.told[-1] == {
        "method": "connectionError",
        "ticket": "ticket",
        "hresult": code,
        "message": code.meaning,
        "action": '"http://developer.intuit.com/connectionError"',
    }


async def test_another_company_file_than_the_wanted_one_is_not_touched(office: Office) -> None:
    wanted = office.quickbooks.files[0].path
    office.quickbooks.open(office.quickbooks.files[1].path)
    async with scripted(office, authenticate=["ticket", wanted], connectionError="done") as url:
        session = await office.connector(url).update()

    assert session.message.startswith("0x8004040A ")
    assert not office.journal.entries


async def test_after_a_failed_opening_the_application_may_name_another_file(office: Office) -> None:
    answers = {"authenticate": ["ticket", "C:\\gone.qbw"], "connectionError": "", "sendRequestXML": ""}
    async with scripted(office, **answers, getLastError="Nothing to do.") as url:
        session = await office.connector(url).update()

    assert session.calls[3:] == ["connectionError", "sendRequestXML", "getLastError", "closeConnection"]


async def test_where_any_file_will_do_the_open_one_is_written_to_and_named(office: Office) -> None:
    office.quickbooks.open(office.quickbooks.files[1].path)
    async with scripted(office, sendRequestXML=[WRITE], receiveResponseXML=100) as url:
        await office.connector(url).update()

    first = office.told[3]
    assert first["strCompanyFileName"].endswith("Bayside Homes.qbw")
    assert "<CompanyName>Bayside Homes</CompanyName>" in first["strHCPResponse"]
    assert [each.company for each in office.journal.entries] == ["Bayside Homes"]


async def test_only_the_first_request_for_work_tells_of_quickbooks(office: Office) -> None:
    queries = [message_set(a_query("Vendor")), message_set(a_query("Item"))]
    async with scripted(office, sendRequestXML=queries, receiveResponseXML=[50, 100]) as url:
        await office.connector(url).update()

    told = [each["strHCPResponse"] for each in office.told if each["method"] == "sendRequestXML"]
    assert all(name in told[0] for name in ("HostQueryRs", "CompanyQueryRs", "PreferencesQueryRs"))
    assert told[1] == ""


async def test_a_negative_progress_ends_with_the_last_error(office: Office) -> None:
    async with scripted(office, sendRequestXML=WRITE, receiveResponseXML=-1, getLastError="The order is wrong.") as url:
        session = await office.connector(url).update()

    assert session.calls[-3:] == ["receiveResponseXML", "getLastError", "closeConnection"]
    assert (session.outcome, session.message) == (Outcome.STOPPED, "The order is wrong.")


async def test_an_application_may_say_that_it_is_not_ready_yet(office: Office) -> None:
    async with scripted(office, sendRequestXML=["", ""], getLastError=["NoOp", ""]) as url:
        session = await office.connector(url).update()

    assert session.calls[3:] == ["sendRequestXML", "getLastError", "sendRequestXML", "getLastError", "closeConnection"]


async def test_a_version_that_is_refused_ends_before_the_sign_in(office: Office) -> None:
    async with scripted(office, clientVersion="E:Too old.") as url:
        session = await office.connector(url).update()

    assert (session.outcome, session.message, session.calls) == (Outcome.TOO_OLD, "E:Too old.", ONE_REQUEST[:2])


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (["", "busy", "1"], Outcome.BUSY),
        (["", "none", "1"], Outcome.NO_WORK),
    ],
)
async def test_the_application_says_how_long_to_wait(office: Office, answer: list[str], outcome: Outcome) -> None:
    async with scripted(office, authenticate=answer) as url:
        connector = office.connector(url)
        polling = asyncio.create_task(connector.run())
        await asyncio.sleep(0.6)
        asked = len(office.told)
        await eventually(lambda: connector.sessions[0].times > 1)
        polling.cancel()

    assert asked == 3
    assert connector.sessions[0].outcome is outcome


@pytest.mark.parametrize(
    "answer",
    [
        Response("<html>Please sign in.</html>", 503),
        Response("no XML", 200),
        Response(soap.build_fault("broken"), 500),
    ],
)
async def test_an_answer_that_is_none_ends_the_conversation(office: Office, answer: Response) -> None:
    async with scripted(office, authenticate=answer) as url:
        session = await office.connector(url).update()

    assert session.outcome is Outcome.FAULT
    assert session.message.startswith("authenticate was answered with")


async def test_nobody_there_is_tried_again_until_somebody_is(office: Office) -> None:
    office.work = [WRITE]
    async with serving(office) as url:
        pass
    connector = office.connector(url)
    polling = asyncio.create_task(connector.run())
    await eventually(lambda: bool(connector.sessions) and connector.sessions[0].times > 2)
    port = int(url.rpartition(":")[2])
    service = QBWCService(StaticAuthenticator(USER, PASSWORD, [Work(office.work)]))
    async with served(create_app(service, endpoint_url=url, path=PATH), listen(port)):
        await eventually(lambda: office.journal.created() == {"commitment-8841": 1})
    polling.cancel()

    assert connector.sessions[0].outcome is Outcome.UNREACHABLE


async def test_while_it_is_paused_nothing_is_asked(office: Office) -> None:
    async with scripted(office, authenticate=["", "none"]) as url:
        connector = office.connector(url)
        connector.is_paused = True
        polling = asyncio.create_task(connector.run())
        await asyncio.sleep(0.2)
        asked = len(office.told)
        connector.is_paused = False
        await eventually(lambda: len(office.told) >= 3)
        polling.cancel()

    assert asked == 0


@pytest.mark.parametrize(
    ("kind", "calls", "stored"),
    [
        (KINDS.DIE_AFTER_SIGN_IN, ONE_REQUEST[:3], 0),
        (KINDS.DIE_BEFORE_QUICKBOOKS, ONE_REQUEST[:4], 0),
        (KINDS.LOSE_ANSWER, ONE_REQUEST[:4], 1),
    ],
)
async def test_the_web_connector_dies_where_it_is_told_to(
    office: Office, kind: QuickBooksFaultKind, calls: list[str], stored: int
) -> None:
    office.work = [WRITE]
    switch_on(office, kind)
    died = await update(office)

    assert (died.outcome, died.calls) == (Outcome.DIED, calls)
    assert len(office.quickbooks.open_file.orders) == stored
    assert office.faults.faults == ()


async def test_after_a_lost_answer_a_check_brings_it(office: Office) -> None:
    office.work = [WRITE]
    switch_on(office, KINDS.LOSE_ANSWER)
    await update(office)
    office.work = [CHECK]
    checked = await update(office)

    assert answered(checked.responses[0]).text("PurchaseOrderRet/RefNumber") == "SC-014"
    assert len(office.quickbooks.open_file.orders) == 1


@pytest.mark.parametrize(
    ("kind", "settings", "code", "words"),
    [
        (KINDS.REFUSE, {"message": "The accounting period is closed."}, 3171, "The accounting period is closed."),
        (KINDS.REFUSE, {"code": 3260}, 3260, "QuickBooks was told to refuse this."),
        (KINDS.LOCKED, {}, 3176, "could not be locked"),
    ],
)
async def test_quickbooks_refuses_a_write_when_it_is_told_to(
    office: Office, kind: QuickBooksFaultKind, settings: dict[str, Any], code: int, words: str
) -> None:
    office.work = [message_set(a_query("Vendor")), WRITE, message_set(an_add(), newMessageSetID="m-2")]
    switch_on(office, kind, **settings)
    told = [answered(each) for each in (await update(office)).responses]

    assert [each.code for each in told] == [0, code, 0]
    assert words in told[1].message
    assert len(office.quickbooks.open_file.orders) == 1


@pytest.mark.parametrize(("kind", "stored"), [(KINDS.HRESULT_BEFORE_STORING, 0), (KINDS.HRESULT_AFTER_STORING, 1)])
async def test_quickbooks_fails_as_a_whole_when_it_is_told_to(
    office: Office, kind: QuickBooksFaultKind, stored: int
) -> None:
    switch_on(office, kind)
    async with scripted(office, sendRequestXML=[WRITE], receiveResponseXML=-1, getLastError="") as url:
        await office.connector(url).update()

    told = next(each for each in office.told if each["method"] == "receiveResponseXML")
    assert (told["response"], told["hresult"], told["message"]) == ("", "0x80040402", Hresult.UNEXPECTED.meaning)
    assert len(office.quickbooks.open_file.orders) == stored


async def test_half_of_an_answer_arrives_when_it_is_told_to(office: Office) -> None:
    switch_on(office, KINDS.CUT_ANSWER)
    async with scripted(office, sendRequestXML=[WRITE], receiveResponseXML=-1, getLastError="") as url:
        await office.connector(url).update()

    told = next(each for each in office.told if each["method"] == "receiveResponseXML")
    assert "PurchaseOrderRet" in told["response"]
    assert "</QBXML>" not in told["response"]


async def test_quickbooks_takes_its_time_when_it_is_told_to(office: Office) -> None:
    office.work = [WRITE]
    switch_on(office, KINDS.SLOW, seconds=0.3)
    began = asyncio.get_running_loop().time()
    session = await update(office)

    assert asyncio.get_running_loop().time() - began >= 0.3
    assert session.outcome is Outcome.DONE


async def test_what_the_parser_refuses_comes_back_as_a_code(office: Office) -> None:
    async with scripted(office, sendRequestXML=["<QBXML/>"], receiveResponseXML=-1, getLastError="") as url:
        await office.connector(url).update()

    told = next(each for each in office.told if each["method"] == "receiveResponseXML")
    assert (told["response"], told["hresult"]) == ("", "0x80040400")


def test_a_fault_of_one_commitment_hits_no_other_and_no_search() -> None:
    fault = QuickBooksFault(kind=KINDS.REFUSE, reference="commitment-8841")
    search = QuickBooksFault(kind=KINDS.SLOW, calls=Calls.SEARCHES, reference="SC-014")
    every = QuickBooksFault(kind=KINDS.SLOW, calls=Calls.EVERY)
    query = message_set(a_query("PurchaseOrder", RefNumber="SC-014"))

    assert fault.hits_request(WRITE)
    assert not fault.hits_request(WRITE.replace("commitment-8841", "commitment-88412"))
    assert not fault.hits_request(query)
    assert (search.hits_request(query), search.hits_request(WRITE)) == (True, False)
    assert every.hits_request(query)
    assert every.hits_request(WRITE)
    assert not any(each.hits_sign_in for each in (fault, search, every))
