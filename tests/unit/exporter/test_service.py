"""The exporter as its `__main__` builds it."""

from pathlib import Path
from typing import ClassVar

import pytest

from services.exporter.__main__ import build
from services.exporter.connectors.http import HttpConnector

CONNECTION = """
[[connection]]
name = "{name}"
kind = "recording"
title = "Books"
companies = ["company-of-{name}"]
url = "https://erp.example.com"
"""


class RecordingConnector(HttpConnector):
    closed: ClassVar[list[str]] = []

    async def close(self) -> None:
        self.closed.append(self._settings.name)
        await super().close()


def install_connector(folder: Path) -> None:
    """Install a package in `folder` that offers the connector `recording`."""
    info = folder / "recording_connector-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: recording-connector\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[countersign.connectors]\nrecording = {__name__}:RecordingConnector\n")


async def test_connectors_of_another_package_are_used_and_closed_with_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_connector(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    connections = tmp_path / "connections.toml"
    connections.write_text(CONNECTION.format(name="main") + CONNECTION.format(name="other"))
    monkeypatch.setenv("ERP_CONNECTIONS", str(connections))
    monkeypatch.setenv("EXPORTER_DATABASE_URL", "postgresql://nobody@localhost/nothing")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092")

    service, _ = build()
    for close in service.closers:
        await close()

    assert RecordingConnector.closed == ["main", "other"]
