"""What Alembic runs for every service: the connection and the schema come from the caller."""

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
