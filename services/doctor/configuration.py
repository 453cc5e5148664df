"""Whether the environment configures each service completely, without contradictions, and keeps its secrets."""

import asyncio
import importlib
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import AliasChoices, SecretStr
from pydantic_settings import BaseSettings

from schemas.links import read_unsubscribe
from schemas.topics import PARTITIONS
from services.doctor.findings import Finding, NotCheckedError, not_checked, ok, or_ok, warning, wrong
from services.doctor.surroundings import Surroundings, settings_of
from services.pipeline.broker.inquiry import Inquiry
from services.pipeline.errors import CountersignError, SettingsError
from services.pipeline.names import SERVICES
from services.pipeline.records import Partition
from services.pipeline.settings import load

EXAMPLE = ".env.example describes each variable."
SECRET_FILES = ("KAFKA_SSL_KEY_LOCATION",)
CONNECTION_FILES = ("token_file", "client_key_file", "client_key_password_file")


async def check_settings(around: Surroundings) -> list[Finding]:
    """Whether the variables of each service are there and valid, as far as this environment has them."""
    return [judge_settings(service, settings_of(service), around.environ) for service in SERVICES]


def judge_settings(service: str, settings: type[BaseSettings], environ: Mapping[str, str]) -> Finding:
    """Return whether `settings` can be loaded; a service of which nothing of its own is set here is not looked at."""
    missing = [names for names in _required(settings) if not any(environ.get(name) for name in names)]
    others = {name for each in SERVICES if each != service for name in _names(settings_of(each))}
    own = [names for names in _required(settings) if not others & set(names)]
    words = ", ".join(" or ".join(names) for names in missing)
    if missing and all(names in missing for names in own):
        return not_checked(service, f"not set here: {words}")
    if missing:
        return wrong(service, f"not set: {words}", f"Set them for {service}; {EXAMPLE}")
    try:
        load(settings)
    except SettingsError as error:
        return wrong(service, str(error).removesuffix(" See .env.example."), EXAMPLE)
    return ok(service, "its variables are set, and valid")


def _names(settings: type[BaseSettings]) -> list[str]:
    return [name for names in _required(settings) for name in names]


def _required(settings: type[BaseSettings]) -> list[tuple[str, ...]]:
    """Return the variables that are required, each with its alternatives."""
    required = []
    for name, field in settings.model_fields.items():
        alias = field.validation_alias
        if field.is_required():
            required.append(tuple(map(str, alias.choices)) if isinstance(alias, AliasChoices) else (name.upper(),))
    return required


async def check_contradictions(around: Surroundings) -> list[Finding]:
    """Whether variables that belong together do."""
    found = [*judge_contradictions(around.environ), *judge_operations(around.environ)]
    return or_ok(found, "environment", "nothing contradicts")


def judge_contradictions(environ: Mapping[str, str]) -> Iterable[Finding]:
    """Yield the variables that do nothing, or not what they look like, beside others."""
    protocol = environ.get("KAFKA_SECURITY_PROTOCOL") or "PLAINTEXT"
    sasl = [
        name for name in ("KAFKA_SASL_MECHANISM", "KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD") if environ.get(name)
    ]
    if sasl and not protocol.startswith("SASL"):
        text = f"{', '.join(sasl)} are set, and KAFKA_SECURITY_PROTOCOL={protocol} ignores them"
        yield wrong("KAFKA_SECURITY_PROTOCOL", text, "Set it to SASL_SSL, or remove them.")
    if protocol.startswith("SASL") and "KAFKA_SASL_MECHANISM" not in sasl:
        text = f"KAFKA_SECURITY_PROTOCOL={protocol} needs a mechanism"
        yield wrong("KAFKA_SASL_MECHANISM", text, "Set it, for example to SCRAM-SHA-512.")
    if protocol == "SASL_PLAINTEXT":
        yield warning("KAFKA_SECURITY_PROTOCOL", "passwords and events travel in clear", "Set it to SASL_SSL.")
    certificate, key = (environ.get(f"KAFKA_SSL_{part}_LOCATION") for part in ("CERTIFICATE", "KEY"))
    if bool(certificate) != bool(key):
        text = "a client certificate needs its key, and the other way round"
        yield wrong("KAFKA_SSL_KEY_LOCATION", text, "Set KAFKA_SSL_CERTIFICATE_LOCATION and KAFKA_SSL_KEY_LOCATION.")
    own = [f"{service.upper()}_DATABASE_URL" for service in SERVICES]
    if environ.get("DATABASE_URL") and all(environ.get(name) for name in own):
        yield warning("DATABASE_URL", f"nobody uses it: {', '.join(own)} are set", "Remove it.")
    smtp = urlsplit(environ.get("SMTP_URL") or "")
    if smtp.scheme == "smtp" and smtp.password and not is_loopback(smtp.hostname or ""):
        yield warning("SMTP_URL", "its password travels in clear", "Use smtp+starttls:// or smtps://; docs/mails.md.")


def judge_operations(environ: Mapping[str, str]) -> Iterable[Finding]:
    """Yield that services cannot be asked about a commitment, although it is known where they are."""
    addresses = [name for service in SERVICES if environ.get(name := f"{service.upper()}_URL")]
    if addresses and not environ.get("OPERATIONS_TOKEN"):
        text = f"is not set, so nobody answers about a commitment at {', '.join(addresses)}"
        yield warning("OPERATIONS_TOKEN", text, "Set it to one secret of 16 characters or more for all four services.")


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine."""
    return host in {"localhost", "::1"} or host.startswith("127.")


async def check_secrets(around: Surroundings) -> list[Finding]:
    """Whether files with secrets can be read by everybody on this machine."""
    paths = [Path(around.environ[name]) for name in SECRET_FILES if around.environ.get(name)]
    if file := around.environ.get("ERP_CONNECTIONS"):
        paths += _files_of_connections(Path(file))
    paths += [path for path in (Path(".env"),) if path.exists()]
    found = [each for path in paths if (each := judge_secret_file(path)) is not None]
    return or_ok(found, "files", f"with secrets: {len(paths)}; not everybody can read them")


def _files_of_connections(path: Path) -> list[Path]:
    try:
        connections = importlib.import_module("services.exporter.connections_file").read_settings(path)
    except (SettingsError, OSError):
        return []  # check_erps says so
    named: list[Any] = [getattr(each, member, None) for each in connections for member in CONNECTION_FILES]
    return [each for each in named if each is not None]


def judge_secret_file(path: Path) -> Finding | None:
    """Return what is wrong with a file that holds a secret, None if nothing is."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - the mode of what a link points to
    except OSError as error:
        return wrong(str(path), f"cannot be read: {error.strerror}", "Create it, or correct its path.")
    if mode & stat.S_IROTH:
        remedy = f"chmod 600 {path}, and let it belong to the user of the service: {os.getuid()} here."
        return wrong(str(path), "everybody on this machine can read its secret", remedy)
    return None


async def check_link_secret(around: Surroundings) -> list[Finding]:
    """Whether the links of the newest daily summary were signed with the LINK_SECRET that is set here."""
    secret = SecretStr(around.variable("LINK_SECRET"))
    cluster, inquiry = await around.cluster(), around.inquiry()
    if "digest.ready" not in cluster.topics:
        raise NotCheckedError("the topic digest.ready does not exist")
    url = await asyncio.to_thread(newest_unsubscribe_url, inquiry)
    if url is None:
        raise NotCheckedError("no daily summary was sent in the last 14 days, so there is no link to compare")
    return [judge_link(url, secret)]


def newest_unsubscribe_url(inquiry: Inquiry) -> str | None:
    """Return the link in the newest `digest.ready`, None if there is none."""
    spans = inquiry.spans([Partition("digest.ready", number) for number in range(PARTITIONS)])
    last = {partition: span.high - 1 for partition, span in spans.items() if span.high > span.low}
    records = sorted(inquiry.records(last).values(), key=lambda record: record.at)
    if not records:
        return None
    newest = records[-1]
    decode = importlib.import_module("schemas.envelope").decode
    event = decode("digest.ready", newest.key, newest.value, newest.headers, newest.at)
    return str(event.data.unsubscribe_url)


def judge_link(url: str, secret: SecretStr) -> Finding:
    """Return whether `url` was signed with `secret`."""
    if read_unsubscribe(secret, url.rpartition("/")[2]) is None:
        text = "the newest daily summary has a link that this LINK_SECRET did not sign"
        remedy = "Set the same LINK_SECRET for approval and digest, or wait for tomorrow's summary if it is new."
        return wrong("LINK_SECRET", text, remedy)
    return ok("LINK_SECRET", "signed the newest daily summary: the digest has the same")


async def check_connections_file(around: Surroundings) -> list[Finding]:
    """Whether the file of ERP connections can be read, and has connections."""
    path = Path(around.variable("ERP_CONNECTIONS"))
    try:
        connections = importlib.import_module("services.exporter.connections_file").read_settings(path)
    except CountersignError as error:
        said = str(error).removeprefix(f"{path}, ")
        remedy = "Correct the file, and send SIGHUP to every exporter; docs/operations.md, “ERP connections”."
        return [wrong(str(path), said, remedy)]
    if not connections:
        return [wrong(str(path), "has no connection: nothing can be exported", "Add a table [[connection]].")]
    names = ", ".join(each.name for each in connections)
    return [ok(str(path), f"can be used; it connects {names}")]
