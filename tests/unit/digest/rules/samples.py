"""People, statuses and items for the digest's tests; each member may be given."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import strategies as st

from schemas.commitment import Person, Summary
from schemas.events import CommitmentStatus, DirectoryPerson
from schemas.fields import Kind, Ribbon, Status, ToolLevel
from services.digest.rules.items import Item
from services.digest.rules.recipients import Recipient

SIX = time(6)
CHICAGO = ZoneInfo("America/Chicago")
NOW = datetime(2026, 11, 17, 12, 0, tzinfo=UTC)  # 06:00 in Chicago
SINCE = datetime(2026, 11, 16, 15, 2, tzinfo=UTC)
SAM = Person(id="sam", name="Sam Lee", email="sam.lee@pm.example")

instants = st.datetimes(datetime(1995, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
zones = st.sampled_from(sorted(available_timezones())).map(ZoneInfo)


def person(**given: object) -> DirectoryPerson:
    """An accounting approver in Chicago, unless `given` says otherwise."""
    plain: dict[str, object] = {
        "company_id": "c-1",
        "person_id": "dana",
        "version": 1,
        "name": "Dana Ruiz",
        "email": "dana.ruiz@desk.example",
        "time_zone": "America/Chicago",
        "erp_tool": ToolLevel.STANDARD,
        "can_push_to_accounting": True,
    }
    return DirectoryPerson.model_validate(plain | given)


def recipient(*, is_subscribed: bool = True, **given: object) -> Recipient:
    return Recipient(person(**given), is_subscribed)


def summary(number: str) -> Summary:
    return Summary(
        number=number,
        title="Concrete works",
        kind=Kind.SUBCONTRACT,
        project="Riverside Tower",
        vendor="Acme Concrete",
        currency="USD",
        total="480250.00",
        creator=SAM,
        sent_by=SAM,
        url="https://pm.example/commitments/1",
    )


def status(number: str = "SC-1", **given: object) -> CommitmentStatus:
    """A commitment that waits for an approver, unless `given` says otherwise."""
    plain: dict[str, object] = {
        "company_id": "c-1",
        "project_id": "p-1",
        "commitment_id": number,
        "revision": 1,
        "version": 1,
        "status": Status.READY,
        "ribbon": Ribbon.BLUE,
        "editable": False,
        "message": "It waits for an approver.",
        "since": SINCE,
        "summary": summary(number),
    }
    return CommitmentStatus.model_validate(plain | given)


def item(name: str, status: Status = Status.READY, **given: object) -> Item:
    plain: dict[str, object] = {
        "commitment_id": name,
        "company_id": "c-1",
        "version": 1,
        "revision": 1,
        "status": status,
        "since": NOW - timedelta(days=1),
        "message": "",
        "currency": "USD",
        "total": Decimal("480250.00"),
        "summary": summary(name).model_dump_json(),
    }
    return Item(**(plain | given))  # type: ignore[arg-type]
