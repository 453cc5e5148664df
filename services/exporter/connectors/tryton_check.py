"""Says before the first export what a connection lacks in Tryton; it writes nothing."""

from collections.abc import Awaitable, Callable

from services.exporter.connectors.tryton_answer import Stopped
from services.exporter.connectors.tryton_company import Companies
from services.exporter.connectors.tryton_rows import PartyRow, ProductRow, Row, TaxRow, TermRow, UnitRow
from services.exporter.connectors.tryton_rpc import Domain, TrytonRpc
from services.exporter.connectors.tryton_settings import TrytonSettings
from services.exporter.connectors.types import Checked

WRITTEN = ("purchase.purchase", "purchase.line")
"""The models that the connector writes; those that it reads are looked at by reading them."""


async def checked(
    rpc: TrytonRpc, companies: Companies, settings: TrytonSettings, deadline: float
) -> tuple[Checked, ...]:
    """Return what was looked at, in order; what cannot be seen without the one before ends the list."""
    results: list[Checked] = []
    for what, look in _first_looks(rpc, companies, settings, deadline):
        result = await _looked(what, look)
        results.append(result)
        if result.problem:
            return tuple(results)
    for what, wanted, row_type, domain in _records(settings):
        results += [await _looked(what, _missing_records(rpc, row_type, wanted, domain, deadline))]
    return tuple(results)


Look = Callable[[], Awaitable[str | None]]


def _first_looks(
    rpc: TrytonRpc, companies: Companies, settings: TrytonSettings, deadline: float
) -> list[tuple[str, Look]]:
    async def sign_in() -> None:
        await rpc.sign_in(deadline)

    async def company() -> None:
        await companies.ours(deadline)

    async def rights() -> str | None:
        access = await rpc.ask("model.ir.model.access.get_access", [[*WRITTEN]], deadline)
        missing = [f"{right} {model}" for model in WRITTEN for right in _missing_rights(access.get(model, {}))]
        return f"Give the user {settings.user} these rights: {', '.join(missing)}." if missing else None

    module = _missing_records(rpc, PartyRow, (), [["id", "=", -1]], deadline)
    return [
        (f"Sign in as {settings.user} at {settings.url}, database {settings.database}", sign_in),
        (f"Company {settings.company or 'of the user'}", company),
        ("Read parties", module),
        ("Rights to create, read and write purchases", rights),
    ]


def _missing_rights(access: dict[str, object]) -> list[str]:
    return [right for right in ("create", "read", "write") if not access.get(right, True)]


def _records(settings: TrytonSettings) -> list[tuple[str, tuple[str, ...], type[Row], Domain]]:
    """Return what the settings name in Tryton: a title, the names, and where they are looked for."""
    products = tuple(filter(None, (settings.default_product, *settings.products.values())))
    vendors, units, taxes = (tuple(each.values()) for each in (settings.vendors, settings.units, settings.taxes))
    terms = (settings.payment_term,) if settings.payment_term else ()
    listed: list[tuple[str, tuple[str, ...], type[Row], Domain]] = [
        ("Products of the settings", products, ProductRow, ["code", "in", [*products]]),
        ("Parties of the settings", vendors, PartyRow, ["code", "in", [*vendors]]),
        ("Units of the settings", units, UnitRow, ["OR", ["symbol", "in", [*units]], ["name", "in", [*units]]]),
        ("Taxes of the settings", taxes, TaxRow, ["name", "in", [*taxes]]),
        ("Payment term of the settings", terms, TermRow, ["name", "in", [*terms]]),
    ]
    return [
        (what, names, row_type, domain if domain[0] == "OR" else [domain])
        for what, names, row_type, domain in listed
        if names
    ]


def _missing_records(
    rpc: TrytonRpc, row_type: type[Row], wanted: tuple[str, ...], domain: Domain, deadline: float
) -> Look:
    async def look() -> str | None:
        found = await rpc.rows(row_type, domain, deadline)
        known = {getattr(each, name, None) for each in found for name in ("code", "name", "symbol")}
        missing = [each for each in wanted if each not in known]
        return f"Not in Tryton: {', '.join(missing)}. Add them there, or correct the settings." if missing else None

    return look


async def _looked(what: str, look: Look) -> Checked:
    try:
        return Checked(what, await look())
    except Stopped as stopped:
        return Checked(what, stopped.answer.message)
