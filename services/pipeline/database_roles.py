"""The SQL that gives each service a database role of its own, with no more rights than it needs."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.pipeline.database_rights import TABLE_RIGHTS

OWNER_CONNECTIONS = 4
COMMAND_CONNECTIONS = 4
"""For commands such as `dead-letters`, which run beside the processes."""


@dataclass(frozen=True, slots=True)
class RunningRole:
    """The role as which the processes of a service, and commands on its database, run."""

    name: str
    schema: str
    connections: int


def running_role(prefix: str, service: str, pool_size: int, processes: int) -> RunningRole:
    """Return the role of `service`, which has room for `processes` with a pool of `pool_size` connections each."""
    return RunningRole(f"{prefix}_{service}", service, pool_size * processes + COMMAND_CONNECTIONS)


def owner_role(prefix: str) -> str:
    """Return the name of the role that owns the schemas, and as which `countersign migrate` runs."""
    return f"{prefix}_owner"


def role_statements(owner: str, roles: Sequence[RunningRole]) -> str:
    """Return SQL that makes `owner` and `roles` in the current database, and can be repeated; no password is in it.

    Names have to be plain identifiers. Tables that exist already become the owner's.
    """
    parts = [_HEADER.format(owner=owner), _ROLES.format(owner=owner, wanted=_wanted(owner, roles))]
    parts += [
        _SCHEMA.format(owner=owner, role=role.name, schema=role.schema, rights=", ".join(TABLE_RIGHTS).lower())
        for role in roles
    ]
    return "\n".join(parts)


def _wanted(owner: str, roles: Sequence[RunningRole]) -> str:
    limits = {owner: OWNER_CONNECTIONS} | {role.name: role.connections for role in roles}
    return ",\n    ".join(f"('{name}', {connections})" for name, connections in limits.items())


_HEADER = """\
-- Database roles of Countersign. Safe to repeat. Run it in Countersign's database, as its administrator:
--   countersign roles | psql --no-psqlrc --set ON_ERROR_STOP=1 --single-transaction ADMINISTRATORS_URL
-- No password is in it. Set one for each role afterwards, for example with psql: \\password {owner}
"""

_ROLES = """\
do $$
declare wanted record; other text;
begin
  for wanted in select * from (values
    {wanted}
  ) as roles (name, connections) loop
    if not exists (select from pg_roles where rolname = wanted.name) then
      execute format('create role %I', wanted.name);
    end if;
    if exists (select from pg_roles where rolname = wanted.name
        and (rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls)) then
      raise exception 'the role % may do more than Countersign needs', wanted.name using hint = format(
        'alter role %I nosuperuser nocreaterole nocreatedb noreplication nobypassrls', wanted.name);
    end if;
    execute format('alter role %I login connection limit %s', wanted.name, wanted.connections);
    for other in select roleid::regrole from pg_auth_members where member = wanted.name::regrole loop
      execute format('revoke %s from %I', other, wanted.name);
    end loop;
    execute format('revoke all on database %I from %I', current_database(), wanted.name);
    execute format('grant connect on database %I to %I', current_database(), wanted.name);
  end loop;
  if not (select rolsuper from pg_roles where rolname = current_user) then
    execute format('grant {owner} to %I', current_user);  -- so that it can be given the schemas
  end if;
  execute format('revoke all on database %I from public', current_database());
  revoke create on schema public from public;
end $$;
"""

_SCHEMA = """\
create schema if not exists {schema} authorization {owner};
alter schema {schema} owner to {owner};
do $$
declare kept text;
begin
  for kept in
    select format('alter table %s owner to {owner}', oid::regclass) from pg_class
    where relnamespace = '{schema}'::regnamespace and relkind in ('r', 'p', 'v', 'm') and relowner <> '{owner}'::regrole
    union all
    select format('alter routine %s owner to {owner}', oid::regprocedure) from pg_proc
    where pronamespace = '{schema}'::regnamespace and proowner <> '{owner}'::regrole
  loop
    execute kept;
  end loop;
end $$;
revoke all on schema {schema} from public, {role};
grant usage on schema {schema} to {role};
revoke all on all tables in schema {schema} from public, {role};
grant {rights} on all tables in schema {schema} to {role};
alter default privileges for role {owner} in schema {schema} revoke all on tables from {role};
alter default privileges for role {owner} in schema {schema} grant {rights} on tables to {role};
do $$
begin
  if to_regclass('{schema}.alembic_version') is not null then  -- which only a migration changes
    revoke insert, update, delete on {schema}.alembic_version from {role};
  end if;
end $$;
"""
