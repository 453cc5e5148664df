"""Every settings class of the product, and the variables that each reads."""

from collections.abc import Container, Iterator

from pydantic import AliasChoices
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from sandbox.demo import DemoSettings
from services.approval.settings import ApprovalSettings
from services.commands.migrate import MigrationSettings
from services.digest.settings import DigestSettings, ScheduleSettings
from services.exporter.settings import ExporterSettings
from services.notifier.settings import NotifierSettings
from services.pipeline.settings import KafkaSettings, OperationsSettings

SettingsType = type[BaseSettings]

SERVICES: dict[str, SettingsType] = {
    "approval": ApprovalSettings,
    "exporter": ExporterSettings,
    "notifier": NotifierSettings,
    "digest": DigestSettings,
}
CLASSES: tuple[SettingsType, ...] = (
    *SERVICES.values(),
    KafkaSettings,
    OperationsSettings,
    ScheduleSettings,
    MigrationSettings,
    DemoSettings,
)


def fields(settings: SettingsType) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    """Each field of `settings` with the variables that can set it, in order of precedence."""
    for name, field in settings.model_fields.items():
        alias = field.validation_alias
        yield tuple(map(str, alias.choices)) if isinstance(alias, AliasChoices) else (name.upper(),), field


def variables(settings: SettingsType) -> set[str]:
    """Every variable that `settings` reads."""
    return {name for names, _ in fields(settings) for name in names}


def missing(settings: SettingsType, given: Container[str]) -> list[str]:
    """The variables that `settings` requires and `given` lacks; alternatives are joined by "or"."""
    required = [names for names, field in fields(settings) if field.is_required()]
    return [" or ".join(names) for names in required if not any(name in given for name in names)]
