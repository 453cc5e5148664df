"""docs/connectors/limits.md states every limit that a connection can have, and every profile with its sources."""

import re
from pathlib import Path

import pytest

from schemas.erp_limits.rule import named
from schemas.events import LimitsProfile
from services.exporter.connectors.limits.profiles import Limit, PublishedProfile, published_profiles

PAGE = (Path(__file__).parents[2] / "docs" / "connectors" / "limits.md").read_text(encoding="utf-8")


def section(profile: PublishedProfile) -> str:
    """The part of the page about `profile`."""
    heading = f"\n### {profile.title}: `{profile.id}`, {profile.version}\n"
    return PAGE.partition(heading)[2].partition("\n### ")[0]


def row(name: str, limit: Limit) -> str:
    """The row of the page about one limit of a profile."""
    return f"| `{name}` | {value(limit)} | {source(limit.source)} | {limit.doubt or ''} |"


def value(limit: Limit) -> str:
    if isinstance(limit.value, bool):
        return "yes" if limit.value else "no"
    return f"{limit.value:,}" if isinstance(limit.value, int) else " ".join(f"`{each}`" for each in named(limit.value))


def source(text: str) -> str:
    return f"<{text}>" if text.startswith("https://") else text


@pytest.mark.parametrize("profile", published_profiles().values(), ids=lambda profile: profile.id)
def test_the_page_states_every_limit_of_a_profile_with_its_source(profile: PublishedProfile) -> None:
    stated = [line for line in section(profile).splitlines() if line.startswith("| `")]

    assert stated == [row(name, limit) for name, limit in profile.limits.items()]


def test_the_page_describes_every_limit_that_a_connection_can_have() -> None:
    table = PAGE.partition("\n## What can be limited\n")[2].partition("\n## ")[0]
    described = set(re.findall("`([a-z_]+)`", "".join(re.findall(r"^\| (`.*?) \|", table, re.MULTILINE))))

    assert described == LimitsProfile.model_fields.keys() - {"profile", "profile_version"}
