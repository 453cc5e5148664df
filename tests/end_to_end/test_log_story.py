"""No address, name, content or secret stands in the log or the metrics of any service, however the story goes."""

import asyncio
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest

from sandbox.erp import Calls, ErpFault, ErpFaultKind
from sandbox.erp.server import Erp
from sandbox.erp_under_demo import ErpKind
from sandbox.mailbox.catcher import MailFault, MailFaultKind
from sandbox.people import PEOPLE
from sandbox.projects import PROJECTS
from sandbox.quickbooks.erp import ENDPOINT_PATH
from sandbox.servers.local_server import free_ports
from sandbox.story import Timeline, play
from sandbox.story.actors import Actors
from sandbox.world import World, WorldOptions, running_world
from schemas.examples.cast import ACME, ANA, COMPANY, IRONLINE, KIM, SAM
from schemas.fields import FailureClass
from services.exporter.web_connector.envelope import SOAP_11
from services.exporter.web_connector.methods import NAMESPACE
from services.pipeline import operations
from services.pipeline.operations import Publishable
from tests.end_to_end.signing_in import signed_in
from tests.log_lines import leaks, lines_of
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(280)

CONTENT = {
    name: f"Quetzal {name} zxq"
    for name in ("number", "title", "note", "reason", "question", "answer", "ERP text", "bad event", "evidence", "path")
}
"""What people and systems say in this test; nobody would say it otherwise."""

PASSWORDS = {name: f"quetzal-{name}-zxq" for name in ("database", "smtp", "erp", "kafka", "bearer", "cookie", "link")}
KEYED_BY_NAME = "Quetzal-Person"
QUICK = {"timeout_seconds": 3.0, "settle_seconds": 3.0, "max_attempts": 3}
AWAY = ("relay.waits", "brokers.away")
EXPECTED = {
    "service.starting",
    "export.settled",
    "mail.settled",
    "consumer.dead_lettered",
    "consumer.rights_removed",
    "consumer.partly_read",
    "http.body_refused",
    "service.stopped",
}


async def test_a_full_story_leaves_no_content_and_no_secret_in_any_log(tmp_path: Path) -> None:
    options = WorldOptions(variables={"LOG_FORMAT": "json"}, is_durable=False, erp_settings=QUICK)
    async with running_world(tmp_path, options) as world:
        await play(world, Timeline(lambda _: None))
        async with Actors(world) as actors:
            await failures(world, actors)
            await questions(actors)
        await bad_events(world)
        cookies = await odd_requests(world)
        metrics = [await measured(world, name) for name in world.services]
        for service in world.services.values():
            await asyncio.to_thread(service.stop)
        lines = lines_of(service.log for service in world.services.values())
        started = [
            started_with(service, environment, tmp_path / f"{number}.log")
            for number, (service, environment) in enumerate(wrong_environments(world, tmp_path))
        ]
        lines += [line for of_one in await asyncio.gather(*started) for line in of_one]
        secrets = CONTENT | PASSWORDS | spoken_of() | secrets_of(world) | cookies

    assert leaks([*lines, *metrics], secrets) == []
    assert {line["event"] for line in lines} >= EXPECTED
    assert_correlated(lines)
    for name, secret in secrets.items():  # and a leak would be found, wherever it is
        planted = dict(lines[0]) | {"documents": [f"a {secret!r} b"]}
        assert any(found.startswith(name) for found in leaks([*lines, planted], secrets)), name


async def test_a_story_with_a_polled_erp_leaves_none_either(tmp_path: Path) -> None:
    options = WorldOptions(variables={"LOG_FORMAT": "json"}, is_durable=False, erp=ErpKind.QUICKBOOKS)
    async with running_world(tmp_path, options) as world:
        await play(world, Timeline(lambda _: None))
        await odd_calls(world)
        for service in world.services.values():
            await asyncio.to_thread(service.stop)
        lines = lines_of(service.log for service in world.services.values())
        secrets = CONTENT | PASSWORDS | spoken_of() | secrets_of(world)

    assert leaks(lines, secrets) == []
    assert {line["event"] for line in lines} >= {"conversation.ended", "web_connector.sign_in_refused"}


async def measured(world: World, name: str) -> Mapping[str, str]:
    """What a service shows to whoever may reach its metrics."""
    async with httpx2.AsyncClient(trust_env=False, timeout=20) as prometheus:
        shown = await prometheus.get(f"{world.services[name].url}/metrics")
    assert "process_cpu_seconds_total" in shown.text
    return {"service": name, "event": "metrics", "text": shown.text}


async def odd_calls(world: World) -> None:
    """Somebody calls the Web Connector's endpoint with a wrong password, a ticket of nobody, and no SOAP at all."""
    url = f"{world.services['exporter'].url}{ENDPOINT_PATH}"
    async with httpx2.AsyncClient(trust_env=False, timeout=20) as client:
        who = f"<strUserName>{CONTENT['path']}</strUserName><strPassword>{PASSWORDS['erp']}</strPassword>"
        for body in (
            f"<authenticate xmlns='{NAMESPACE}'>{who}</authenticate>",
            f"<closeConnection xmlns='{NAMESPACE}'><ticket>{PASSWORDS['link']}</ticket></closeConnection>",
            f"<quetzal>{CONTENT['ERP text']}</quetzal>",
        ):
            envelope = f"<s:Envelope xmlns:s='{SOAP_11}'><s:Body>{body}</s:Body></s:Envelope>"
            await client.post(url, content=envelope, headers={"content-type": "text/xml; charset=utf-8"})
        await client.post(url, content=CONTENT["ERP text"], headers={"content-type": "text/plain"})


async def failures(world: World, actors: Actors) -> None:
    """The ERP refuses, answers nonsense, and loses answers; a mail server refuses and names whom."""
    assert isinstance(world.own_erp, Erp)
    world.mailbox.faults.switch_on(MailFault(kind=MailFaultKind.REFUSE_AND_QUOTE, recipient=ANA.email))
    for number, kind in enumerate((ErpFaultKind.REFUSE, ErpFaultKind.NOT_JSON, ErpFaultKind.ERROR_AFTER_STORING)):
        commitment_id = await sent(actors, number)
        world.own_erp.faults.switch_on(
            ErpFault(
                kind=kind,
                reference=commitment_id,
                calls=Calls.WRITES,
                message=f"{CONTENT['ERP text']}: {ACME.name} of {SAM.email}",
                failure_class=FailureClass.FIX_DATA,
            )
        )
        await actors.accept(await waiting(actors, commitment_id))
        await eventually(lambda id_=commitment_id: has_ended(actors, id_))
    rejected = await sent(actors, 9)
    await actors.reject(await waiting(actors, rejected), CONTENT["reason"])
    await eventually(lambda: bool(actors.mails(SAM.email or "", "Rejected: Quetzal number zxq-9")))


async def questions(actors: Actors) -> None:
    """Somebody asks, and is answered by the link of the mail."""
    commitment_id = await sent(actors, 10)
    await actors.ask(await waiting(actors, commitment_id), CONTENT["question"])
    await eventually(lambda: any("/q/" in mail.text for mail in actors.mails(SAM.email or "", "")))
    (asked,) = [mail for mail in actors.mails(SAM.email or "", "") if "/q/" in mail.text]
    await actors.reply(SAM.email or "", asked.subject, CONTENT["answer"])


async def bad_events(world: World) -> None:
    """Messages that cannot be read, each in another way, and people who lose their rights by one."""
    person = orjson.loads(PEOPLE[KIM.id].model_dump_json()) | {"version": 9}
    envelope = {
        "specversion": "1.0",
        "id": "3f0c2f34-8f0c-4d7b-8a3e-0d4b0d1e2f3a",
        "source": "quetzal",
        "type": "directory.person.v1",
        "subject": KIM.id,
        "time": "2026-11-16T09:00:00Z",
        "datacontenttype": "application/json",
    }
    understood_partly = envelope | {"data": person | {"erp_tool": CONTENT["bad event"]}}
    unreadable = envelope | {"data": person | {"version": CONTENT["bad event"]}}
    bad = CONTENT["bad event"].encode()
    messages = [
        ("commitment.sent", "c-quetzal", b"not JSON, but " + bad),
        ("commitment.sent", KEYED_BY_NAME, orjson.dumps(envelope | {"type": "commitment.sent.v1", "data": {"x": 1}})),
        ("commitment.sent", "c-quetzal-2", orjson.dumps(envelope | {"subject": CONTENT["bad event"]})),
        ("directory.person", KIM.id, orjson.dumps(understood_partly)),
        ("directory.person", KIM.id, orjson.dumps(unreadable)),
    ]
    await operations.publish(
        world.kafka_settings, [Publishable(topic, key, "", value) for topic, key, value in messages]
    )
    log = world.services["approval"].log
    await eventually(lambda: "consumer.rights_removed" in log.read_text())


async def odd_requests(world: World) -> Mapping[str, str]:
    """Requests with wrong tokens, cookies, paths and too much; returns the secrets of a real session."""
    async with signed_in(world) as browser:
        cookies = {f"cookie {name}": value for name, value in browser.cookies.items() if len(value) > 8}
        await browser.get(f"/commitments/{CONTENT['path']}")
        with suppress(httpx2.TransportError):  # the server answers, and reads no more
            await browser.post("/reasons", content=b"x" * 3_000_000)
    async with httpx2.AsyncClient(base_url=world.desk_url, trust_env=False, timeout=20) as nobody:
        bearer = {"authorization": f"Bearer {PASSWORDS['bearer']}"}
        await nobody.get(f"/api/v1/commitments/{CONTENT['path']}", headers=bearer)
        await nobody.get("/", headers={"cookie": f"session={PASSWORDS['cookie']}"})
        for path in ("u", "q"):
            await nobody.get(f"/{path}/{PASSWORDS['link']}")
            await nobody.post(f"/{path}/{PASSWORDS['link']}", data={"answer": CONTENT["answer"]})
    assert cookies
    return cookies


def wrong_environments(world: World, folder: Path) -> list[tuple[str, Mapping[str, str]]]:
    """Services whose passwords stand in settings that are wrong, or lead nowhere."""
    given = dict(world.environment) | {"HTTP_PORT": "0"}
    (nowhere,) = free_ports(1)
    database = f"postgresql://quetzal:{PASSWORDS['database']}@127.0.0.1:{nowhere}/x"
    connections = folder / "wrong.toml"
    connections.write_text(
        f'[[connection]]\nname = "main"\nkind = "http"\ncompanies = ["{COMPANY}"]\n'
        f'url = "http://quetzal:{PASSWORDS["erp"]}@127.0.0.1:{nowhere}"\ntoken_env = "ERP_TOKEN_UNSET"\n'
    )
    return [
        ("notifier", given | {"DATABASE_URL": database}),
        ("notifier", given | {"DATABASE_URL": f"mysql://quetzal:{PASSWORDS['database']}@127.0.0.1/x"}),
        ("notifier", given | {"SMTP_URL": f"smtp://quetzal:{PASSWORDS['smtp']}@127.0.0.1:none"}),
        ("notifier", given | {"SMTP_URL": f"imap://quetzal:{PASSWORDS['smtp']}@127.0.0.1"}),
        ("exporter", given | {"ERP_CONNECTIONS": str(connections)}),
        (
            "approval",
            given
            | {
                "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
                "KAFKA_SASL_MECHANISM": "PLAIN",
                "KAFKA_SASL_USERNAME": "quetzal",
                "KAFKA_SASL_PASSWORD": PASSWORDS["kafka"],
            },
        ),
    ]


async def started_with(service: str, environment: Mapping[str, str], log: Path) -> list[dict[str, Any]]:
    """Run a service until it has ended, or says what is away; return its lines of both streams."""
    process = await asyncio.to_thread(_start, service, environment, log)
    try:
        await eventually(lambda: process.poll() is not None or any(each in log.read_text() for each in AWAY))
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait)
    lines = lines_of([log])
    assert lines
    return lines


def _start(service: str, environment: Mapping[str, str], log: Path) -> "subprocess.Popen[bytes]":
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", f"services.{service}"], env=dict(environment), stdout=output, stderr=output
        )


def spoken_of() -> Mapping[str, str]:
    """The people, vendors and projects of the story, and amounts of its commitments."""
    people = {f"name of {entry.person_id}": entry.name for entry in PEOPLE.values()}
    mails = {f"address of {entry.person_id}": entry.email or "" for entry in PEOPLE.values()}
    others = {f"name of {each.id}": each.name for each in (ACME, IRONLINE, *PROJECTS)}
    words = ("Concrete works", "Structural steel", "Waterproofing", "The accounting period is closed", "03-310 is")
    amounts = ("480,252.75", "480252.75", "797.10")
    return people | mails | others | {each: each for each in (*words, *amounts)}


def secrets_of(world: World) -> Mapping[str, str]:
    """What only the services may know."""
    named = ("LINK_SECRET", "OIDC_CLIENT_SECRET")
    return {name: world.environment[name] for name in named} | dict(world.erp.secrets)


def assert_correlated(lines: list[dict[str, Any]]) -> None:
    """Each line about a commitment or a mail says which."""
    settled = [line for line in lines if line["event"] == "export.settled"]
    mailed = [line for line in lines if line["event"] == "mail.settled" and line["kind"] != "digest"]
    assert all(line.keys() >= {"commitment_id", "revision", "round", "connection", "trace_id"} for line in settled)
    assert all(line.keys() >= {"event_id", "person_id", "kind", "commitment_id"} for line in mailed)


async def sent(actors: Actors, number: int) -> str:
    """Send a commitment that says what nobody else says; return its id."""
    commitment_id = await actors.create(f"{CONTENT['number']}-{number}", f"{CONTENT['title']} {number}")
    await actors.send(commitment_id, note=CONTENT["note"])
    return commitment_id


async def waiting(actors: Actors, commitment_id: str) -> Mapping[str, Any]:
    """Return its row once the desk has it."""
    await eventually(lambda: is_listed(actors, commitment_id))
    row = await actors.row("ready", commitment_id)
    assert row
    return row


async def is_listed(actors: Actors, commitment_id: str) -> bool:
    return await actors.row("ready", commitment_id) is not None


async def has_ended(actors: Actors, commitment_id: str) -> bool:
    """Whether the export is in the ERP, or has failed."""
    return any([await actors.row(view, commitment_id) for view in ("synced", "failed")])
