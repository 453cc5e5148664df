"""Answers each of the eight calls."""

from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import version
from uuid import uuid4

from services.exporter.web_connector.client_version import answer_to_version
from services.exporter.web_connector.conversing import INVALID_USER, Conversing, HostFacts
from services.exporter.web_connector.envelope import Call
from services.exporter.web_connector.methods import Answer
from services.exporter.web_connector.sign_in import SignIns

Values = Mapping[str, str]


class Calls:
    """Passes each call on to `conversing`, after a sign-in."""

    def __init__(self, conversing: Conversing, sign_ins: SignIns) -> None:
        self._conversing = conversing
        self._sign_ins = sign_ins
        self._server_version = f"Countersign {version('countersign')}"
        self._handlers: Mapping[str, Callable[[Values, str], Awaitable[Answer]]] = {
            "serverVersion": self._tell_server_version,
            "clientVersion": self._tell_about_client_version,
            "authenticate": self._authenticate,
            "sendRequestXML": self._send_request,
            "receiveResponseXML": self._receive_response,
            "connectionError": self._connection_error,
            "getLastError": self._last_error,
            "closeConnection": self._close,
        }

    async def answer(self, call: Call, address: str) -> Answer:
        """Return the answer to `call`, which came from `address`."""
        return await self._handlers[call.method](call.values, address)

    async def _tell_server_version(self, _values: Values, _address: str) -> Answer:
        return self._server_version

    async def _tell_about_client_version(self, values: Values, _address: str) -> Answer:
        return answer_to_version(values["strVersion"])

    async def _authenticate(self, values: Values, address: str) -> Answer:
        connection = await self._sign_ins.connection_of(values["strUserName"], values["strPassword"], address)
        if connection is None:
            return str(uuid4()), INVALID_USER  # Intuit's samples answer a ticket in any case
        admission = await self._conversing.begin(connection, address)
        wait = () if admission.wait_seconds is None else (str(admission.wait_seconds),)
        return admission.ticket, admission.answer, *wait

    async def _send_request(self, values: Values, _address: str) -> Answer:
        host = HostFacts(
            company_file=values["strCompanyFileName"],
            country=values["qbXMLCountry"],
            major_version=values["qbXMLMajorVers"],
            minor_version=values["qbXMLMinorVers"],
            response=values["strHCPResponse"],
        )
        return await self._conversing.next_request(values["ticket"], host)

    async def _receive_response(self, values: Values, _address: str) -> Answer:
        return await self._conversing.take_reply(
            values["ticket"], values["response"], values["hresult"], values["message"]
        )

    async def _connection_error(self, values: Values, _address: str) -> Answer:
        return await self._conversing.connection_failed(values["ticket"], values["hresult"], values["message"])

    async def _last_error(self, values: Values, _address: str) -> Answer:
        return await self._conversing.last_error(values["ticket"])

    async def _close(self, values: Values, _address: str) -> Answer:
        return await self._conversing.end(values["ticket"])
