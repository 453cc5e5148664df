"""Which Web Connectors are welcome."""

import pytest

from services.exporter.web_connector.client_version import answer_to_version


@pytest.mark.parametrize("version", ["2.1.0.30", "2.2.0.71", "2.3.0.215", "3.0.0.1", "10.0", "", "new", "2"])
def test_current_ones_and_unknown_ones_are(version: str) -> None:
    assert answer_to_version(version) == ""


@pytest.mark.parametrize(("version", "beginning"), [("1.5.0.53", "E:"), ("1.9", "E:"), ("2.0.0.139", "W:")])
def test_old_ones_are_warned_and_very_old_ones_refused(version: str, beginning: str) -> None:
    assert answer_to_version(version).startswith(beginning)
