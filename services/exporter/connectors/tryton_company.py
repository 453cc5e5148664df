"""Finds the company whose books a connection writes to."""

from services.exporter.connectors.failure_table import FailureTable
from services.exporter.connectors.tryton_answer import Stopped
from services.exporter.connectors.tryton_rows import CompanyRow
from services.exporter.connectors.tryton_rpc import Domain, TrytonRpc
from services.exporter.connectors.tryton_settings import TrytonSettings


class Companies:
    """The companies in Tryton; ours is asked for once, since its id never changes."""

    def __init__(self, rpc: TrytonRpc, settings: TrytonSettings, table: FailureTable) -> None:
        self._rpc = rpc
        self._settings = settings
        self._table = table
        self._ours: CompanyRow | None = None

    async def ours(self, deadline: float) -> CompanyRow:
        """Return the company that the settings name, or else the user's; raises Stopped if there is none."""
        if self._ours is None:
            found = await self._rpc.rows(CompanyRow, await self._domain(deadline), deadline)
            if len(found) != 1:
                code = "company_ambiguous" if found else "company_missing"
                raise Stopped(self._table.refusal(code, "", {"value": self._settings.company or "of the user"}))
            self._ours = found[0]
        return self._ours

    async def _domain(self, deadline: float) -> Domain:
        if self._settings.company is not None:
            return [["party.name", "=", self._settings.company]]
        preferences = await self._rpc.ask("model.res.user.get_preferences", [True], deadline)
        company = preferences.get("company") if isinstance(preferences, dict) else None
        return [["id", "=", company if isinstance(company, int) else -1]]
