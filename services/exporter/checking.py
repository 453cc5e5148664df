"""Checks ERP connections before their first export: each in its own time, so that one that hangs holds up no other."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from services.exporter.connections import Connection, connect
from services.exporter.connectors.protocol import ChecksItself, ConnectionSettings
from services.exporter.connectors.pull import PullSettings
from services.exporter.connectors.types import Checked
from services.pipeline.errors import SettingsError

EXTRA_SECONDS = 5.0
"""What a check may take besides one call, for a connector that signs in first."""


@dataclass(frozen=True, slots=True)
class CheckedConnection:
    """What was looked at in one connection; `note` says what could not be checked."""

    settings: ConnectionSettings
    checks: tuple[Checked, ...]
    note: str = ""

    @property
    def problems(self) -> tuple[Checked, ...]:
        """What somebody has to mend."""
        return tuple(each for each in self.checks if each.problem is not None)


Report = Callable[[CheckedConnection], None]


async def check_connections(
    path: Path, settings: Sequence[ConnectionSettings], environ: Mapping[str, str], report: Report
) -> Sequence[CheckedConnection]:
    """Check all `settings` of the file `path` at the same time; `report` hears of each as soon as it is checked."""

    async def check(each: ConnectionSettings) -> CheckedConnection:
        found = await _check(path, each, environ)
        report(found)
        return found

    return await asyncio.gather(*map(check, settings))


async def _check(path: Path, settings: ConnectionSettings, environ: Mapping[str, str]) -> CheckedConnection:
    try:
        connection = connect(path, settings, environ)
    except SettingsError as error:
        return CheckedConnection(settings, (Checked("settings", str(error)),))
    try:
        return await _check_connected(connection)
    finally:
        await connection.connector.close()


async def _check_connected(connection: Connection) -> CheckedConnection:
    settings, connector, own = connection.settings, connection.connector, Checked("settings")
    if not isinstance(connector, ChecksItself):
        return CheckedConnection(settings, (own,), _unchecked(settings))
    seconds = settings.timeout_seconds + EXTRA_SECONDS
    try:
        checked = await asyncio.wait_for(connector.check(), seconds)
        return CheckedConnection(settings, (own, *(_readable(connection, each) for each in checked)))
    except TimeoutError:
        text = f"The check did not end within {seconds:g} seconds. See whether the ERP is up."
        return CheckedConnection(settings, (own, Checked("answer", text)))
    except Exception as error:  # noqa: BLE001 - a connector is somebody else's code, and its error is a result
        text = connection.usable.said(
            f"The connector failed ({type(error).__name__}: {error}). Tell those who made it."
        )
        return CheckedConnection(settings, (own, Checked("connector", text)))


def _unchecked(settings: ConnectionSettings) -> str:
    if isinstance(settings, PullSettings):
        return (
            f"{settings.title} cannot be called, so only the settings were looked at. If its Web Connector stays away, "
            "or does not get in, the desk says so."
        )
    return f"The connector of kind {settings.kind} has no check: nothing but the settings was looked at."


def _readable(connection: Connection, checked: Checked) -> Checked:
    return checked if checked.problem is None else replace(checked, problem=connection.usable.said(checked.problem))
