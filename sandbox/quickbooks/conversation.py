"""One conversation of the Web Connector with an application, call by call in the order of Intuit's guide.

serverVersion, clientVersion, authenticate; then sendRequestXML and receiveResponseXML until there is no more work; then
closeConnection. A negative progress or an empty request is followed by getLastError, and “NoOp” there means to wait and
ask again. Where QuickBooks cannot be opened, connectionError is called instead: “done” ends the update without
closeConnection (our reading), and anything else is another company file to try.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sandbox.faults import FaultInjector
from sandbox.quickbooks.company_file import CompanyFile
from sandbox.quickbooks.faults import QuickBooksFault, QuickBooksFaultKind
from sandbox.quickbooks.hresult import Hresult, HresultError
from sandbox.quickbooks.program import QuickBooks, host_company_preferences
from sandbox.quickbooks.qbxml import NEWEST_VERSION
from sandbox.quickbooks.soap import SoapClient

CLIENT_VERSION = "2.3.0.215"
ALL_DONE = 100
MAX_IDLE_ASKS = 3
_NO_OPERATION = "NoOp"
_KINDS = QuickBooksFaultKind


class Outcome(StrEnum):
    """How a conversation ended, in words for the page."""

    DONE = "done"
    NO_WORK = "no work"
    BUSY = "asked to come back"
    NOT_SIGNED_IN = "not signed in"
    TOO_OLD = "refused because of its version"
    NO_QUICKBOOKS = "no access to QuickBooks"
    STOPPED = "stopped by the application"
    DIED = "the Web Connector died"
    FAULT = "an answer that is none"
    UNREACHABLE = "the application did not answer"


_WITHOUT_WORK = {"none": Outcome.NO_WORK, "busy": Outcome.BUSY, "nvu": Outcome.NOT_SIGNED_IN}


@dataclass(slots=True)
class Session:
    """What happened in a conversation; `times` counts those in a row in which the same happened."""

    began_at: datetime
    outcome: Outcome = Outcome.DONE
    message: str = ""
    calls: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    responses: list[str] = field(default_factory=list)
    progress: int | None = None
    wait_seconds: int = 0
    times: int = 1

    @property
    def is_idle(self) -> bool:
        """Whether QuickBooks was asked nothing."""
        return not self.requests

    def is_like(self, other: "Session") -> bool:
        """Whether nothing else happened in `other`, so that one row can show both."""
        return self.is_idle and other.is_idle and (self.outcome, self.message) == (other.outcome, other.message)


class DiedError(Exception):
    """The Web Connector ends in the middle of a conversation, as by a power cut."""


class Conversation:
    """The Web Connector between `service` and `quickbooks`, until `hold` has been called to its end."""

    def __init__(
        self, service: SoapClient, quickbooks: QuickBooks, faults: FaultInjector[QuickBooksFault], session: Session
    ) -> None:
        self.session = session
        self._service = service
        self._quickbooks = quickbooks
        self._faults = faults
        self._ticket = ""

    async def hold(self, user: str, password: str) -> None:
        """Hold the conversation; DiedError, SoapError and httpx2.HTTPError end it in the middle."""
        await self._call("serverVersion")
        verdict = await self._call("clientVersion", strVersion=CLIENT_VERSION)
        if verdict.startswith("E:"):
            self._ends(Outcome.TOO_OLD, verdict)
            return
        path = await self._sign_in(user, password)
        if path is None:
            return
        file = await self._open(path)
        if file is None:
            return
        try:
            await self._work(file)
        finally:
            file.end_session()
        closing = await self._ticketed("closeConnection")
        self.session.message = self.session.message or closing

    async def _sign_in(self, user: str, password: str) -> str | None:
        """Return the path of the company file to open; None if there is nothing to do."""
        self.session.calls.append("authenticate")
        ticket, path, *numbers = await self._service.strings("authenticate", strUserName=user, strPassword=password)
        self._ticket = ticket
        self.session.wait_seconds = int(numbers[0]) if numbers and numbers[0].isdigit() else 0
        if path in _WITHOUT_WORK:
            self._ends(_WITHOUT_WORK[path])
            return None
        if self._faults.take(lambda fault: fault.hits_sign_in):
            raise DiedError
        return path

    async def _open(self, path: str) -> CompanyFile | None:
        for _ in range(2):
            try:
                return self._quickbooks.begin_session(path)
            except HresultError as error:
                self._ends(Outcome.NO_QUICKBOOKS, f"{error.hresult} {error.hresult.meaning}")
                path = await self._ticketed("connectionError", hresult=error.hresult, message=error.hresult.meaning)
            if path.lower() == "done":
                return None
        return None

    async def _work(self, file: CompanyFile) -> None:
        told, idle_asks = host_company_preferences(file), 0
        while True:
            request = await self._request(file, told)
            told = ""
            if not request:
                idle_asks += 1
                error = await self._ticketed("getLastError")
                if error == _NO_OPERATION and idle_asks < MAX_IDLE_ASKS:
                    await asyncio.sleep(1)
                    continue
                self._ends(Outcome.DONE if self.session.requests else Outcome.NO_WORK, error)
                return
            progress = self.session.progress = await self._pass_on(file, request)
            if progress < 0:
                self._ends(Outcome.STOPPED, await self._ticketed("getLastError"))
            if not 0 <= progress < ALL_DONE:
                return

    async def _request(self, file: CompanyFile, told: str) -> str:
        return await self._ticketed(
            "sendRequestXML",
            strHCPResponse=told,
            strCompanyFileName=file.path,
            qbXMLCountry="US",
            qbXMLMajorVers=str(NEWEST_VERSION),
            qbXMLMinorVers="0",
        )

    async def _pass_on(self, file: CompanyFile, request: str) -> int:
        """Let QuickBooks carry out a request, bring the answer back, and return the progress."""
        self.session.requests.append(request)
        fault = self._faults.take(lambda each: each.hits_request(request))
        kind = fault.kind if fault else None
        await asyncio.sleep(fault.seconds if fault else 0)
        if kind is _KINDS.DIE_BEFORE_QUICKBOOKS:
            raise DiedError
        response, hresult, message = "", "", ""
        try:
            response = self._answer(file, request, fault)
        except HresultError as error:
            hresult, message = str(error.hresult), error.hresult.meaning
        if kind is _KINDS.LOSE_ANSWER:
            raise DiedError
        if kind is _KINDS.CUT_ANSWER:
            response = response[: len(response) // 2]
        self.session.responses.append(response or f"{hresult} {message}")
        progress = await self._ticketed("receiveResponseXML", response=response, hresult=hresult, message=message)
        return int(progress)

    def _answer(self, file: CompanyFile, request: str, fault: QuickBooksFault | None) -> str:
        if fault and fault.kind is _KINDS.HRESULT_BEFORE_STORING:
            raise HresultError(fault.hresult)
        response = self._quickbooks.process(file, request, fault.refusal if fault else None)
        if fault and fault.kind is _KINDS.HRESULT_AFTER_STORING:
            raise HresultError(fault.hresult)
        return response

    async def _ticketed(self, method: str, **parameters: str | Hresult) -> str:
        return await self._call(method, ticket=self._ticket, **{name: str(value) for name, value in parameters.items()})

    async def _call(self, method: str, **parameters: str) -> str:
        self.session.calls.append(method)
        return await self._service.string(method, **parameters)

    def _ends(self, outcome: Outcome, message: str = "") -> None:
        self.session.outcome, self.session.message = outcome, message
