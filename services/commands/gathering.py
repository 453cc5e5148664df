"""Gathers the parts of a commitment's story: from the running services, else from their databases."""

import asyncio
import importlib
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from services.pipeline.asking import ask, new_client
from services.pipeline.broker import Tails
from services.pipeline.errors import CountersignError, NotToldError
from services.pipeline.explaining import TailsOf, no_tails
from services.pipeline.names import SERVICES
from services.pipeline.operations import open_database
from services.pipeline.settings import KafkaSettings, OperationsSettings, database_url, load

TOTAL_SECONDS = 5.0
FIRST_SECONDS = 2.5
"""For approval, which is asked first: the others are asked for the id of the number that it knows."""
HTTP_SECONDS = 1.2
KAFKA_SECONDS = 0.5

Note = Callable[[str], None]
"""Tells the operator something that is no result."""


@dataclass(slots=True)
class Gathered:
    """What each service told of `commitment_id`, from where, and why nothing came from the others.

    `unreadable` are the rows that approval cannot read, where that is why it has no part.
    """

    commitment_id: str
    told: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Teller:
    """One service: `model` is what it answers with, `explain` reads that from its database."""

    service: str
    model: Any
    explain: Callable[[Any, str, TailsOf], Awaitable[Any]]
    group: str | None = None


async def gather(asked: str, note: Note) -> tuple[Gathered, Any]:
    """Return what is told of the commitment with this id or number, or approval's answer if nobody knows exactly one.

    Takes TOTAL_SECONDS at most. Without approval, or if it knows none, `asked` is taken for an id; nothing is told if
    no other service knows that.
    """
    tellers, gathered = {each.service: each for each in _tellers()}, Gathered(asked)
    began_at = asyncio.get_running_loop().time()
    await _collect(gathered, [tellers.pop("approval")], began_at + FIRST_SECONDS, note)
    answer = gathered.told.pop("approval", None)
    if answer is not None and answer.candidates:
        return gathered, answer
    if answer is not None and answer.part:
        gathered.told["approval"] = answer.part
        gathered.commitment_id = answer.part.explanation.id
    elif answer is not None:
        gathered.commitment_id, gathered.unreadable = answer.commitment_id or asked, answer.unreadable
    await _collect(gathered, list(tellers.values()), began_at + TOTAL_SECONDS, note)
    if "approval" in gathered.told:
        return gathered, None
    if not gathered.unreadable and not any(part.knows_it for part in gathered.told.values()):
        gathered.told.clear()
        return gathered, answer
    if answer is not None:
        gathered.missing["approval"] = _why_no_part(answer)
    return gathered, None


def _why_no_part(answer: Any) -> str:
    """Say why approval's part is missing of what it cannot read, or others know, with what it has set aside of it."""
    letters = "".join(
        f"; it has set aside {each.place}, {each.reason}"
        for each in answer.traffic.dead_letters
        if each.settled_as is None
    )
    if answer.unreadable:
        return f"{'; '.join(answer.unreadable)}{letters}: see “RowsUnreadable” in docs/runbook.md"
    return f"it has no commitment with this id, which others have{letters}: see whether it was restored, and reads"


async def _collect(gathered: Gathered, tellers: Sequence[Teller], until: float, note: Note) -> None:
    """Ask all `tellers` at once."""
    settings = load(OperationsSettings)
    asking = [_told(each, gathered.commitment_id, settings, until, note) for each in tellers]
    for teller, found in zip(tellers, await asyncio.gather(*asking, return_exceptions=True), strict=True):
        if isinstance(found, CountersignError):
            gathered.missing[teller.service] = str(found)
        elif isinstance(found, BaseException):
            raise found
        else:
            gathered.told[teller.service], gathered.sources[teller.service] = found


async def _told(teller: Teller, asked: str, settings: OperationsSettings, until: float, note: Note) -> tuple[Any, str]:
    """Return what a service tells and whether it or its database did; NotToldError if neither does."""
    why = "it does not answer in time"
    try:
        async with asyncio.timeout_at(until):
            try:
                return await _over_http(teller, asked, settings), "service"
            except NotToldError as error:
                why = str(error)
            told = await _from_database(teller, asked, why)
    except TimeoutError:
        raise NotToldError(f"{why}; its database does not answer in time") from None
    note(f"{teller.service}: {why}; read from its database.")
    return told, "database"


async def _over_http(teller: Teller, asked: str, settings: OperationsSettings) -> Any:
    url, token = settings.url_of(teller.service), settings.operations_token
    if url is None or token is None:
        raise NotToldError(f"{teller.service.upper() + '_URL' if url is None else 'OPERATIONS_TOKEN'} is not set")
    try:
        async with new_client(HTTP_SECONDS) as client, asyncio.timeout(HTTP_SECONDS):
            return await ask(client, url, token, asked, teller.model.model_validate_json)
    except TimeoutError:
        raise NotToldError("it does not answer in time") from None


async def _from_database(teller: Teller, asked: str, why: str) -> Any:
    try:
        async with open_database(database_url(teller.service)) as database:
            return await teller.explain(database, asked, _tails(teller.group))
    except CountersignError as error:
        raise NotToldError(f"{why}; {error}") from error


def _tails(group: str | None) -> TailsOf:
    """Return what asks Kafka where partitions end, if the environment says where it is."""
    if not os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        return no_tails
    return Tails(load(KafkaSettings), KAFKA_SECONDS, group).of


def _tellers() -> list[Teller]:
    """Return how each service tells; they are imported only here, which takes a moment."""
    modules = {each: importlib.import_module(f"services.{each}.explaining") for each in SERVICES}
    story, part = (importlib.import_module(name) for name in ("schemas.story", "services.approval.rules.story.part"))
    digest_at = load(importlib.import_module("services.digest.settings").ScheduleSettings).digest_at
    digest = modules["digest"]
    return [
        Teller("approval", part.ApprovalAnswer, modules["approval"].explain),
        Teller("exporter", story.ExporterPart, modules["exporter"].explain),
        Teller("notifier", story.NotifierPart, modules["notifier"].explain),
        Teller("digest", story.DigestPart, partial(digest.explain, digest_at=digest_at), digest.GROUP),
    ]
