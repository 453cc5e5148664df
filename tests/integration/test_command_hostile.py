"""Whatever others wrote, no command lets it forge a line or control the terminal; with --json, stdout is JSON alone."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from confluent_kafka import Consumer
from pydantic import SecretStr
from sqlalchemy import text

from sandbox.servers import LocalKafka
from services.command import main
from services.pipeline.database import Database
from services.pipeline.names import SERVICES
from tests.integration.approval.company import PEOPLE, content, event, sent
from tests.integration.approval.consumer import ApprovalConsumer
from tests.integration.exporter.scripted_server import response_bytes, scripted_server
from tests.integration.test_command import Ended
from tests.integration.test_command_connections import connection

HOSTILE = "x\x1b[2J\x1b]0;owned\x07\x9b31m\u202egnp\u2066\x85\u2028\u200b\r\nForged: line"
WITHOUT_JSON = {("connections", "qwc"), ("connections", "schema"), ("demo",), ("run",)}
PLACE = "commitment.sent/3"
NEVER = "2036-11-16T15:02:00Z"
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("migrate",),
    ("topics",),
    ("roles", "--check"),
    ("roles",),
    ("acls", "approval", "--principal-prefix", "User:"),
    ("dead-letters", "list"),
    ("dead-letters", "list", "--settled"),
    ("dead-letters", "list", "--totals"),
    ("dead-letters", "show", f"{PLACE}/1"),
    ("dead-letters", "show", f"{PLACE}/2", "--service", "digest"),
    ("dead-letters", "show", HOSTILE),
    ("dead-letters", "redrive", "approval", f"{PLACE}/1", "--dry-run"),
    ("dead-letters", "redrive", "approval", f"{PLACE}/1"),
    ("dead-letters", "redrive", "notifier", "--key", HOSTILE),
    ("dead-letters", "discard", "exporter", f"{PLACE}/1", "--because", HOSTILE),
    ("dead-letters", "list", "--settled", "--service", "exporter"),
    ("outbox", "list"),
    ("outbox", "list", "--discarded"),
    ("outbox", "retry", "approval", "1", "--dry-run"),
    ("outbox", "discard", "approval", "1", "--because", HOSTILE, "--yes"),
    ("outbox", "retry", "digest", "--all"),
    ("offsets", "list"),
    ("offsets", "history"),
    ("offsets", "set", "approval", "commitment.sent/0", "--to", "0", "--because", HOSTILE, "--dry-run"),
    ("sessions", "list"),
    ("sessions", "end", HOSTILE, "--because", HOSTILE),
    ("sessions", "history"),
    ("lag", "--all"),
    ("explain", "hostile-1"),
    ("explain", HOSTILE),
    ("audit", "verify", "AUDIT"),
    ("connections", "list"),
    ("connections", "check"),
    ("connections", "compare", "main"),
    ("connections", "password"),
    ("doctor", "--all"),
    ("publish", "EVENT"),
    ("digest", "--at", NEVER),
)
"""Without a shell; AUDIT and EVENT are files."""


def commands(group: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of each command of `group`, by its words."""
    if not isinstance(group, click.Group):
        yield path
        return
    for name, each in group.commands.items():
        yield from commands(each, (*path, name))


def test_every_command_with_json_is_tried_here() -> None:
    known = set(commands(main))
    tried = {next(each for each in known if given[: len(each)] == each) for given in COMMANDS}
    assert known - tried == WITHOUT_JSON


LETTERS = tuple(
    f"""insert into {{}}.dead_letter (topic, partition, "offset", reason, why, key, value, header_names, header_values,
    happened_at, settled_as, settled_at, settled_by, settled_because) values ('commitment.sent', 3, {offset}, 'schema',
    :text, :bytes, :bytes, :names, :values, now(), {settled}, :text, :text)"""  # noqa: S608 - ours
    for offset, settled in ((1, "null, null"), (2, "'discarded', now()"))
)
EVENTS = (
    *(
        f"""insert into {{}}.outbox_parked (id, topic, key, value, created_at, parked_until, why)
        values ({number}, 'mail.settled', :text, :bytes, now(), null, :text)"""  # noqa: S608 - ours
        for number in (1, 2)
    ),
    """insert into {}.outbox_discarded (id, topic, key, value, created_at, why, discarded_by, because)
    values (9, 'mail.settled', :text, :bytes, now(), :text, :text, :text)""",
)
CHANGES = """insert into {}.offset_change (topic, partition, old_offset, new_offset, skipped, changed_by, reason)
    values ('commitment.sent', 0, 1, 2, 1, :text, :text)"""
SESSIONS = (
    """insert into approval.session (token_hash, person_id, state, expires_at, used_at)
    values (:bytes, :text, json_build_object('browser', cast(:text as text)), now() + interval '1 hour', now())""",
    """insert into approval.ended_session (person_id, session, ended_at, ended_by, because)
    values (:text, :text, now(), :text, :text)""",
)


async def fill(url: str) -> None:
    """Put what others wrote wherever a command finds it."""
    database = Database(SecretStr(url), application_name="tests")
    given: dict[str, Any] = {"text": HOSTILE, "bytes": HOSTILE.encode(), "names": [HOSTILE]}
    given |= {"values": [HOSTILE.encode()]}
    statements = [text(each.format(schema)) for schema in SERVICES for each in (*LETTERS, *EVENTS, CHANGES)]
    statements += map(text, SESSIONS)
    async with database.begin() as db:
        for each in statements:
            await db.execute(each, given)
    consumer = ApprovalConsumer(database)
    odd = {"title": HOSTILE, "vendor": {"id": "v", "name": HOSTILE}, "project": {"id": "p", "name": HOSTILE}}
    await consumer.process(*map(event, PEOPLE), event(sent(content("hostile-1", HOSTILE, **odd), note=HOSTILE)))
    await database.close()


def countersign(environment: Mapping[str, str], *arguments: str) -> Ended:
    """Run a command in this process: it would take minutes to start one for each."""
    ended = CliRunner().invoke(main, arguments, env=environment)
    assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.exception
    return Ended(ended.exit_code, ended.stdout, ended.stderr)


def problems(ended: Ended, *, as_json: bool) -> list[str]:
    """What a command printed that it should not have."""
    found = [name for name in ("stdout", "stderr") if not is_plain(getattr(ended, name))]
    if "Traceback" in ended.stderr or ended.status not in (0, 1, 2):
        found.append(f"status {ended.status}")
    if as_json and ended.stdout:
        try:
            json.loads(ended.stdout)
        except ValueError:
            found.append("no JSON")
    return found


def is_plain(printed: str) -> bool:
    lines = printed.split("\n")
    return all(each.isprintable() for each in lines) and not any(each.startswith("Forged:") for each in lines)


@pytest.mark.parametrize("printed", ["\x1b[2J", "\x9b", "\u202e", "a\r", "\nForged: line\n", "\u2028"])
def test_what_forges_is_noticed(printed: str) -> None:
    assert problems(Ended(0, printed, ""), as_json=False) == ["stdout"]


def test_a_line_before_the_json_is_noticed() -> None:
    assert problems(Ended(0, 'Logged.\n{"a": 1}\n', ""), as_json=True) == ["no JSON"]


@pytest.mark.timeout(580)
async def test_no_command_is_controlled_by_what_others_wrote(
    database_url: str, local_kafka: Callable[[], LocalKafka], tmp_path: Path
) -> None:
    kafka = await asyncio.to_thread(local_kafka)
    environment = {"DATABASE_URL": database_url, "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers, "COLUMNS": "4000"}
    for command in ("migrate", "topics"):
        assert (await asyncio.to_thread(countersign, environment, command)).status == 0
    await fill(database_url)
    (tmp_path / "audit.json").write_text(json.dumps({"commitment_id": HOSTILE, "history": [{"text": HOSTILE}]}))
    (tmp_path / "event.json").write_text(json.dumps({"id": HOSTILE, "type": HOSTILE, HOSTILE: HOSTILE}))
    files = {"AUDIT": str(tmp_path / "audit.json"), "EVENT": str(tmp_path / "event.json")}
    member = Consumer(
        {"bootstrap.servers": kafka.bootstrap_servers, "group.id": "countersign.approval", "client.id": HOSTILE}
    )
    member.subscribe(["commitment.sent"])
    answer = response_bytes(400, json.dumps({"code": HOSTILE, "message": HOSTILE}).encode())
    async with scripted_server(*[answer] * 40) as erp:
        (tmp_path / "connections.toml").write_text(connection("main", erp.url))
        environment |= {"ERP_CONNECTIONS": str(tmp_path / "connections.toml"), "ERP_TOKEN": "s3cret"}
        environment |= {"PUBLIC_URL": erp.url, "OIDC_ISSUER": erp.url, "LINK_SECRET": "s" * 16}
        environment |= {f"{name.upper()}_URL": erp.url for name in SERVICES} | {"OPERATIONS_TOKEN": "t" * 16}
        found = {}
        for given in COMMANDS:
            arguments = [files.get(each, each) for each in given]
            for as_json in (False, True):
                await asyncio.to_thread(member.poll, 0.05)
                ended = await asyncio.to_thread(countersign, environment, *arguments, *["--json"] * as_json)
                if wrong := problems(ended, as_json=as_json):
                    found[given, as_json] = (wrong, ended)
    member.close()
    assert found == {}
