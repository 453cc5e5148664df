"""What the exporter keeps: its handlers with their store, also for redriving dead letters."""

import os

from services.exporter.connections import load_connections
from services.exporter.handlers import Route, handlers
from services.exporter.settings import ExporterSettings
from services.exporter.storage.store import ExportStore
from services.pipeline.aggregate import Aggregate, topics_of
from services.pipeline.settings import load


def aggregates(route: Route) -> tuple[Aggregate, ...]:
    """Return the exporter's aggregates; `route` names the ERP connection that takes an order."""
    return (Aggregate("exports", handlers(route), ExportStore()),)


TOPICS = topics_of(aggregates(lambda *_: None))
"""What it reads, whatever the connections are."""


def load_aggregates() -> tuple[Aggregate, ...]:
    """Return the exporter's aggregates as its environment configures them; SettingsError if it does not."""
    settings = load(ExporterSettings)
    return aggregates(load_connections(settings.erp_connections, os.environ).route)
