"""What the demo prints is enough to use the command next to it."""

from pathlib import Path

from pydantic import SecretStr

from sandbox.configuration import write_connections
from sandbox.demo import COMMAND_VARIABLES, command_environment
from sandbox.erp import Erp
from services.digest.settings import DigestSettings
from services.exporter.connections import load_connections
from services.exporter.settings import ExporterSettings


def test_the_printed_variables_cover_what_commands_and_database_tools_need() -> None:
    url = "postgresql+asyncpg://postgres:secret@127.0.0.1:5432/countersign"
    environment = dict.fromkeys(COMMAND_VARIABLES, "x") | {"DATABASE_URL": url, "OIDC_CLIENT_ID": "x"}
    given = command_environment(environment, {})

    required = {
        name.upper()
        for settings in (DigestSettings, ExporterSettings)
        for name, field in settings.model_fields.items()
        if field.is_required()
    }
    assert required <= given.keys()
    assert given["DATABASE_URL"] == "postgresql://postgres:secret@127.0.0.1:5432/countersign"
    assert "OIDC_CLIENT_ID" not in given


async def test_the_printed_variables_have_the_secret_to_which_the_demos_connection_refers(tmp_path: Path) -> None:
    erp = Erp(url="http://127.0.0.1:1", token=SecretStr("s3cret"))
    path = write_connections(tmp_path, erp.connection, {})
    environment = dict.fromkeys(COMMAND_VARIABLES, "x") | {"ERP_CONNECTIONS": str(path)}
    given = command_environment(environment, erp.secrets)

    await load_connections(Path(given["ERP_CONNECTIONS"]), given).close()
