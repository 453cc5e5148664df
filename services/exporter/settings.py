"""What the exporter reads from its environment."""

from pathlib import Path

from pydantic import Field, SecretStr

from services.pipeline.settings import ServiceSettings, database_url_field


class ExporterSettings(ServiceSettings):
    """The exporter's settings."""

    database_url: SecretStr = database_url_field("exporter")
    erp_connections: Path = Field(
        description="TOML file with one [[connection]] per ERP; secrets stand in it by reference only."
    )
