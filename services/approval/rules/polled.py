"""What people read of an ERP that asks for work: how its client is doing, and a commitment's place in its line."""

from datetime import datetime

from schemas.events import ErpConnection
from services.approval.rules.times import ago, every, moment, ordinal

CLIENT = "The Web Connector"
"""What people call the client; QuickBooks Desktop is the only ERP that has one."""


def is_in_trouble(erp: ErpConnection) -> bool:
    """Whether its client has stayed away, or could do nothing when it last asked."""
    return erp.poller is not None and (erp.poller.is_away or bool(erp.poller.trouble))


def needs_somebody(erp: ErpConnection) -> bool:
    """Whether nothing goes to `erp` until somebody sees to its client, or sets it up."""
    return erp.poller is not None and (erp.poller.last_asked is None or is_in_trouble(erp))


def line_words(erp: ErpConnection, place: int | None, now: datetime, time_zone: str) -> str:
    """Where a commitment stands in the line of `erp`, and how its client is doing; empty if that ERP can be called."""
    if erp.poller is None:
        return ""
    heartbeat = heartbeat_words(erp, now, time_zone)
    return f"{ordinal(place)} in line. {heartbeat}" if place else heartbeat


def heartbeat_words(erp: ErpConnection, now: datetime, time_zone: str) -> str:
    """How the client of `erp` is doing, and what to do if it is not well; empty if that ERP can be called."""
    poller = erp.poller
    if poller is None:
        return ""
    trouble = f" {poller.trouble}" if poller.trouble else ""
    if poller.last_asked is None:
        return f"{CLIENT} has not asked yet.{trouble} {_set_up(erp)}"
    often = every(poller.every_seconds)
    if poller.is_away:
        since = moment(poller.last_asked, time_zone)
        return (
            f"{CLIENT} has stayed away since {since} (it should ask {often}). See that the Windows machine is on and "
            f"the Web Connector runs.{' Last trouble:' if trouble else ''}{trouble}"
        )
    asked = f"{CLIENT} last asked {ago(poller.last_asked, now)} ({moment(poller.last_asked, time_zone)})"
    return f"{trouble.strip()} {asked}; it asks {often}.".strip()


def _set_up(erp: ErpConnection) -> str:
    return (
        f"Set it up: on the machine with {erp.title}, add the file of the connection {erp.name} to the Web Connector, "
        "enter its password, and tick Auto-Run."
    )
