"""Whether what is around the services answers: the public address, mail server, sign-in provider, and ERPs."""

import asyncio
import importlib
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
from pydantic import SecretStr

from services.doctor.configuration import EXAMPLE, is_loopback
from services.doctor.databases import judge_clock, nearest
from services.doctor.findings import Finding, not_checked, ok, or_ok, warning, wrong
from services.doctor.surroundings import ANSWER_SECONDS, Surroundings
from services.exporter.checking import CheckedConnection, check_connections
from services.pipeline.bounded_answer import ASK_UNPACKED, bound_answer
from services.pipeline.errors import CountersignError, SettingsError
from services.pipeline.names import SERVICES

SERVER_ERROR = 500
UNKNOWN_CA = "Set SSL_CERT_FILE to a file with its CA; docs/operations.md, “TLS and proxies”."
NO_CODE = "countersign-doctor-asks-whether-the-client-is-known"
"""Neither a code nor its verifier, which has 43 characters or more."""


async def check_public_url(around: Surroundings) -> list[Finding]:
    """Whether PUBLIC_URL is https, and somebody answers there."""
    url = around.variable("PUBLIC_URL")
    found = []
    parts = urlsplit(url)
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        text = "is not https: sessions travel in clear"
        found.append(wrong(url, text, "Put a proxy with TLS before approval, and set PUBLIC_URL to https://…"))
    try:
        answer = await _got(f"{url.rstrip('/')}/health/live", is_outside=True)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        text = f"does not answer from here: {_said(error)}"
        if is_loopback(parts.hostname or ""):
            remedy = "Right for a trial; set it to the https address of the desk before others use it."
            return [warning(url, "leads to this machine only, and nothing answers there from here", remedy)]
        return [*found, wrong(url, text, "See whether approval runs, and name, proxy and certificate are right.")]
    if answer.status_code >= SERVER_ERROR:
        remedy = "See whether approval runs behind the proxy."
        return [*found, wrong(url, f"answers {answer.status_code}", remedy)]
    return or_ok(found, url, "answers")


async def check_mail_server(around: Surroundings) -> list[Finding]:
    """Whether the mail server takes our connection, encryption and sign-in; nothing is sent."""
    url = around.variable("SMTP_URL")
    smtp = importlib.import_module("services.notifier.smtp")
    try:
        server = smtp.SmtpServer.from_url(url)
    except ValueError as error:
        return [wrong("SMTP_URL", str(error), "docs/mails.md")]
    problem = await smtp.SmtpGateway(server, send_seconds=ANSWER_SECONDS).problem()
    about = f"{server.host}:{server.port}"
    if problem is None:
        signed_in = "signed in" if server.username else "without sign-in"
        return [ok(about, f"answers; encryption: {server.security}, {signed_in}")]
    remedy = "See whether it runs, and SMTP_URL has the right port, encryption and password."
    return [wrong(about, problem, UNKNOWN_CA if _is_of_unknown_ca(problem) else remedy)]


async def check_sign_in(around: Surroundings) -> list[Finding]:
    """Whether the OpenID Connect provider can be discovered, publishes keys that we can use, and knows our client."""
    issuer = around.variable("OIDC_ISSUER")
    provider_module = importlib.import_module("services.approval.identity.sign_in.provider")
    errors = importlib.import_module("services.approval.identity.sign_in.errors")
    provider = provider_module.Provider(issuer, leeway_seconds=0)
    try:
        count = await provider.count_keys()
        found = [ok(issuer, f"answers; keys that verify tokens: {count}")]
        return [*found, await _judged_client(around, provider)]
    except errors.ProviderUnavailableError as error:
        return [wrong(issuer, error.cause, _remedy_of_issuer(issuer, error.cause))]
    finally:
        await provider.close()


def _is_of_unknown_ca(problem: str) -> bool:
    return "CERTIFICATE_VERIFY_FAILED" in problem


def _remedy_of_issuer(issuer: str, cause: str) -> str:
    if _is_of_unknown_ca(cause):
        return UNKNOWN_CA
    if is_loopback(urlsplit(issuer).hostname or ""):
        return "In a container, this name is the container: use one that browsers and approval both reach."
    return "Open OIDC_ISSUER/.well-known/openid-configuration; docs/operations.md, “The OpenID Connect provider”."


async def _judged_client(around: Surroundings, provider: Any) -> Finding:
    """Return whether the provider takes our id and secret, by asking for the tokens of a code that does not exist."""
    names = ("OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "PUBLIC_URL")
    if missing := [name for name in names if not around.environ.get(name)]:
        return not_checked("client", f"{', '.join(missing)} not set here")
    client_id, secret, public_url = (around.environ[name] for name in names)
    client_module = importlib.import_module("services.approval.identity.sign_in.client")
    errors = importlib.import_module("services.approval.identity.sign_in.errors")
    client = client_module.Client(provider, client_id, SecretStr(secret), public_url)
    try:
        await client.tokens(NO_CODE, NO_CODE)
    except errors.ProviderUnavailableError as error:
        remedy = "Compare both with the client at the provider; docs/operations.md, “The OpenID Connect provider”."
        return wrong(client_id, error.cause, remedy)
    except errors.SignInFailedError as error:
        if error.cause == client_module.UNKNOWN_CODE:
            return ok(client_id, "the provider knows this client and its secret")
        return not_checked(client_id, f"the provider answers a trial with {error.cause}")
    finally:
        await client.close()
    return not_checked(client_id, "the provider takes any code")


async def check_erps(around: Surroundings) -> list[Finding]:
    """Whether each ERP lets us in, as `countersign connections check` does."""
    path = Path(around.variable("ERP_CONNECTIONS"))
    try:
        settings = importlib.import_module("services.exporter.connections_file").read_settings(path)
    except CountersignError as error:
        return [not_checked(str(path), str(error).removeprefix(f"{path}, "))]
    found = await check_connections(path, settings, around.environ, lambda _: None)
    return [judge_connection(each) for each in found]


def judge_connection(checked: CheckedConnection) -> Finding:
    """Return what to think of a connection that was checked."""
    name = checked.settings.name
    if checked.problems:
        text = "; ".join(f"{each.what}: {each.problem}" for each in checked.problems)
        return wrong(name, text, f"countersign connections check {name}")
    return not_checked(name, checked.note) if checked.note else ok(name, "lets us in")


async def check_services(around: Surroundings) -> list[Finding]:
    """Whether each service says that it is ready, and has our time."""
    try:
        urls = around.operations().model_dump()
    except SettingsError as error:
        return [wrong("addresses", str(error), EXAMPLE)]
    asked = [_check_service(around, service, urls[f"{service}_url"]) for service in SERVICES]
    return [finding for found in await asyncio.gather(*asked) for finding in found]


async def _check_service(around: Surroundings, service: str, url: str | None) -> list[Finding]:
    if not url:
        return [not_checked(service, f"{service.upper()}_URL is not set here")]
    asked_at = around.clock()
    try:
        answer = await _got(f"{url.rstrip('/')}/health/ready")
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        text = f"does not answer at {url}: {_said(error)}"
        return [wrong(service, text, "See whether it runs; docs/runbook.md, “ServiceDown”.")]
    found = [ok(service, "is ready")]
    if not answer.is_success:
        text = f"is not ready: it answers {answer.status_code}"
        found = [wrong(service, text, "Its log says why, at most once a minute; docs/runbook.md, “ServiceNotReady”.")]
    if date := answer.headers.get("date"):
        theirs = date_of(date)
        found.append(judge_clock(service, theirs, nearest(theirs, asked_at.replace(microsecond=0), around.clock())))
    return found


def date_of(header: str) -> datetime:
    """Return the time in an HTTP header Date, which has whole seconds."""
    return parsedate_to_datetime(header).astimezone(UTC)


async def _got(url: str, *, is_outside: bool = False) -> httpx2.Response:
    """Return the answer at `url`, of which nothing is read beyond its bounds; proxies are for the world outside."""
    hooks = {"response": [bound_answer]}
    async with httpx2.AsyncClient(timeout=ANSWER_SECONDS, trust_env=is_outside, event_hooks=hooks) as client:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await client.get(url, headers=ASK_UNPACKED)
        except TimeoutError:
            raise httpx2.ReadTimeout(f"no complete answer within {ANSWER_SECONDS:g} seconds") from None


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
