"""What the exporter reads from its environment."""

from pathlib import Path

from pydantic import AliasChoices, Field, SecretStr

from services.pipeline.settings import ServiceSettings


class ExporterSettings(ServiceSettings):
    """The exporter's settings."""

    database_url: SecretStr = Field(
        validation_alias=AliasChoices("EXPORTER_DATABASE_URL", "DATABASE_URL"),
        description="PostgreSQL of all services, postgresql://user:password@host/database; "
        "EXPORTER_DATABASE_URL gives the exporter its own.",
    )
    erp_connections: Path = Field(
        description="TOML file with one [[connection]] per ERP; secrets stand in it by reference only."
    )
