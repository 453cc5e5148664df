"""Says before the first export what a connection lacks in Tryton; it writes nothing."""

from collections.abc import Awaitable, Callable, Iterable, Mapping

from services.exporter.connectors.check_words import problem_of
from services.exporter.connectors.tryton_answer import Stopped
from services.exporter.connectors.tryton_company import Companies
from services.exporter.connectors.tryton_lookup import taxes_called, units_called
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
    company = (await companies.ours(deadline)).id
    for what, wanted, row_type, domain in _records(settings, company):
        look = _missing_records(rpc, row_type, wanted, domain, deadline, {"company": company})
        results += [await _looked(what, look)]
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


def _records(settings: TrytonSettings, company: int) -> list[tuple[str, tuple[str, ...], type[Row], Domain]]:
    """Return what the settings name in Tryton: a title, the names, and where they are looked for."""
    products = _named(settings.default_product, settings.products)
    units = _named(settings.default_unit, settings.units)
    vendors, taxes = _named(None, settings.vendors), _named(None, settings.taxes)
    terms = _named(settings.payment_term, {})
    listed: list[tuple[str, tuple[str, ...], type[Row], Domain]] = [
        ("Products of the settings", products, ProductRow, [["code", "in", [*products]]]),
        ("Parties of the settings", vendors, PartyRow, [["code", "in", [*vendors]]]),
        ("Units of the settings", units, UnitRow, units_called(units)),
        ("Taxes of the settings", taxes, TaxRow, taxes_called(taxes, company)),
        ("Payment term of the settings", terms, TermRow, [["name", "in", [*terms]]]),
    ]
    return [each for each in listed if each[1]]


def _named(default: str | None, table: Mapping[str, str]) -> tuple[str, ...]:
    """Return every name once, that of the default first."""
    return tuple(dict.fromkeys(filter(None, (default, *table.values()))))


def _missing_records(
    rpc: TrytonRpc,
    row_type: type[Row],
    wanted: tuple[str, ...],
    domain: Domain,
    deadline: float,
    context: Mapping[str, int] | None = None,
) -> Look:
    async def look() -> str | None:
        found = await rpc.rows(row_type, domain, deadline, context)
        known = _names_of(found)
        active = _names_of(each for each in found if getattr(each, "active", True))
        missing = [each for each in wanted if each not in known]
        asleep = [each for each in wanted if each in known - active]
        problems = [
            *([f"Not in Tryton: {', '.join(missing)}. Add them there, or correct the settings."] if missing else []),
            *([f"Deactivated in Tryton: {', '.join(asleep)}. Activate them there."] if asleep else []),
        ]
        return " ".join(problems) or None

    return look


def _names_of(found: Iterable[Row]) -> set[str]:
    """Return the names by which a line or the settings may mean these records."""
    return {name for each in found for key in ("code", "name", "symbol") if (name := getattr(each, key, None))}


async def _looked(what: str, look: Look) -> Checked:
    try:
        return Checked(what, await look())
    except Stopped as stopped:
        return Checked(what, problem_of(stopped.answer))
