"""The exporter's settings, read from the environment."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field, SecretStr

from services.pipeline.settings import FINISHED_DAYS_FIELD, ServiceSettings, database_url_field


class ExporterSettings(ServiceSettings):
    """The shared settings, and the file of ERP connections."""

    pool_size: ClassVar[int] = 24
    database_url: SecretStr = database_url_field("exporter")
    erp_connections: Path = Field(
        description="TOML file with one [[connection]] per ERP; secrets by reference only. SIGHUP reads it again."
    )
    web_connector_url: str | None = Field(
        default=None,
        description="Address at which QuickBooks Web Connector reaches the exporter, for its .qwc file and the WSDL.",
    )
    keep_finished_days: int = FINISHED_DAYS_FIELD
