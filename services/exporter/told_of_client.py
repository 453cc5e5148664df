"""What is announced of the client of a polled ERP, of the ERP's lists, and of the names that a connection replaces."""

from datetime import datetime
from typing import Any

from schemas.events import ErpList, ErpPoller
from services.exporter.connections import Connection
from services.exporter.connectors.pull import PullSettings
from services.exporter.rules.clients import is_away
from services.exporter.storage.pollers import Poller


def told_of_client(connection: Connection, poller: Poller, now: datetime) -> dict[str, Any]:
    """Return members of ErpConnection; none for an ERP that is called."""
    settings = connection.settings
    if not isinstance(settings, PullSettings):
        return {}
    client = ErpPoller(
        last_asked=poller.last_asked,
        every_seconds=60 * settings.poll_minutes,
        trouble=poller.trouble,
        is_away=is_away(poller.last_asked, settings.poll_minutes, now),
    )
    lists = tuple(_told_list(name, poller) for name in connection.polled.lists)
    return {"poller": client, "lists": lists, "mapped": settings.mapped}


def _told_list(name: str, poller: Poller) -> ErpList:
    read = poller.lists_read.get(name)
    return ErpList(name=name, read_at=read.at, entries=read.entries) if read else ErpList(name=name)
