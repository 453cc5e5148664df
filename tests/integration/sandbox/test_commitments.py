"""The Commitments tool on a real Kafka: what its buttons publish, and how it follows status events."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from httpx2 import AsyncClient, Response

from sandbox.commitments import CommitmentsTool, running_commitments
from sandbox.commitments.tool import Rights
from schemas.commitment import summarise
from schemas.envelope import Event, decode, encode, new_event
from schemas.events import (
    CommitmentResent,
    CommitmentRetrieved,
    CommitmentSent,
    CommitmentStatus,
    DirectoryPerson,
    EventData,
    SubmissionRefused,
)
from schemas.examples.cast import ACME, ANA, COMPANY, DANA, IRONLINE, KIM, RIVERSIDE, SAM
from schemas.fields import Ribbon, Status, ToolLevel
from schemas.topics import TOPICS
from services.pipeline.broker import EventProducer, TopicReader, create_topics
from services.pipeline.settings import KafkaSettings
from tests.kafka import KafkaUnderTest
from tests.waiting import eventually

ANA_ACTS = {"x-person": ANA.id}
TYPED = {
    "number": "SC-014",
    "title": "Concrete works",
    "vendor": ACME.id,
    "lines": [{"cost_code": "03-300", "quantity": "1150", "unit_cost": "185.00"}],
}
RIBBONS = {Status.READY: Ribbon.BLUE, Status.REJECTED: Ribbon.YELLOW, Status.SYNCED: Ribbon.GREEN}


@pytest.fixture
async def settings(kafka: KafkaUnderTest) -> KafkaSettings:
    settings = KafkaSettings(kafka_bootstrap_servers=kafka.bootstrap_servers)
    await asyncio.to_thread(create_topics, settings, TOPICS)
    return settings


@pytest.fixture
async def tool(settings: KafkaSettings) -> AsyncIterator[CommitmentsTool]:
    async with running_commitments(settings) as running:
        yield running


@pytest.fixture
async def client(tool: CommitmentsTool) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(base_url=tool.url, timeout=10) as opened:
        yield opened


@pytest.fixture
async def approval(settings: KafkaSettings, tool: CommitmentsTool) -> AsyncIterator["Approval"]:
    producer = EventProducer(settings, "a-test")
    yield Approval(tool, producer)
    await asyncio.to_thread(producer.close)


class Approval:
    """Publishes statuses as approval would, and waits until the tool has read them."""

    def __init__(self, tool: CommitmentsTool, producer: EventProducer) -> None:
        self._tool = tool
        self._producer = producer
        self._version = 0

    async def publishes(self, commitment_id: str, status: Status, **changes: Any) -> None:
        self._version += 1
        tracked = self._tool.tracked[commitment_id]
        data = CommitmentStatus(
            company_id=COMPANY,
            project_id=RIVERSIDE.id,
            commitment_id=commitment_id,
            revision=tracked.sent_revision,
            version=changes.pop("version", self._version),
            status=status,
            ribbon=RIBBONS[status],
            editable=status in (Status.REJECTED, Status.SYNCED),
            message=f"It is {status}.",
            since=datetime.now(UTC),
            summary=summarise(tracked.commitment, SAM),
            **changes,
        )
        event: Event[EventData] = new_event(data, source="a-test", time=datetime.now(UTC))
        assert await self._producer.send([(data.topic, data.subject, encode(event))]) == [None]
        await eventually(lambda: self._tool.tracked[commitment_id].status == data)


async def published(settings: KafkaSettings, topic: str, subject: str) -> list[Any]:
    def read() -> list[Any]:
        reader = TopicReader(settings, [topic])
        records, ends = [], reader.ends()
        while not reader.has_reached(ends):
            records += reader.read()
        reader.close()
        mine = (record for record in records if record.key == subject.encode())
        return [decode(topic, record.key, record.value, record.headers, record.at).data for record in mine]

    return await asyncio.to_thread(read)


async def created(client: AsyncClient) -> str:
    answer = await client.post("/api/commitments", json=TYPED, headers=ANA_ACTS)
    assert answer.status_code == 201
    return str(answer.json()["commitment"]["id"])


async def sent(client: AsyncClient) -> str:
    commitment_id = await created(client)
    assert (await act(client, commitment_id, "send")).status_code == 200
    return commitment_id


async def act(client: AsyncClient, commitment_id: str, action: str, **body: Any) -> Response:
    return await client.post(f"/api/commitments/{commitment_id}/{action}", json=body)


async def test_send_publishes_the_whole_commitment_once(settings: KafkaSettings, client: AsyncClient) -> None:
    commitment_id = await created(client)
    answers = [await act(client, commitment_id, "send", note="Please by Friday") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 409]
    (event,) = await published(settings, CommitmentSent.topic, commitment_id)
    assert (event.revision, event.note, event.sent_by) == (1, "Please by Friday", SAM)
    assert event.commitment.commitment.creator == ANA
    assert event.commitment.commitment.total == "212750.00"
    assert event.commitment.commitment.url.endswith(f"/commitments/{commitment_id}")


async def test_a_rejected_commitment_is_edited_and_re_sent(
    settings: KafkaSettings, client: AsyncClient, approval: Approval
) -> None:
    commitment_id = await sent(client)
    await approval.publishes(commitment_id, Status.READY)
    locked = await client.put(f"/api/commitments/{commitment_id}", json=TYPED)
    assert (locked.status_code, locked.json()["detail"]) == (
        409,
        "It is locked until it is rejected, retrieved or synced.",
    )
    await approval.publishes(commitment_id, Status.REJECTED)
    corrected = TYPED | {"lines": [TYPED["lines"][0] | {"cost_code": "03-310"}]}
    assert (await client.put(f"/api/commitments/{commitment_id}", json=corrected)).status_code == 200
    assert (await act(client, commitment_id, "resend", note="Moved to 03-310")).status_code == 200
    (resent,) = await published(settings, CommitmentResent.topic, commitment_id)
    assert (resent.revision, resent.note) == (2, "Moved to 03-310")
    assert resent.commitment.commitment.lines[0].cost_code == "03-310"
    shown = (await client.get(f"/api/commitments/{commitment_id}")).json()
    assert shown["status"]["ribbon"] == "YELLOW"
    assert shown["is_unconfirmed"]
    await approval.publishes(commitment_id, Status.READY)
    assert (await client.get(f"/api/commitments/{commitment_id}")).json()["status"]["ribbon"] == "BLUE"


async def test_retrieve_takes_back_the_latest_revision(
    settings: KafkaSettings, client: AsyncClient, approval: Approval
) -> None:
    commitment_id = await sent(client)
    await approval.publishes(commitment_id, Status.READY)
    answers = [await act(client, commitment_id, "retrieve") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 409]
    (taken,) = await published(settings, CommitmentRetrieved.topic, commitment_id)
    assert (taken.revision, taken.retrieved_by) == (1, SAM)


async def test_locked_fields_of_a_synced_commitment_cannot_change(client: AsyncClient, approval: Approval) -> None:
    commitment_id = await sent(client)
    await approval.publishes(commitment_id, Status.SYNCED, locked_fields=("number", "vendor", "title", "status"))
    address = f"/api/commitments/{commitment_id}"
    refused = await client.put(address, json=TYPED | {"title": "Other works", "vendor": IRONLINE.id})
    allowed = await client.put(address, json=TYPED | {"description": "As agreed"})
    assert refused.json()["detail"] == "Locked while there is a document in the ERP: title, vendor."
    assert allowed.status_code == 200
    form = (await client.get(f"/commitments/{commitment_id}/edit")).text
    assert 'id="title" name="title" value="Concrete works" required readonly>' in form
    assert '<select id="vendor" name="vendor" disabled>' in form


async def test_older_statuses_change_nothing(tool: CommitmentsTool, client: AsyncClient, approval: Approval) -> None:
    commitment_id = await sent(client)
    await approval.publishes(commitment_id, Status.SYNCED, version=9)
    latest = tool.tracked[commitment_id].status
    assert latest is not None
    await tool.apply(latest.model_copy(update={"version": 8, "status": Status.READY}))
    assert tool.tracked[commitment_id].status == latest


async def test_what_accounting_has_not_taken_is_shown_and_can_be_sent_again(
    settings: KafkaSettings, tool: CommitmentsTool, client: AsyncClient
) -> None:
    commitment_id = await sent(client)
    refused = SubmissionRefused(
        company_id=COMPANY,
        commitment_id=commitment_id,
        revision=1,
        message_hash="a" * 64,
        reason="schema",
        message="SC-014 did not reach accounting: total: must be a decimal string.",
        next_step="Correct it.",
    )
    await tool.apply(refused)
    shown = (await client.get(f"/api/commitments/{commitment_id}")).json()
    assert shown["refused"]["reason"] == "schema"
    assert not shown["is_unconfirmed"]
    assert "did not reach accounting" in (await client.get(f"/commitments/{commitment_id}")).text

    assert (await act(client, commitment_id, "send")).status_code == 200
    assert [each.revision for each in await published(settings, CommitmentSent.topic, commitment_id)] == [1, 1]
    await tool.apply(refused.model_copy(update={"revision": 3}))
    shown = (await client.get(f"/api/commitments/{commitment_id}")).json()
    assert (shown["refused"], shown["is_unconfirmed"]) == (None, True)


async def test_what_is_too_large_is_refused_before_it_is_sent(client: AsyncClient) -> None:
    lines = [{"cost_code": "03-300", "quantity": "1", "unit_cost": "1.00", "description": "x" * 9_000}] * 150
    answer = await client.post("/api/commitments", json=TYPED | {"lines": lines}, headers=ANA_ACTS)
    refused = await act(client, answer.json()["commitment"]["id"], "send")
    assert refused.status_code == 409
    assert refused.json()["detail"].startswith("It is too large to be sent: a commitment of 1,")


async def test_only_project_admins_send(client: AsyncClient) -> None:
    commitment_id = await created(client)
    answer = await client.post(f"/api/commitments/{commitment_id}/send", headers=ANA_ACTS, json={})
    assert (answer.status_code, answer.json()["detail"]) == (
        409,
        "This needs Admin on the project's Commitments tool.",
    )
    forbidden = await client.post("/api/commitments", json=TYPED, headers={"x-person": DANA.id})
    unknown = await client.post("/api/commitments", json=TYPED, headers={"x-person": "p-nobody"})
    assert (forbidden.status_code, unknown.status_code) == (409, 401)
    assert (await client.get("/api/commitments/c-missing")).status_code == 404


async def test_a_restarted_tool_still_has_its_commitments_and_their_statuses(
    settings: KafkaSettings, tool: CommitmentsTool, client: AsyncClient, approval: Approval
) -> None:
    commitment_id = await sent(client)
    await approval.publishes(commitment_id, Status.REJECTED)
    async with running_commitments(settings) as again:
        assert again.tracked[commitment_id] == tool.tracked[commitment_id]
        assert again.tracked[commitment_id].next_revision == 2


async def test_the_directory_is_published_and_its_changes_get_higher_versions(
    settings: KafkaSettings, client: AsyncClient
) -> None:
    before = await published(settings, DirectoryPerson.topic, DANA.id)
    assert before[-1].can_push_to_accounting
    rights = {"erp_tool": "standard", "can_push_to_accounting": True, "digest_subscribed": False}
    changed = (await client.put(f"/api/people/{DANA.id}", json=rights)).json()
    after = await published(settings, DirectoryPerson.topic, DANA.id)
    assert (after[-1].version, after[-1].digest_subscribed) == (changed["version"], False)
    assert changed["version"] > before[0].version
    page = (await client.get("/directory")).text
    assert page.count("Accounting approver</span>") == page.count('class="badge"') == 2  # Dana and Lee


async def test_a_restarted_tool_publishes_the_latest_version_of_the_directory(
    settings: KafkaSettings, tool: CommitmentsTool
) -> None:
    rights = Rights(erp_tool=ToolLevel.READ_ONLY, digest_subscribed=False)
    changed = await tool.change_person(KIM.id, rights)
    async with running_commitments(settings) as again:
        assert again.people[KIM.id] == changed
    assert (await published(settings, DirectoryPerson.topic, KIM.id))[-1] == changed


async def test_the_pages_create_send_and_show_the_ribbon(
    tool: CommitmentsTool, client: AsyncClient, approval: Approval
) -> None:
    form = {"number": "SC-7", "title": "<script>alert(1)</script>", "vendor": ACME.id, "kind": "subcontract"}
    line = {"line_quantity": ["2", "", ""], "line_unit_cost": ["10.00", "", ""], "line_description": ["Kerbs", "", ""]}
    rest = {f"line_{name}": ["", "", ""] for name in ("cost_code", "cost_type", "unit", "tax_code")}
    page = await client.post("/new", data=form | line | rest)
    assert page.status_code == 303
    commitment_id = page.headers["location"].rpartition("/")[2]
    sending = asyncio.create_task(client.post(f"/commitments/{commitment_id}/send", data={"note": ""}))
    await eventually(lambda: tool.tracked[commitment_id].sent_revision == 1)
    await approval.publishes(commitment_id, Status.READY)
    assert (await sending).status_code == 303
    shown = (await client.get(f"/commitments/{commitment_id}")).text
    listing = (await client.get("/")).text
    assert 'class="band BLUE"' in shown
    assert 'class="ribbon BLUE">Sent to ERP<' in listing
    assert "<script>" not in shown + listing
    assert '<script src="/refresh.js" defer></script>' in shown
    assert "script" in (await client.get("/refresh.js")).headers["content-type"]
    assert "Kerbs" in shown


async def test_an_invalid_form_keeps_what_was_typed_and_says_what_is_wrong(client: AsyncClient) -> None:
    answer = await client.post("/new", data={"number": "SC-7", "title": "", "vendor": ACME.id, "currency": "dollar"})
    assert answer.status_code == 422
    assert "<title>Error: Create commitment" in answer.text
    assert "There is a problem" in answer.text
    assert '<a href="#currency">Enter the currency as three letters, such as USD</a>' in answer.text
    assert (
        'id="currency" name="currency" value="dollar" aria-invalid="true" aria-describedby="wrong-currency"'
        in answer.text
    )
    assert '<span class="wrong" id="wrong-currency">' in answer.text


async def test_after_a_change_somebody_else_acts(client: AsyncClient) -> None:
    commitment_id = await created(client)
    await client.post("/acting", data={"person_id": ANA.id})
    page = await client.get(f"/commitments/{commitment_id}")
    assert "This needs Admin" in page.text
    refused = await client.post(f"/commitments/{commitment_id}/send", headers={"accept": "text/html"})
    assert refused.status_code == 409
    assert "This was not done" in refused.text


async def test_who_acts_in_one_demo_does_not_act_in_another_one_on_this_machine(
    client: AsyncClient, settings: KafkaSettings
) -> None:
    async with running_commitments(settings) as other:
        await client.post("/acting", data={"person_id": ANA.id})

        pages = [(await client.get(address)).text for address in ("/", f"{other.url}/")]

    assert [f'<option value="{ANA.id}" selected' in page for page in pages] == [True, False]


async def test_what_was_not_changed_is_edited_before_it_is_re_sent(client: AsyncClient, approval: Approval) -> None:
    commitment_id = await sent(client)
    await approval.publishes(commitment_id, Status.REJECTED)
    unchanged = (await client.get(f"/commitments/{commitment_id}")).text
    await client.put(f"/api/commitments/{commitment_id}", json=TYPED | {"description": "Corrected"})
    changed = (await client.get(f"/commitments/{commitment_id}")).text

    edit, resend = f'href="/commitments/{commitment_id}/edit">Edit', f'formaction="/commitments/{commitment_id}/resend"'
    assert f'<a class="button" {edit}' in unchanged
    assert f'{resend} class="second" aria-describedby="why-resend">' in unchanged
    assert "Nothing has changed since revision 1." in unchanged
    assert f'<a class="button second" {edit}' in changed
    assert f"{resend}>" in changed


async def test_the_form_of_a_locked_commitment_is_refused_at_once(client: AsyncClient, approval: Approval) -> None:
    commitment_id = await sent(client)
    await approval.publishes(commitment_id, Status.READY)
    answer = await client.get(f"/commitments/{commitment_id}/edit", headers={"accept": "text/html"})
    assert answer.status_code == 409
    assert "It is locked until it is rejected, retrieved or synced." in answer.text


async def test_a_commitment_without_lines_says_why_it_cannot_be_sent(client: AsyncClient) -> None:
    answer = await client.post("/api/commitments", json=TYPED | {"lines": []})
    page = (await client.get(f"/commitments/{answer.json()['commitment']['id']}")).text
    assert 'disabled aria-describedby="why-send">Send to ERP</button>' in page
    assert '<p class="quiet" id="why-send">It has no lines yet. Edit it, and enter at least one.</p>' in page
