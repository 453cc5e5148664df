"""What the demo prints is enough to use the command next to it."""

from sandbox.demo import COMMAND_VARIABLES, command_environment
from services.digest.settings import DigestSettings
from services.exporter.settings import ExporterSettings


def test_the_printed_variables_cover_what_commands_and_database_tools_need() -> None:
    url = "postgresql+asyncpg://postgres:secret@127.0.0.1:5432/countersign"
    given = command_environment(dict.fromkeys(COMMAND_VARIABLES, "x") | {"DATABASE_URL": url, "OIDC_CLIENT_ID": "x"})

    required = {
        name.upper()
        for settings in (DigestSettings, ExporterSettings)
        for name, field in settings.model_fields.items()
        if field.is_required()
    }
    assert required <= given.keys()
    assert given["DATABASE_URL"] == "postgresql://postgres:secret@127.0.0.1:5432/countersign"
    assert "OIDC_CLIENT_ID" not in given
