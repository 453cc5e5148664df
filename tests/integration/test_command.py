"""The `countersign` command as operators run it, against real servers: results, messages, exit statuses."""

import asyncio
import json
import os
import pty
import pwd
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from sandbox.servers.local_server import free_ports
from schemas.commitment import Person
from schemas.envelope import encode, new_event
from schemas.events import CommitmentRetrieved
from schemas.examples import EXAMPLES
from schemas.topics import TOPICS
from services.approval.storage.migrations import MIGRATIONS
from services.approval.storage.tables import KERNEL
from services.pipeline.broker import create_topics
from services.pipeline.database import Database
from services.pipeline.dead_letters import DeadLetter, DeadLetters
from services.pipeline.migrations import migrate
from services.pipeline.outbox import Outbox
from services.pipeline.records import Partition, Record
from services.pipeline.settings import KafkaSettings
from tests.integration.pipeline.topic_events import events_on, export_succeeded
from tests.kafka import KafkaUnderTest

COUNTERSIGN = str(Path(sys.executable).with_name("countersign"))
NOW = datetime(2026, 11, 22, 15, 15, tzinfo=UTC)
SERVICES = ["approval", "exporter", "notifier", "digest"]


@dataclass(frozen=True)
class Ended:
    status: int
    stdout: str
    stderr: str

    @property
    def result(self) -> Any:
        """The parsed JSON output of a successful command."""
        assert self.status == 0, self.stderr
        return json.loads(self.stdout)


def with_path(environment: Mapping[str, str]) -> dict[str, str]:
    """Return `environment` with what a command needs to be found, and to run this tree."""
    return {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ} | dict(environment)


def countersign(environment: Mapping[str, str], *arguments: str, stdin: bytes = b"") -> Ended:
    ended = subprocess.run(
        [COUNTERSIGN, *arguments],
        env=with_path(environment),
        input=stdin,
        capture_output=True,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout.decode(), ended.stderr.decode())


def retrieved(key: str) -> bytes:
    data = CommitmentRetrieved(
        company_id="c",
        project_id="p",
        commitment_id=key,
        revision=1,
        retrieved_by=Person(id="p-sam", name="Sam Lee", email="sam@builder.example"),
    )
    return encode(new_event(data, source="tests", time=NOW))


def sent(key: str) -> bytes:
    """A submission under the key of `letter`; `key` makes its number unique."""
    event = next(each.event for each in EXAMPLES if each.event.data.topic == "commitment.sent")
    content = {**json.loads(event.data.commitment.text), "id": "sc-1", "number": key}  # type: ignore[attr-defined]
    message = json.loads(encode(event))
    return json.dumps({**message, "subject": "sc-1", "data": {**message["data"], "commitment": content}}).encode()


def letter(offset: int, why: str, value: bytes | None = b'{"a": 1}') -> DeadLetter:
    headers = [("content-type", b"text/plain")]
    record = Record(Partition("commitment.sent", 3), offset, b"sc-1", value, headers, NOW)
    return DeadLetter(record, "schema", why)


async def keep(url: str, letters: Sequence[DeadLetter]) -> None:
    await migrate(SecretStr(url), MIGRATIONS)
    database = Database(SecretStr(url), application_name="tests")
    for each in letters:  # one transaction each, so that the newest is the last
        async with database.begin() as db:
            await DeadLetters(KERNEL).add(db, [each])
    await database.close()


async def park(url: str, revisions: Sequence[int]) -> None:
    """Leave one event for each of `revisions` in approval's outbox, parked as what Kafka refused."""
    await migrate(SecretStr(url), MIGRATIONS)
    database, kept = Database(SecretStr(url), application_name="tests"), Outbox(KERNEL)
    async with database.begin() as db:
        await kept.add(db, [export_succeeded("sc-1", revision) for revision in revisions])
        rows = await kept.oldest(db, 100)
        await kept.park(db, [row.name for row in rows], "Broker: Message size too large", None)
    await database.close()


def test_migrate_reports_each_service_and_can_be_repeated(database_url: str) -> None:
    environment = {"DATABASE_URL": database_url}
    first = countersign(environment, "migrate")
    assert (first.status, first.stdout) == (0, "Migrated approval, exporter, notifier, digest.\n")
    assert first.stderr.splitlines() == [f"Migrating {service}" for service in SERVICES]
    assert countersign(environment, "migrate").stdout == "Nothing to do for approval, exporter, notifier, digest.\n"
    assert countersign(environment, "migrate", "--json").result == {"migrated": [], "unchanged": SERVICES}
    letters = countersign(environment, "dead-letters", "list")
    assert (letters.status, letters.stdout) == (0, "Dead letters: none.\n")


def test_an_unreachable_database_is_reported_without_its_password() -> None:
    url = f"postgresql://countersign:hunter2@127.0.0.1:{free_ports(1)[0]}/countersign"
    ended = countersign({"DATABASE_URL": url}, "migrate")
    assert (ended.status, ended.stdout) == (1, "")
    assert "Error: " in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "hunter2" not in ended.stderr


def test_a_database_without_migrations_is_reported_without_a_traceback(database_url: str) -> None:
    ended = countersign({"DATABASE_URL": database_url}, "dead-letters", "list")
    assert (ended.status, ended.stdout) == (1, "")
    assert "does not exist" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_topics_are_created_once(kafka: KafkaUnderTest) -> None:
    environment = {"KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers}
    first = countersign(environment, "topics", "--json").result
    assert len(first["created"]) + first["existing"] == len(TOPICS)
    again = countersign(environment, "topics")
    assert (again.status, again.stdout) == (0, f"Created 0 topics; {len(TOPICS)} exist.\n")


def test_valid_files_are_published_but_none_if_one_of_them_is_invalid(
    kafka: KafkaUnderTest, tmp_path: Path, unique_suffix: str
) -> None:
    environment = {"KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers}
    settings = KafkaSettings(kafka_bootstrap_servers=kafka.bootstrap_servers)
    create_topics(settings, TOPICS)
    keys = [f"{unique_suffix}-{number}" for number in range(3)]
    files = [tmp_path / f"{key}.json" for key in keys]
    for key, file in zip(keys, files, strict=True):
        file.write_bytes(retrieved(key))
    bad = tmp_path / "bad.json"
    bad.write_bytes(retrieved(keys[0]).replace(b"company_id", b"compagnie"))

    refused = countersign(environment, "publish", str(files[0]), str(bad))
    published = countersign(environment, "publish", "--json", *map(str, files[:2])).result["published"]
    piped = countersign(environment, "publish", "-", stdin=files[2].read_bytes())

    assert (refused.status, refused.stdout) == (1, "")
    assert f"{bad}: company_id: is missing" in refused.stderr
    assert [(each["topic"], each["key"]) for each in published] == [("commitment.retrieved", key) for key in keys[:2]]
    assert piped.stdout.split()[:2] == ["commitment.retrieved", keys[2]]
    assert sorted(event.subject for event in events_on(settings, "commitment.retrieved", unique_suffix)) == keys


def test_dead_letters_are_listed_newest_first_and_shown_in_full(database_url: str) -> None:
    asyncio.run(keep(database_url, [letter(7, "title: is missing"), letter(9, "id: must be a UUID", b"\xff")]))
    environment = {"APPROVAL_DATABASE_URL": database_url}

    listed = countersign(environment, "dead-letters", "list", "--service", "approval", "--json").result
    shown = countersign(environment, "dead-letters", "show", "commitment.sent/3/9", "--service", "approval", "--json")
    words = countersign(environment, "dead-letters", "show", "commitment.sent/3/7", "--service", "approval")
    missing = countersign(environment, "dead-letters", "show", "commitment.sent/3/8", "--service", "approval")

    assert [(row["place"], row["why"]) for row in listed] == [
        ("commitment.sent/3/9", "id: must be a UUID"),
        ("commitment.sent/3/7", "title: is missing"),
    ]
    assert (shown.result["key"], shown.result["value"]) == ("sc-1", "\\xff")
    assert shown.result["headers"] == {"content-type": "text/plain"}
    assert 'value: {"a": 1}' in words.stdout
    assert (missing.status, missing.stdout) == (1, "")
    assert "No dead letter at commitment.sent/3/8" in missing.stderr


def test_the_contents_of_a_message_are_printed_as_text_and_cannot_control_the_terminal(database_url: str) -> None:
    why = "type '[/red][bold]x[link=https://x.example]' does not travel"
    asyncio.run(keep(database_url, [letter(1, f"{why}\x1b[2J", b"\x1b]0;owned\x07\r\n\tvalue")]))
    environment = {"DATABASE_URL": database_url}
    listed = countersign(environment, "dead-letters", "list", "--service", "approval")
    shown = countersign(environment, "dead-letters", "show", "commitment.sent/3/1")
    assert (listed.status, shown.status) == (0, 0), listed.stderr + shown.stderr
    assert f"{why}\\x1b[2J" in listed.stdout
    assert f"why: {why}\\x1b[2J\n" in shown.stdout
    assert "value: \\x1b]0;owned\\x07\\r\\n\\tvalue\n" in shown.stdout


def test_a_message_cannot_forge_lines_of_the_command_or_the_order_in_which_they_read(database_url: str) -> None:
    forged = "{}\nservice: exporter\rplace: x\x85\u2028\u202etxet\u2066\x9b31m"
    asyncio.run(keep(database_url, [letter(1, f"bad\n{forged}", forged.encode())]))
    shown = countersign({"DATABASE_URL": database_url}, "dead-letters", "show", "commitment.sent/3/1").stdout
    listed = countersign({"DATABASE_URL": database_url}, "dead-letters", "list", "--service", "approval").stdout
    assert [line.partition(":")[0] for line in shown.splitlines()] == [
        "service",
        "place",
        "reason",
        "why",
        "happened_at",
        "set_aside_at",
        "key",
        "headers",
        "value",
    ]
    assert "value: {}\\nservice: exporter\\rplace: x\\x85\\u2028\\u202etxet\\u2066\\x9b31m\n" in shown
    assert all(each.isprintable() for each in (shown + listed).replace("\n", ""))


def test_dead_letters_are_redriven_or_discarded_and_say_by_whom(database_url: str, unique_suffix: str) -> None:
    defect = replace(letter(1, "KeyError", sent(unique_suffix)), reason="handler_failed")
    asyncio.run(keep(database_url, [defect, letter(2, "title: is missing"), letter(3, "title: is missing")]))
    environment = {"APPROVAL_DATABASE_URL": database_url}
    redriven = countersign(environment, "dead-letters", "redrive", "approval", "--reason", "handler_failed", "--json")
    failed = countersign(environment, "dead-letters", "redrive", "approval", "commitment.sent/3/2", "--json")
    why = ("--because", "sent again")
    both = ("commitment.sent/3/1", "commitment.sent/3/9")
    silent = countersign(environment, "dead-letters", "discard", "approval", "--all", "--yes")
    gone = countersign(environment, "dead-letters", "discard", "approval", *both, *why)
    unsure = countersign(environment, "dead-letters", "discard", "approval", "--all", *why, stdin=b"n\n")
    discarded = countersign(environment, "dead-letters", "discard", "approval", "--all", "--yes", *why, "--json")
    left = countersign(environment, "dead-letters", "list", "--service", "approval", "--json")
    kept = countersign(environment, "dead-letters", "list", "--service", "approval", "--settled", "--json")
    shown = countersign(environment, "dead-letters", "show", "commitment.sent/3/1", "--json").result
    thrown = countersign(environment, "dead-letters", "show", "commitment.sent/3/2", "--json").result

    assert (silent.status, "Say why with --because" in silent.stderr) == (2, True)
    assert [(each["place"], each["outcome"]) for each in redriven.result] == [("commitment.sent/3/1", "redriven")]
    assert (failed.status, json.loads(failed.stdout)[0]["outcome"]) == (1, "failed again")
    assert "1 of 1 dead letters were not settled by this command" in failed.stderr
    assert (gone.status, "not open" in gone.stdout, "not found" in gone.stdout) == (1, True, True)
    assert (unsure.status, "Discard all 2 of approval?" in unsure.stderr) == (1, True)
    assert [each["outcome"] for each in discarded.result] == ["discarded", "discarded"]
    assert left.result == []
    assert [each["settled"] for each in kept.result] == ["discarded", "discarded", "redriven"]
    assert (shown["settled_as"], shown["settled_by"]) == ("redriven", pwd.getpwuid(os.getuid()).pw_name)
    assert "settled_because" not in shown
    assert (thrown["settled_as"], thrown["settled_because"]) == ("discarded", "sent again")


def test_dead_letters_are_chosen_by_what_they_have_in_common(database_url: str) -> None:
    letters = [
        letter(1, "title: is missing"),
        letter(2, "a 100% wrong id"),
        replace(letter(3, "x"), reason="too_large"),
    ]
    asyncio.run(keep(database_url, letters))
    environment = {"DATABASE_URL": database_url}

    def places(*options: str) -> list[str]:
        listed = countersign(environment, "dead-letters", "list", "--service", "approval", "--json", *options).result
        return sorted(row["place"].rpartition("/")[2] for row in listed)

    assert places() == ["1", "2", "3"]
    assert places("--why", "TITLE") == ["1"]
    assert places("--why", "100%") == ["2"]
    assert places("--why", "0_w") == []
    assert places("--reason", "schema", "--key", "sc-1", "--topic", "commitment.sent") == ["1", "2"]
    assert [places("--topic", "commitment.resent"), places("--key", "sc-2")] == [[], []]
    assert [places("--since", "1h"), places("--until", "1h")] == [["1", "2", "3"], []]
    totals = countersign(environment, "dead-letters", "list", "--service", "approval", "--totals", "--json")
    assert totals.result == [
        {"service": "approval", "reason": "schema", "open": 2},
        {"service": "approval", "reason": "too_large", "open": 1},
    ]
    words = countersign(environment, "dead-letters", "list", "--service", "approval", "--why", "title")
    assert words.stderr == "approval: 1 open with the reason schema\n"


def test_a_dry_run_lists_what_would_be_taken_and_takes_only_that_afterwards(database_url: str) -> None:
    asyncio.run(keep(database_url, [letter(2, "title: is missing"), letter(1, "title: is long"), letter(3, "id")]))
    environment = {"DATABASE_URL": database_url}
    chosen = ("discard", "approval", "--why", "title")

    dry = countersign(environment, "dead-letters", *chosen, "--dry-run", "--json")
    redrive = countersign(environment, "dead-letters", "redrive", "approval", "--reason", "schema", "--dry-run")
    missing = countersign(environment, "dead-letters", "discard", "approval", "commitment.sent/3/9", "--dry-run")
    still_open = countersign(environment, "dead-letters", "list", "--service", "approval", "--json").result
    asked = countersign(environment, "dead-letters", *chosen, "--because", "test", stdin=b"y\n")

    assert [row["place"] for row in dry.result] == ["commitment.sent/3/1", "commitment.sent/3/2"]
    assert dry.stderr == "Would take 2 dead letters of approval. Nothing was changed.\n"
    assert "Would take 3 dead letters" in redrive.stderr
    assert (missing.status, "There is no dead letter at this place" in missing.stderr) == (1, True)
    assert len(still_open) == 3
    assert (asked.status, "Discard 2 of approval?" in asked.stderr) == (0, True)
    left = countersign(environment, "dead-letters", "list", "--service", "approval", "--json").result
    assert [row["place"] for row in left] == ["commitment.sent/3/3"]


def test_a_service_whose_settings_are_missing_says_so_before_it_redrives(database_url: str) -> None:
    ended = countersign(
        {"EXPORTER_DATABASE_URL": database_url}, "dead-letters", "redrive", "exporter", "--all", "--yes"
    )
    assert (ended.status, ended.stdout) == (1, "")
    assert "ERP_CONNECTIONS: Field required" in ended.stderr


def test_events_that_kafka_refused_are_listed_and_sent_again_or_discarded(database_url: str) -> None:
    environment = {"DATABASE_URL": database_url}
    countersign(environment, "migrate")
    asyncio.run(park(database_url, [1, 2, 3]))

    listed = countersign(environment, "outbox", "list", "--json").result
    assert [(each["service"], each["topic"], each["key"], each["until"], each["why"]) for each in listed] == [
        ("approval", "export.succeeded", "sc-1", "", "Broker: Message size too large")
    ] * 3
    first, second, third = (str(each["id"]) for each in listed)

    again = countersign(environment, "outbox", "retry", "approval", first)
    assert (again.status, again.stdout) == (0, "To be sent again: 1.\n")
    gone = countersign(environment, "outbox", "discard", "approval", second, "--yes", "--because", "case 88", "--json")
    assert gone.result == {"events": 1}
    [kept] = countersign(environment, "outbox", "list", "--discarded", "--json").result
    assert (kept["id"], kept["because"], kept["discarded_by"]) == (
        int(second),
        "case 88",
        pwd.getpwuid(os.getuid()).pw_name,
    )
    missing = countersign(environment, "outbox", "retry", "approval", second)
    assert (missing.status, "1 of the ids are not parked" in missing.stderr) == (1, True)
    assert countersign(environment, "outbox", "retry", "approval", "--all", "--json").result == {"events": 1}
    assert countersign(environment, "outbox", "list").stdout == "Parked events: none.\n"
    assert third != first


def test_parked_events_are_chosen_by_what_they_have_in_common(database_url: str) -> None:
    environment = {"DATABASE_URL": database_url}
    countersign(environment, "migrate")
    asyncio.run(park(database_url, [1, 2]))

    def parked(*options: str) -> int:
        return len(countersign(environment, "outbox", "list", "--json", *options).result)

    assert [parked("--why", "TOO LARGE"), parked("--key", "sc-1"), parked("--since", "1h")] == [2, 2, 2]
    assert [parked("--why", "size%too"), parked("--topic", "digest.ready"), parked("--until", "1h")] == [0, 0, 0]
    dry = countersign(environment, "outbox", "retry", "approval", "--key", "sc-1", "--dry-run", "--json")
    assert (len(dry.result), dry.stderr) == (2, "Would take 2 events of approval. Nothing was changed.\n")
    silent = countersign(environment, "outbox", "discard", "approval", "--key", "sc-1", "--yes")
    assert (silent.status, "Say why with --because" in silent.stderr) == (2, True)
    unsure = countersign(environment, "outbox", "discard", "approval", "--all", "--because", "x", stdin=b"n\n")
    assert (unsure.status, "Discard 2 events of approval" in unsure.stderr, parked()) == (1, True, 2)
    again = countersign(environment, "outbox", "retry", "approval", "--topic", "export.succeeded", "--json")
    assert (again.result, parked()) == ({"events": 2}, 0)


def test_which_events_to_send_again_has_to_be_said(database_url: str) -> None:
    ended = countersign({"DATABASE_URL": database_url}, "outbox", "retry", "approval")
    assert (ended.status, "--all" in ended.stderr) == (2, True)


def test_no_color_is_respected_on_a_terminal(database_url: str) -> None:
    asyncio.run(keep(database_url, [letter(1, "title: is missing")]))
    leader, follower = pty.openpty()
    ended = subprocess.run(
        [COUNTERSIGN, "dead-letters", "list", "--service", "approval"],
        env={"PATH": os.environ["PATH"], "TERM": "xterm-256color", "NO_COLOR": "1", "DATABASE_URL": database_url},
        stdin=subprocess.DEVNULL,
        stdout=follower,
        check=False,
    )
    os.close(follower)
    printed = os.read(leader, 100_000).decode()
    os.close(leader)
    assert ended.returncode == 0
    assert "commitment.sent/3/1" in printed
    assert re.search(r"\x1b\[[0-9;]*(3|4|9|10)[0-8][;m]", printed) is None
