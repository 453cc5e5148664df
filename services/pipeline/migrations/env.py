"""Runs Alembic for any service; Migrations.config provides connection, tables and schema."""

from alembic import context

config = context.config
schema = config.attributes["schema"]


def _is_ours(name: str | None, kind: str, _: object) -> bool:
    return name == schema if kind == "schema" else True


context.configure(
    connection=config.attributes["connection"],
    target_metadata=config.attributes["metadata"],
    version_table_schema=schema,
    include_schemas=True,
    include_name=_is_ours,
    compare_server_default=False,
)
with context.begin_transaction():
    context.run_migrations()
