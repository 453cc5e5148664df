"""What a database role has to be allowed so that a process can work as it, and what it should not be allowed."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Table, text

from services.pipeline.database import Database, Transaction

CHECK_SECONDS = 10.0
SHOWN = 3
TABLE_RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")
"""All that a service does with its own tables."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RoleRights:
    """What the role of a connection lacks, and what it has beyond its needs; each in words."""

    role: str
    lacks: tuple[str, ...]
    surplus: tuple[str, ...]


_LACKS = text("""
    with asked as (select cast(:schema as text) as schema, cast(:tables as text[]) as names),
        own as (select pg_class.* from pg_class, asked where relnamespace = to_regnamespace(schema) and relkind = 'r')
    select 'usage on schema ' || schema as words from asked
    where not has_schema_privilege(to_regnamespace(schema)::oid, 'USAGE')
    union all
    select string_agg(lower(wanted), ', ' order by place) || ' on ' || schema || '.' || relname
    from own, asked, unnest(cast(:rights as text[])) with ordinality as needed (wanted, place)
    where relname = any(names) and not has_table_privilege(own.oid, wanted)
    group by schema, relname
    union all
    select 'the table ' || schema || '.' || name from asked, unnest(names) as wanted (name)
    where name not in (select relname from own)
    order by 1
""")
_SURPLUS = text("""
    with asked as (select cast(:schema as text) as schema),
        role as (select * from pg_roles where rolname = current_user),
        own as (select pg_class.* from pg_class, asked where relnamespace = to_regnamespace(schema) and relkind = 'r')
    select 'is a superuser' as words from role where rolsuper
    union all
    select 'may create roles, databases or replicas, or sees through row security' from role
    where rolcreaterole or rolcreatedb or rolreplication or rolbypassrls
    union all
    select 'is a member of ' || pg_get_userbyid(roleid) from pg_auth_members, role where member = role.oid
    union all
    select lower(wanted) || ' on database ' || current_database() from unnest(array['CREATE', 'TEMPORARY']) as wanted
    where has_database_privilege(current_database(), wanted)
    union all
    select 'create on schema ' || nspname from pg_namespace
    where has_schema_privilege(oid, 'CREATE') and nspname !~ '^pg_'
    union all
    select 'usage on schema ' || nspname from pg_namespace, asked
    where has_schema_privilege(oid, 'USAGE') and nspname !~ '^(pg_|information_schema$|public$)' and nspname <> schema
    union all
    select string_agg(distinct lower(wanted), ', ') || ' on tables of ' || schema
    from own, asked, unnest(array['TRUNCATE', 'REFERENCES', 'TRIGGER']) as wanted
    where has_table_privilege(own.oid, wanted)
    group by schema
    union all
    select 'owns tables of ' || schema from asked where exists (select from own, role where relowner = role.oid)
""")


async def rights_of_role(db: Transaction, tables: Sequence[Table]) -> RoleRights:
    """Return what the role of `db` lacks to work on `tables`, which share a schema, and what it has beyond that."""
    surplus = (await db.execute(_SURPLUS, {"schema": tables[0].schema})).scalars().all()
    is_all_powerful = "is a superuser" in surplus
    given = ("is a superuser",) if is_all_powerful else tuple(surplus)
    return RoleRights(await _role_of(db), await _lacking(db, tables), given)


async def _lacking(db: Transaction, tables: Sequence[Table]) -> tuple[str, ...]:
    names = [table.name for table in tables]
    asked = {"schema": tables[0].schema, "tables": names, "rights": list(TABLE_RIGHTS)}
    return tuple((await db.execute(_LACKS, asked)).scalars())


async def _role_of(db: Transaction) -> str:
    return str((await db.execute(text("select current_user"))).scalar_one())


class RightsCheck:
    """Checks, while a service runs, that its role may do all that it has to."""

    def __init__(self, database: Database, tables: Sequence[Table]) -> None:
        self._database = database
        self._tables = tables
        self._lacks: tuple[str, ...] = ()

    @property
    def is_satisfied(self) -> bool:
        """Whether nothing was lacking when the database answered last."""
        return not self._lacks

    async def check(self) -> None:
        """Ask the database in one statement, and log what is lacking now and was not before."""
        async with self._database.autocommit() as db:
            lacks = await _lacking(db, self._tables)
            role = await _role_of(db) if lacks != self._lacks else ""
        if lacks and role:
            log.error(
                "database.rights_lacking",
                role=role,
                lacks=list(lacks[:SHOWN]),
                others=max(len(lacks) - SHOWN, 0),
                remedy="countersign migrate, and what countersign roles prints",
            )
        elif role:
            log.info("database.rights_given", role=role)
        self._lacks = lacks
