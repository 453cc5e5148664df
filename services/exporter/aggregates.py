"""What the exporter keeps: its handlers with their store, also for redriving dead letters."""

import os
from collections.abc import Mapping

from services.exporter.connections import load_connections
from services.exporter.handlers import handlers
from services.exporter.settings import ExporterSettings
from services.exporter.storage.store import ExportStore
from services.pipeline.aggregate import Aggregate
from services.pipeline.settings import load


def aggregates(routes: Mapping[str, str]) -> tuple[Aggregate, ...]:
    """Return the exporter's aggregates; `routes` maps each company to its ERP connection."""
    return (Aggregate("exports", handlers(routes), ExportStore()),)


def load_aggregates() -> tuple[Aggregate, ...]:
    """Return the exporter's aggregates as its environment configures them; SettingsError if it does not."""
    settings = load(ExporterSettings)
    return aggregates(load_connections(settings.erp_connections, os.environ).routes)
