"""What the exporter tells of a commitment of which a row cannot be read: which row, and all the rest."""

from dataclasses import replace

import pytest

from sandbox.erp.faults import Calls, ErpFault, ErpFaultKind
from schemas.fields import FailureClass
from schemas.story import ExporterPart
from services.exporter.explaining import explain
from services.pipeline.explaining import no_tails
from tests.damaging import damage
from tests.integration.exporter.exporter_process import ExporterProcess
from tests.unit.exporter.builders import accepted_event

LETTER = """insert into exporter.dead_letter
    (topic, partition, "offset", reason, why, key, header_names, header_values, happened_at, recorded_at)
    values ('decision.accepted', 0, 1, 'schema', 'odd', 'c-1', '{}', '{}', now(), ANTIQUITY)"""
DAMAGE = [
    ("export", "c-1 1", "update exporter.export set state = 'odd'"),
    ("export", "c-1 1", "update exporter.export set decided_by = '{}'"),
    ("export", "c-1 1", "update exporter.export set summary = '[" + "[" * 2000 + "]" * 2000 + "]'"),
    ("attempt", "c-1 ", "update exporter.attempt set outcome = 'odd'"),
    ("connection", "main", "update exporter.connection set told = '{'"),
    ("connection", "main", "update exporter.connection set told = '[1]'"),
    ("connection", "main", """update exporter.connection set told = '{"title": 5}'"""),
    ("poller", "main", """insert into exporter.poller (connection, lists_read) values ('main', '{"vendors": 5}')"""),
    ("snapshot", "c-1 1 1", "update exporter.snapshot set read_partition = null"),
]
TIMES = [
    LETTER,
    *(
        f"update exporter.{column} = {time}"
        for column in (
            "export set accepted_at",
            "export set state_since",
            "attempt set ended_at",
            "commitment set due_at",
            "connection set last_contact",
            "connection set configured_until",
        )
        for time in ("ANTIQUITY", "'infinity'", "'-infinity'")
    ),
]


async def told(exporter: ExporterProcess) -> ExporterPart:
    return await explain(exporter.database, "c-1", no_tails, exporter.clock)


async def retried(exporter: ExporterProcess) -> None:
    """An export that was tried once, and is tried again."""
    locked = ErpFault(kind=ErpFaultKind.REFUSE, calls=Calls.EVERY, failure_class=FailureClass.RETRY_LATER)
    exporter.erp.faults.replace([locked])
    await exporter.consume(replace(accepted_event(), place=(3, 17)))
    await exporter.work_once()


@pytest.mark.parametrize(("table", "key", "statement"), DAMAGE)
async def test_a_row_that_cannot_be_read_is_named_and_the_rest_is_told(
    exporter: ExporterProcess, table: str, key: str, statement: str
) -> None:
    await retried(exporter)
    sound = await told(exporter)
    await damage(exporter.database, "exporter", statement)

    part = await told(exporter)

    (sentence,) = part.unreadable
    assert sentence.startswith(f"exporter.{table} has a row for {key}")
    assert sentence.endswith(" that cannot be read")
    assert sound.unreadable == ()
    assert part.exports == (() if table == "export" else sound.exports)
    assert part.attempts == (() if table == "attempt" else sound.attempts)
    assert part.orders == (() if table == "snapshot" else sound.orders)
    assert ExporterPart.model_validate_json(part.model_dump_json()) == part


@pytest.mark.parametrize("statement", TIMES)
async def test_a_time_that_no_calendar_has_hides_nothing(exporter: ExporterProcess, statement: str) -> None:
    await retried(exporter)
    sound = await told(exporter)
    await damage(exporter.database, "exporter", statement)

    part = await told(exporter)

    assert part.unreadable == ()
    assert (len(part.exports), len(part.attempts), part.orders) == (1, len(sound.attempts), sound.orders)
    assert part.connection is not None
    assert len(part.traffic.dead_letters) == (statement == LETTER)
    assert ExporterPart.model_validate_json(part.model_dump_json()) == part


async def test_of_several_exports_only_the_one_that_cannot_be_read_is_left_out(exporter: ExporterProcess) -> None:
    await exporter.consume(accepted_event())
    await exporter.work_once()
    await exporter.consume(accepted_event(revision=2))
    await damage(exporter.database, "exporter", "update exporter.export set state = 'odd' where revision = 1")

    part = await told(exporter)

    assert [each.revision for each in part.exports] == [2]
    assert part.unreadable == ("exporter.export has a row for c-1 1 that cannot be read",)


async def test_a_connection_of_which_only_the_announcement_cannot_be_read_tells_its_circuit(
    exporter: ExporterProcess,
) -> None:
    await retried(exporter)
    await damage(exporter.database, "exporter", "update exporter.connection set told = '{', reason = 'It was away.'")

    connection = (await told(exporter)).connection

    assert connection is not None
    assert (connection.name, connection.title, connection.last_contact is not None) == ("main", "main", True)


async def test_what_cannot_be_read_is_known_to_the_exporter(exporter: ExporterProcess) -> None:
    await exporter.consume(accepted_event())
    await damage(exporter.database, "exporter", "update exporter.export set state = 'odd'")
    part = await told(exporter)
    assert (part.exports, part.knows_it) == ((), True)
