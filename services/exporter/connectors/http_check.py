"""Checks a connection of kind `http` before its first export: reaches the ERP, signs in, and searches for nothing."""

import asyncio
import re
import socket
import ssl
from http import HTTPStatus
from time import perf_counter
from urllib.parse import quote, urlsplit

import httpx2

from services.exporter.connectors.check_words import before_retrying
from services.exporter.connectors.http_body import json_of
from services.exporter.connectors.http_failure import HttpFailures, problem_in
from services.exporter.connectors.http_response import find_answer
from services.exporter.connectors.http_words import said_with_status, words_of
from services.exporter.connectors.network_error import (
    LOCAL_HOSTS,
    causes_of,
    goes_through_proxy,
    host_and_port,
    is_of_another_host,
    tls_words,
    was_reset,
)
from services.exporter.connectors.protocol import ConnectionSettings
from services.exporter.connectors.types import Checked, Refused, Transient
from services.exporter.connectors.wording import one_line
from services.pipeline.bounded_answer import AnswerTooLargeError

NOBODYS_REFERENCE = "countersign-connections-check"
"""A reference as the contract allows it, which no commitment has."""
SLOW_SHARE = 0.5
"""An answer that takes a larger share of its deadline is slow: some writes would take longer, and end in doubt."""


async def checked(
    client: httpx2.AsyncClient, settings: ConnectionSettings, documents_url: str, failures: HttpFailures
) -> tuple[Checked, ...]:
    """Return what was looked at, up to the first thing that is wrong; nothing is written."""
    url = f"{documents_url}?reference={quote(NOBODYS_REFERENCE)}"
    started = perf_counter()
    try:
        async with asyncio.timeout(settings.timeout_seconds):
            response = await client.get(url)
    except TimeoutError:
        return (Checked("address"), Checked("answer", _no_answer(settings)))
    except AnswerTooLargeError as error:
        return (*_reached(url), Checked("documents", f"The answer cannot be used: {error}. {_CONTRACT}"))
    except httpx2.HTTPError as error:
        return _unreached(error, url)
    if problem := _refusal(response, settings, failures):
        return (*_reached(url), problem)
    if problem := _no_list(response):
        return (*_reached(url), Checked("token"), problem)
    return (*_reached(url), Checked("token"), Checked("documents"), _speed(settings, perf_counter() - started))


_CONTRACT = 'A search answers 200 with JSON such as {"documents": []}; see docs/connectors/http.md.'


def _reached(url: str) -> tuple[Checked, ...]:
    return (Checked("address"), *([Checked("TLS")] if url.startswith("https:") else []))


def _no_answer(settings: ConnectionSettings) -> str:
    return (
        f"No answer to a search within {settings.timeout_seconds:g} seconds. See whether the ERP is up; if it is only "
        "slow, raise timeout_seconds."
    )


def _unreached(error: httpx2.HTTPError, url: str) -> tuple[Checked, ...]:
    """Why no answer came, as far as the errors below `error` tell."""
    host, port = host_and_port(url)
    causes = list(causes_of(error))
    if tls_error := next((each for each in causes if isinstance(each, ssl.SSLError)), None):
        return (Checked("address"), Checked("TLS", _tls_problem(tls_error, host)))
    if goes_through_proxy(url):
        return (Checked("address", one_line(_proxy_problem(error, host))),)
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return (Checked("address", f"The name {host} is not known. Correct the url, or the DNS of this machine."),)
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        container = f" In a container, {host} is the container: its machine is host.docker.internal."
        text = f"Nothing listens on {host}, port {port}. Start the ERP, or correct the url."
        return (Checked("address", text + container if host in LOCAL_HOSTS else text),)
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout) and not was_reset(error):
        return (Checked("address", f"{host} cannot be reached from here. Open the way to it in the firewall."),)
    return (Checked("address"), Checked("answer", _lost(urlsplit(url).scheme)))


def _lost(scheme: str) -> str:
    text = "The connection was lost before an answer came. See the log of the ERP."
    if scheme == "https":
        return f"{text} If it asks for a client certificate, name it in client_certificate_file."
    return f"{text} If it speaks TLS there, let the url begin with https."


def _proxy_problem(error: httpx2.HTTPError, host: str) -> str:
    return (
        f"{host} cannot be reached through the proxy that HTTPS_PROXY, HTTP_PROXY or ALL_PROXY names ({error}). "
        f"Correct that variable, let the proxy through to {host}, or name {host} in NO_PROXY."
    )


def _tls_problem(error: ssl.SSLError, host: str) -> str:
    if not isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"TLS failed: {tls_words(error)}. If the ERP asks for a client certificate, name it in "
            "client_certificate_file; if it speaks no TLS there, correct the url."
        )
    if is_of_another_host(error):
        return f"The certificate is not for {host}. Write the name in the url for which it was issued."
    return (
        f"The certificate of {host} is not trusted: {error.verify_message}. Name the file of its CA in ca_file, or let "
        "the ERP send a valid certificate with its whole chain."
    )


def _refusal(response: httpx2.Response, settings: ConnectionSettings, failures: HttpFailures) -> Checked | None:
    """What a status other than 200 means and asks for; None for 200."""
    status = response.status_code
    if status == HTTPStatus.OK:
        return None
    if httpx2.codes.is_redirect(status):
        return Checked("documents", _redirect(response))
    said = said_with_status(response)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return Checked("token", _unauthorised(settings, status, said))
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Checked("documents", one_line(f"The ERP takes no more calls for now; check again later. {said}"))
    refused = failures.refused(problem_in(response), status, said)
    advice = before_retrying(refused.next_step or _CONTRACT)
    return Checked("documents", one_line(f"{refused.message} {advice}"))


def _redirect(response: httpx2.Response) -> str:
    location = re.split("[?#]", response.headers.get("location", "elsewhere"))[0]  # the rest may hold tokens
    address = location.removesuffix("/").removesuffix("/documents")
    return one_line(
        f"The ERP redirects to {location}, and redirects are not followed. If that is the ERP, set the url of the "
        f"connection to {address}; if it is a page for signing in, it does not accept the token."
    )


def _unauthorised(settings: ConnectionSettings, status: int, said: str) -> str:
    if settings.token_env is None and settings.token_file is None:
        return one_line(f"The connection has no token. Name one in token_env or token_file. {said}")
    source = settings.token_env or settings.token_file
    if status == HTTPStatus.UNAUTHORIZED:
        return one_line(f"The ERP does not accept the token in {source}. Put a valid one there. {said}")
    return one_line(f"The token in {source} has no right to read documents. Give its user that right. {said}")


def _no_list(response: httpx2.Response) -> Checked | None:
    """Why the answer is not an empty list of documents; None if it is."""
    body = json_of(response)
    if body is None:
        begins = f" It begins: {words_of(response)[:80]}." if words_of(response) else ""
        text = f"The answer is no JSON, but perhaps a page for people.{begins} Correct the url, or the token."
        return Checked("documents", one_line(text))
    found = find_answer(response, NOBODYS_REFERENCE)
    if isinstance(found, (Refused, Transient)):
        return Checked("documents", one_line(f"The answer is no list of documents: {found.message} {_CONTRACT}"))
    if found:
        text = (
            f"The search for a reference that no commitment has found {len(found):,} documents. Let the ERP list only"
        )
        return Checked("documents", f"{text} those with the reference that is asked for, each with its `reference`.")
    return None


def _speed(settings: ConnectionSettings, seconds: float) -> Checked:
    if seconds <= settings.timeout_seconds * SLOW_SHARE:
        return Checked("answer")
    text = f"A search took {seconds:.1f} of the {settings.timeout_seconds:g} seconds that a call may take."
    return Checked("answer", f"{text} Raise timeout_seconds, or writes will end in doubt.")
