"""What the ERP would not take is not sent, whoever ordered it."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from sandbox.erp.faults import ErpFault, ErpFaultKind
from schemas.events import ErpConnection, ExportFailed, LimitsProfile
from schemas.fields import FailureClass, Owner
from services.exporter.connections import Connections
from services.exporter.connectors.limits.profiles import published_profiles
from services.pipeline.errors import SettingsError
from tests.integration.exporter.exporter_process import SETTLE_SECONDS, ExporterProcess, running_exporter
from tests.unit.exporter.builders import accepted_event

LIMITS = """
    [connection.limits]
    number_characters = 5
    accounting_days_back = 40
    accounting_date_from = 2026-11-01
"""


def with_limits(exporter: ExporterProcess, limits: LimitsProfile) -> ExporterProcess:
    """Return another process whose connection `main` has these limits."""
    main = exporter.connections.by_name["main"]
    connection = replace(main, settings=main.settings.model_copy(update={"limits": limits}))
    return ExporterProcess(exporter.database, Connections({"main": connection}), exporter.erp, exporter.clock)


@pytest.mark.parametrize(
    ("code", "asked"), [("accounting_date", {"accounting_date": date(26, 11, 22)}), ("erp_code", {"erp_code": "A\nB"})]
)
async def test_wrong_terms_fail_without_a_write(exporter: ExporterProcess, code: str, asked: dict[str, object]) -> None:
    await exporter.consume(accepted_event(**asked))
    await exporter.work_once()

    event = await exporter.last_published()
    assert isinstance(event.data, ExportFailed)
    failure = event.data.failure
    assert (failure.code, failure.failure_class, failure.owner) == (code, FailureClass.FIX_DATA, Owner.APPROVER)
    assert exporter.erp.books.documents == {}


async def test_an_order_that_landed_although_its_terms_are_wrong_has_landed(database_url: str, tmp_path: Path) -> None:
    """As when the limits are changed while an answer is lost."""
    order = accepted_event(accounting_date=date(2026, 9, 1))
    async with running_exporter(database_url, tmp_path) as exporter:
        exporter.erp.faults.replace([ErpFault(kind=ErpFaultKind.LOSE_ANSWER, times=1)])
        await exporter.consume(order)
        await exporter.work_once()
        restarted = with_limits(exporter, LimitsProfile(accounting_date_from=date(2026, 11, 1)))
        restarted.clock.advance(SETTLE_SECONDS)
        await restarted.work_once()

        assert await restarted.export_states() == ["succeeded"]


async def test_the_bounds_of_a_connection_are_read_from_its_file_and_announced(
    database_url: str, tmp_path: Path
) -> None:
    async with running_exporter(database_url, tmp_path, settings=LIMITS) as exporter:
        (event,) = await exporter.published()
        assert isinstance(event.data, ErpConnection)
        limits = event.data.limits
        assert (limits.accounting_days_back, limits.accounting_days_ahead, limits.accounting_date_from) == (
            40,
            366,
            date(2026, 11, 1),
        )
        await exporter.consume(accepted_event(erp_code="PO-777"))
        await exporter.work_once()
        failed = (await exporter.last_published()).data
        assert isinstance(failed, ExportFailed)
        assert failed.failure.message == (
            "Main books takes 5 characters in the document number; PO-777 has 6. Nothing was written."
        )


async def test_the_profile_that_a_connection_names_is_announced_with_its_version_and_limits(
    database_url: str, tmp_path: Path
) -> None:
    table = '[connection.limits]\nprofile = "spectrum"\ntitle_characters = 40\n'
    async with running_exporter(database_url, tmp_path, settings=table) as exporter:
        (event,) = await exporter.published()
        assert isinstance(event.data, ErpConnection)
        limits = event.data.limits
        assert (limits.profile, limits.profile_version) == ("spectrum", published_profiles()["spectrum"].version)
        assert (limits.number_characters, limits.title_characters, limits.one_cost_type_only) == (10, 40, True)


async def test_an_order_that_breaks_a_limit_which_nobody_knew_when_it_was_accepted_fails_without_a_write(
    exporter: ExporterProcess,
) -> None:
    await exporter.consume(accepted_event())
    changed = with_limits(exporter, LimitsProfile(title_characters=16))
    await changed.work_once()

    event = await changed.last_published()
    assert isinstance(event.data, ExportFailed)
    failure = event.data.failure
    assert (failure.code, failure.failure_class, failure.owner, failure.in_erp) == (
        "limits",
        FailureClass.FIX_DATA,
        Owner.PROJECT_MANAGER,
        False,
    )
    assert failure.message == (
        "Main books takes 16 characters in the title; that of SC-014 (Concrete, level 2) has 17. Nothing was written."
    )
    assert exporter.erp.books.documents == {}


async def test_an_order_at_the_limit_is_written(exporter: ExporterProcess) -> None:
    await exporter.consume(accepted_event())
    await with_limits(exporter, LimitsProfile(title_characters=17, quantity_decimals=1)).work_once()

    assert await exporter.export_states() == ["succeeded"]
    assert len(exporter.erp.books.documents) == 1


async def test_a_document_is_not_updated_with_what_breaks_a_limit(exporter: ExporterProcess) -> None:
    await exporter.consume(accepted_event())
    await exporter.work_once()
    (before,) = exporter.erp.books.documents.values()
    await exporter.consume(accepted_event(2, title="Concrete, levels 2 and 3"))
    changed = with_limits(exporter, LimitsProfile(title_characters=17))
    await changed.work_once()

    event = await changed.last_published()
    assert isinstance(event.data, ExportFailed)
    assert (event.data.failure.code, event.data.failure.in_erp) == ("limits", True)
    assert list(exporter.erp.books.documents.values()) == [before]


@pytest.mark.parametrize(
    "limit",
    [
        "accounting_days_back = -1",
        'accounting_days_ahead = "366"',
        'accounting_date_from = "soon"',
        "accounting_day_back = 40",
        'profile = "no_such_erp"',
    ],
)
async def test_a_bound_that_is_none_stops_the_exporter(database_url: str, tmp_path: Path, limit: str) -> None:
    with pytest.raises(SettingsError, match=limit.split(" ", maxsplit=1)[0]):
        async with running_exporter(database_url, tmp_path, settings=f"[connection.limits]\n{limit}\n"):
            pass
