"""Every metric of the services as Prometheus shows it."""

import importlib
from collections.abc import Mapping, Sequence
from types import ModuleType

from prometheus_client.metrics import MetricWrapperBase

from tests.contract.settings_classes import SERVICES

METRICS = [importlib.import_module(f"services.{room}.metrics") for room in ("pipeline", *SERVICES)]


def exported_metrics(modules: Sequence[ModuleType] = METRICS) -> Mapping[str, tuple[str, ...]]:
    """Return the labels of each metric by its name."""
    found: dict[str, tuple[str, ...]] = {}
    for module in modules:
        for metric in vars(module).values():
            if isinstance(metric, MetricWrapperBase):
                [family] = metric.describe()
                name = f"{family.name}_total" if family.type == "counter" else family.name
                found[name] = tuple(metric._labelnames)
    return found
