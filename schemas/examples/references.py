"""Events about an ERP that asks for work: its client, and entries of its lists."""

from typing import Any

from schemas.events import ErpConnection, ErpList, ErpPoller, ErpReference, MappedNames
from schemas.examples.cast import COMPANY, instant
from schemas.examples.example import EXPORTER, Example, example

DESKTOP = "quickbooks-desktop"


def _polled(name: str, at: str, poller: ErpPoller, **state: Any) -> Example:
    data = ErpConnection(
        name=DESKTOP,
        version=int(instant(at).timestamp() * 1000),
        kind="quickbooks",
        title="QuickBooks Desktop",
        companies=(COMPANY,),
        priority=2,
        poller=poller,
        **state,
    )
    return example(name, EXPORTER, at, data)


def _entry(name: str, at: str, list_name: str, entry_id: str, full_name: str, *, is_active: bool = True) -> Example:
    data = ErpReference(
        connection=DESKTOP,
        list_name=list_name,
        id=entry_id,
        name=full_name,
        is_active=is_active,
        version=int(instant(at).timestamp() * 1000),
    )
    return example(name, EXPORTER, at, data)


_READ_AT = instant("2026-11-18T06:00:41Z")

EXAMPLES: tuple[Example, ...] = (
    _polled(
        "asking",
        "2026-11-18T15:20:00Z",
        ErpPoller(last_asked=instant("2026-11-18T15:20:00Z"), every_seconds=300),
        lists=(
            ErpList(name="vendor", read_at=_READ_AT, entries=214),
            ErpList(name="item", read_at=_READ_AT, entries=86),
            ErpList(name="job", entries=0),
        ),
        mapped=MappedNames(vendor={"IRONLINE": "Ironline Steel Supply, Inc."}, default_item="Subcontracts"),
        last_contact=instant("2026-11-18T15:20:00Z"),
        queue_length=2,
    ),
    _polled("never-asked", "2026-11-17T09:00:00Z", ErpPoller(every_seconds=300)),
    _polled(
        "stayed-away",
        "2026-11-19T16:15:00Z",
        ErpPoller(last_asked=instant("2026-11-19T16:02:00Z"), every_seconds=300, is_away=True),
        queue_length=3,
    ),
    _polled(
        "in-trouble",
        "2026-11-19T17:05:00Z",
        ErpPoller(
            last_asked=instant("2026-11-19T17:05:00Z"),
            every_seconds=300,
            trouble="QuickBooks is closed on the Web Connector's machine.",
        ),
        queue_length=3,
    ),
    _entry("vendor", "2026-11-18T06:00:12Z", "vendor", "80000012-1479168000", "Acme Concrete"),
    _entry("inactive-item", "2026-11-18T06:00:30Z", "item", "8000002A-1479168900", "Concrete:03-100", is_active=False),
    _entry("job", "2026-11-18T06:00:41Z", "job", "80000044-1479169200", "Harbor Builders:Riverside Tower"),
)
