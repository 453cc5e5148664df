"""What operators do from the command line: prepare topics, publish events, settle dead letters."""

import asyncio
import os
import pwd
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any

import orjson
from pydantic import SecretStr
from sqlalchemy import MetaData, Table

from schemas.envelope import decode
from schemas.message import UnreadableError
from schemas.topics import BY_TYPE, TOPICS, Topic
from services.pipeline.broker import EventProducer, correct_settings, create_topics, find_wrong_settings
from services.pipeline.clock import utc_now
from services.pipeline.database import DATABASE_ERRORS, Database, Transaction, is_not_permitted
from services.pipeline.database_rights import RoleRights, rights_of_role
from services.pipeline.dead_letters import DeadLetter, DeadLetters, Settled
from services.pipeline.errors import BrokerError, CountersignError
from services.pipeline.parked_events import ParkedEvents
from services.pipeline.records import Partition
from services.pipeline.redriving import DeadLetterDesk, Handled
from services.pipeline.row_filter import RowFilter
from services.pipeline.settings import KafkaSettings
from services.pipeline.tables import KernelTables, kernel_tables
from services.pipeline.topic_settings import WrongSetting

TOPIC_SETTINGS_SECONDS = 15.0
TOPIC_POLL_SECONDS = 0.2
_POSITION = re.compile(r"([^/]+)/([0-9]{1,9})/([0-9]{1,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Publishable:
    """A valid event, ready to be sent to its topic."""

    topic: str
    key: str
    id: str
    value: bytes


@dataclass(frozen=True, slots=True)
class TopicsBrought:
    """What it took to bring the topics up to date: topics created, topics that existed, settings changed in these."""

    created: Sequence[str]
    existing: Sequence[str]
    changed: Sequence[WrongSetting]


def bring_topics_up_to_date(settings: KafkaSettings) -> TopicsBrought:
    """Create missing topics, and raise what the others keep to what is promised; what an operator raised stays.

    BrokerError if Kafka does not answer, or refuses.
    """
    created = create_topics(settings, TOPICS)
    existing = [topic for topic in TOPICS if topic.name not in created]
    found = find_wrong_settings(settings, existing, TOPIC_SETTINGS_SECONDS)
    if found.hidden:
        raise BrokerError(
            f"Kafka does not let us read the settings of {', '.join(found.hidden)}: allow DescribeConfigs."
        )
    if found.wrong:
        correct_settings(settings, found.wrong, TOPIC_SETTINGS_SECONDS)
        _wait_until_right(settings, existing)
    return TopicsBrought(created, [topic.name for topic in existing], found.wrong)


def _wait_until_right(settings: KafkaSettings, topics: Sequence[Topic]) -> None:
    """Return once the brokers, which take some time to learn of a change, show no wrong setting any more."""
    deadline = monotonic() + TOPIC_SETTINGS_SECONDS
    while wrong := find_wrong_settings(settings, topics, TOPIC_SETTINGS_SECONDS).wrong:
        if monotonic() > deadline:
            raise BrokerError(f"Kafka took the change of {wrong[0].setting} of {wrong[0].topic} and does not show it.")
        sleep(TOPIC_POLL_SECONDS)


def read_events(files: Mapping[str, bytes]) -> tuple[list[Publishable], dict[str, str]]:
    """Return the events in `files`, and a reason for each file without a valid event."""
    events: list[Publishable] = []
    problems: dict[str, str] = {}
    for name, content in files.items():
        try:
            events.append(_publishable(content))
        except UnreadableError as error:
            problems[name] = str(error)
    return events, problems


def _publishable(content: bytes) -> Publishable:
    try:
        envelope = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        why = "its text is not UTF-8" if "UTF-8" in error.msg else error.msg
        raise UnreadableError("undecodable", f"not JSON: {why}") from error
    topic = BY_TYPE.get(str(envelope.get("type"))) if isinstance(envelope, dict) else None
    if topic is None:
        known = ", ".join(sorted(BY_TYPE))
        raise UnreadableError("unknown_type", f"`type` must be one of {known}")
    key = str(envelope.get("subject", ""))
    event = decode(topic.name, key.encode(), content, (), utc_now())
    return Publishable(topic.name, key, str(event.id), content)


async def publish(settings: KafkaSettings, events: Sequence[Publishable]) -> None:
    """Send `events` in their order; BrokerError if one is not acknowledged."""
    producer = EventProducer(settings, "countersign.publish")
    try:
        errors = await producer.send([(event.topic, event.key, event.value) for event in events])
    finally:
        await asyncio.to_thread(producer.close)
    failed = [error for error in errors if error]
    if failed:
        raise BrokerError(f"{len(failed)} of {len(events)} events were not acknowledged: {failed[0]}")


async def newest_dead_letters(
    url: SecretStr, service: str, limit: int, chosen: RowFilter, *, with_settled: bool
) -> list[DeadLetter]:
    """Return the newest `chosen` dead letters of `service`, newest first; only open ones unless `with_settled`."""
    async with open_database(url) as database, database.begin() as db:
        return await DeadLetters(kernel_of(service)).newest(db, limit, chosen, with_settled=with_settled)


async def count_dead_letters(url: SecretStr, service: str, chosen: RowFilter) -> dict[str, int]:
    """Return how many of the dead letters of `service` that are `chosen` are open, by reason."""
    async with open_database(url) as database, database.begin() as db:
        return await DeadLetters(kernel_of(service)).count_by_reason(db, chosen)


async def find_dead_letter(url: SecretStr, service: str, partition: Partition, offset: int) -> DeadLetter | None:
    """Return the dead letter of `service` at that position; None if there is none."""
    async with open_database(url) as database, database.begin() as db:
        return await DeadLetters(kernel_of(service)).find(db, partition, offset)


@asynccontextmanager
async def dead_letter_desk(
    url: SecretStr, service: str, report: Callable[[Handled], None]
) -> AsyncIterator[DeadLetterDesk]:
    """Provide what settles dead letters of `service`, in the name of this process's user."""
    async with open_database(url) as database:
        yield DeadLetterDesk(service, database, kernel_of(service), operating_user(), report)


@asynccontextmanager
async def parked_event_desk(url: SecretStr, service: str) -> AsyncIterator[tuple[Transaction, ParkedEvents]]:
    """Provide the parked events of `service`, and a transaction on its database for one command."""
    async with open_database(url) as database, database.begin() as db:
        yield db, ParkedEvents(kernel_of(service))


def operating_user() -> str:
    """Return the name of the operating system's user, or its number where it has no name, as in a container."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


@asynccontextmanager
async def open_database(url: SecretStr) -> AsyncIterator[Database]:
    """Provide a service's database for one command; CountersignError if it refuses or cannot be reached."""
    database = Database(url, application_name="countersign.command", pool_size=2)
    try:
        with database_errors_explained():
            yield database
    finally:
        await database.close()


async def rights_in_use(url: SecretStr, tables: Sequence[Table]) -> RoleRights:
    """Return what the role of `url` lacks to work on `tables`, and what it need not have."""
    async with open_database(url) as database, database.begin() as db:
        return await rights_of_role(db, tables)


@contextmanager
def database_errors_explained() -> Iterator[None]:
    """Raise a database error as a CountersignError that an operator understands."""
    try:
        yield
    except DATABASE_ERRORS as error:
        why = _answer_of(error) or "it did not answer in time"
        if is_not_permitted(error):
            raise CountersignError(
                f"The database role may not do this: {why}. `countersign roles` prints the rights that "
                "roles need, and `countersign roles --check` says which are missing."
            ) from error
        raise CountersignError(f"PostgreSQL refused, or cannot be reached: {why}") from error


def _answer_of(error: Exception) -> str:
    """Return the server's own words, without the statement that it refused."""
    return str(getattr(error, "orig", error)).rpartition(">: ")[2]


def parse_position(position: str) -> tuple[Partition, int]:
    """Return the partition and the offset in topic/partition/offset; CountersignError if it is not of that form."""
    match = _POSITION.fullmatch(position)
    if match is None:
        raise CountersignError(f"{position!r} is not a place such as commitment.sent/3/1207.")
    topic, partition, offset = match.groups()
    return Partition(topic, int(partition)), int(offset)


def described(letter: DeadLetter) -> dict[str, Any]:
    """Return everything about `letter` as text, for the command's output."""
    record = letter.record
    return {
        "place": record.position,
        "reason": letter.reason,
        "why": letter.why,
        "happened_at": record.at.isoformat(),
        "set_aside_at": letter.set_aside_at and letter.set_aside_at.isoformat(),
        "key": readable(record.key),
        "headers": {name: readable(value) for name, value in record.headers},
        "value": readable(record.value),
    } | _settlement(letter.settled)


def _settlement(settled: Settled | None) -> dict[str, Any]:
    if settled is None:
        return {}
    what = {"settled_as": settled.how.value, "settled_at": settled.at.isoformat(), "settled_by": settled.by}
    return what if settled.because is None else what | {"settled_because": settled.because}


def readable(content: bytes | None) -> str | None:
    """Return `content` as text, with what is none escaped."""
    return None if content is None else content.decode(errors="backslashreplace")


def kernel_of(service: str) -> KernelTables:
    """Return the pipeline's tables of `service`."""
    return kernel_tables(MetaData(schema=service))
