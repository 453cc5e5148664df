"""`countersign migrate`: bring the schemas of all services to their latest versions."""

import asyncio
import importlib
from typing import Any

import click
from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.commands.output import as_json_option, print_result
from services.pipeline import operations
from services.pipeline.names import SERVICES
from services.pipeline.settings import database_url, load


def _address(service: str) -> Any:
    return Field(
        default=None,
        validation_alias=AliasChoices(f"{service.upper()}_MIGRATION_DATABASE_URL", "MIGRATION_DATABASE_URL"),
        description="PostgreSQL for `countersign migrate`, as the role that owns the schemas; else as DATABASE_URL.",
    )


class MigrationSettings(BaseSettings):
    """Where the schemas are, as a role that may change them; None where it is the one of the running service."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    approval: SecretStr | None = _address("approval")
    exporter: SecretStr | None = _address("exporter")
    notifier: SecretStr | None = _address("notifier")
    digest: SecretStr | None = _address("digest")


@click.command("migrate")
@as_json_option
def migrate(*, as_json: bool) -> None:
    """Migrate the schemas of all services to their latest versions; safe to repeat.

    Runs as the role in MIGRATION_DATABASE_URL, else in DATABASE_URL; a service's own variable goes before these.
    """
    migrated, owned = [], load(MigrationSettings)
    for service in SERVICES:
        url = getattr(owned, service) or database_url(service)
        click.echo(f"Migrating {service}", err=True)
        if _migrate(service, url):
            migrated.append(service)
    current = [service for service in SERVICES if service not in migrated]
    lines = [
        f"{words} {', '.join(services)}."
        for words, services in (("Migrated", migrated), ("Nothing to do for", current))
        if services
    ]
    print_result({"migrated": migrated, "unchanged": current}, lines, as_json=as_json)


def _migrate(service: str, url: SecretStr) -> bool:
    """Migrate one schema; return whether anything was to be done, CountersignError if the database refuses."""
    migrations = importlib.import_module("services.pipeline.migrations")  # with Alembic: no other command needs it
    own = importlib.import_module(f"services.{service}.storage.migrations").MIGRATIONS
    with operations.database_errors_explained():
        return bool(asyncio.run(migrations.migrate(url, own)))
