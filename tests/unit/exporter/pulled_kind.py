"""A connector of kind `pulled` for a file of connections, installed as somebody's package would be."""

from pathlib import Path

import pytest

CONNECTOR = """
from services.exporter.connectors.pull import PullSettings

class Pulled:
    settings_type = PullSettings
    enforces_reference = False

    def __init__(self, settings, token):
        pass

    async def close(self):
        pass
"""


def install_pulled_kind(folder: Path, monkeypatch: pytest.MonkeyPatch | None = None) -> None:
    """Put the package into `folder`, and that on the path of this process if it has a `monkeypatch`."""
    info = folder / "pulled_kind-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pulled-kind\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[countersign.connectors]\npulled = pulled_kind_connector:Pulled\n")
    (folder / "pulled_kind_connector.py").write_text(CONNECTOR)
    if monkeypatch is not None:
        monkeypatch.syspath_prepend(folder)


def pulled(name: str, user: str, more: str = 'token_env = "PASSWORD_HASH"') -> str:
    """Return one connection as the file has it."""
    return f"""
    [[connection]]
    name = "{name}"
    kind = "pulled"
    title = "Books of {name}"
    user = "{user}"
    companies = ["company-of-{name}"]
    {more}
    """
