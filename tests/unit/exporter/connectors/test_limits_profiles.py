"""The limits profiles that come with the exporter, and how a connection names one."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.commitment import Commitment, Line
from schemas.erp_limits import RULES, broken_limits
from schemas.events import LimitsProfile
from schemas.examples.cast import CONCRETE_1
from services.exporter.connections import load_connections
from services.exporter.connectors.http import HttpSettings
from services.exporter.connectors.limits.profiles import PublishedProfile, published_profiles, with_profile
from services.pipeline.errors import SettingsError

ROOT = Path(__file__).parents[4]
EXAMPLE = ROOT / "ops" / "erp" / "connections.example.toml"
CONNECTION = """
[[connection]]
name = "main"
kind = "http"
title = "Main books"
url = "https://erp.example.com/api"
companies = ["co-1"]
"""


async def limits_of(folder: Path, text: str) -> LimitsProfile:
    path = folder / "connections.toml"
    path.write_text(CONNECTION + text, encoding="utf-8")
    main = load_connections(path, {}).by_name["main"]
    await main.connector.close()
    return main.settings.limits


def order(**members: Any) -> Commitment:
    """Return a purchase order that every profile takes, but for `members`."""
    of_line = {name: members.pop(name) for name in list(members) if name in Line.model_fields}
    cost_types = members.pop("cost_types", "S")
    vendor = {"id": "v-1", "name": members.pop("vendor_name", "Acme"), "erp_code": members.pop("vendor_code", "V-9")}
    project = {"id": "pr-1", "name": "Tower", "erp_job_code": members.pop("job_code", "J-1")}
    line = {"cost_code": "03-300", "quantity": "1", "unit": "m3", "unit_cost": "1", "amount": "1"}
    lines = [
        line | {"position": position, "cost_type": cost_type} | of_line
        for position, cost_type in enumerate(cost_types, start=1)
    ]
    content = {"number": "PO-7", "title": "Slabs", "kind": "purchase_order", "lines": lines}
    return Commitment.model_validate(
        CONCRETE_1.model_dump() | content | {"vendor": vendor, "project": project} | members
    )


@pytest.mark.parametrize("profile", published_profiles().values(), ids=lambda profile: profile.id)
def test_every_profile_is_a_valid_set_of_limits_that_the_rules_hold(profile: PublishedProfile) -> None:
    limits = LimitsProfile.model_validate(with_profile(profile.id))

    assert limits.model_extra == {}
    assert (limits.profile, limits.profile_version) == (profile.id, profile.version)
    stated = {name: limit.value for name, limit in profile.limits.items()}
    assert stated == limits.model_dump(include=stated.keys())
    assert any(rule.taken(limits) for rule in RULES)


def test_the_files_are_named_after_their_profiles() -> None:
    folder = ROOT / "services" / "exporter" / "connectors" / "limits"

    assert {path.stem for path in folder.glob("*.toml")} == set(published_profiles())
    assert len(published_profiles()) == 9


@pytest.mark.parametrize(
    ("profile", "last", "first", "rule"),
    [
        ("quickbooks_desktop", {"vendor_name": "x" * 41}, {"vendor_name": "x" * 42}, "vendor name"),
        ("quickbooks_desktop", {"unit": "x" * 31}, {"unit": "x" * 32}, "units"),
        ("quickbooks_desktop", {"description": "x" * 4095}, {"description": "x" * 4096}, "line descriptions"),
        ("sage_300_cre", {"number": "x" * 12}, {"number": "x" * 13}, "number"),
        ("sage_300_cre", {"title": "x" * 30}, {"title": "x" * 31}, "title"),
        ("sage_300_cre", {"quantity": "99999999.9999"}, {"quantity": "100000000"}, "quantities"),
        ("sage_300_cre", {"quantity": "0.0001"}, {"quantity": "0.00001"}, "quantities"),
        ("sage_300_cre", {"unit_cost": "999999.9999"}, {"unit_cost": "1000000"}, "unit costs"),
        ("sage_300_cre", {"amount": "999999999.99"}, {"amount": "1000000000.00"}, "amounts"),
        ("sage_300_cre", {"unit": "x" * 6}, {"unit": "x" * 7}, "units"),
        ("sage_300_cre", {"cost_type": "S"}, {"cost_type": None}, "cost types"),
        ("sage_100_contractor", {"kind": "subcontract", "quantity": "0"}, {"quantity": "0"}, "order quantities"),
        ("vista", {"number": "SC-14"}, {"number": "SC/14"}, "number characters"),
        ("vista", {"number": "x" * 30}, {"number": "x" * 31}, "number"),
        ("vista", {"title": "x" * 60}, {"title": "x" * 61}, "title"),
        ("spectrum", {"number": "x" * 10}, {"number": "x" * 11}, "number"),
        ("spectrum", {"cost_code": "03-300"}, {"cost_code": None}, "cost codes"),
        ("spectrum", {"cost_types": "SS"}, {"cost_types": "SM"}, "one cost type"),
        ("yardi_voyager", {"job_code": "x" * 16}, {"job_code": "x" * 17}, "job code"),
        ("yardi_voyager", {"number": "x" * 15}, {"number": "x" * 16}, "number"),
        ("acumatica", {"title": "x" * 60}, {"title": "x" * 61}, "title"),
        ("acumatica", {"vendor_code": "V-9"}, {"vendor_code": None}, "vendor code"),
        ("xero", {"title": "x" * 255}, {"title": "x" * 256}, "title"),
        ("tryton", {"unit_cost": "1.2345"}, {"unit_cost": "1.23456"}, "unit costs"),
        ("tryton", {"title": "Two lines"}, {"title": "Two\nlines"}, "title characters"),
    ],
)
def test_a_profile_takes_the_last_value_and_refuses_the_first(
    profile: str, last: dict[str, str], first: dict[str, str | None], rule: str
) -> None:
    limits = LimitsProfile.model_validate(with_profile(profile))

    assert broken_limits(order(**last), limits, "The ERP") == ()
    assert [(each.rule, each.is_cut) for each in broken_limits(order(**first), limits, "The ERP")] == [(rule, False)]


@pytest.mark.parametrize(
    ("profile", "members", "rule"),
    [
        ("quickbooks_desktop", {"number": "x" * 12}, "number"),
        ("sage_100_contractor", {"number": "x" * 13}, "number"),
        ("sage_100_contractor", {"title": "x" * 31}, "title"),
        ("yardi_voyager", {"title": "x" * 31}, "title"),
    ],
)
def test_what_an_erp_cuts_is_no_refusal(profile: str, members: dict[str, str], rule: str) -> None:
    limits = LimitsProfile.model_validate(with_profile(profile))

    assert [(each.rule, each.is_cut) for each in broken_limits(order(**members), limits, "The ERP")] == [(rule, True)]


async def test_a_connection_may_name_a_profile_and_nothing_else(tmp_path: Path) -> None:
    limits = await limits_of(tmp_path, 'limits = "vista"')

    assert (limits.profile, limits.number_characters, limits.forbidden_number_characters) == ("vista", 30, "/\\")


async def test_what_a_connection_says_itself_wins_over_its_profile(tmp_path: Path) -> None:
    table = 'profile = "vista"\ntitle_characters = 40\nneeds_cost_type = false\nforbidden_number_characters = ""'
    limits = await limits_of(tmp_path, f"[connection.limits]\n{table}\ntakes_erp_code = true")

    assert (limits.number_characters, limits.title_characters, limits.needs_cost_type) == (30, 40, False)
    assert limits.takes_erp_code
    assert broken_limits(order(number="SC/14", title="x" * 40), limits, "Vista") == ()


async def test_limits_without_a_profile_stay_as_they_are(tmp_path: Path) -> None:
    limits = await limits_of(tmp_path, "[connection.limits]\nnumber_characters = 9")

    assert limits == LimitsProfile(number_characters=9)


@pytest.mark.parametrize("limits", [{}, "vista", {"profile": "vista", "title_characters": 40}])
def test_settings_that_were_written_out_are_read_back_as_they_were(limits: object) -> None:
    table = tomllib.loads(CONNECTION)["connection"][0] | {"limits": limits}
    settings = HttpSettings.model_validate(table)

    assert HttpSettings.model_validate(settings.model_dump(exclude_defaults=True)) == settings
    assert HttpSettings.model_validate(settings.model_dump(mode="json", exclude_defaults=True)) == settings


@pytest.mark.parametrize(
    "text",
    [
        'limits = "visto"',
        '[connection.limits]\nprofile = "visto"',
        "[connection.limits]\nprofile = 7",
        "[connection.limits]\nprofile_version = 2026-11-28",
        "limits = 7",
    ],
)
async def test_a_profile_that_is_none_stops_the_exporter(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match="connection main: limits") as raised:
        await limits_of(tmp_path, text)

    if "profile" in text or "visto" in text:
        assert "there are acumatica, quickbooks_desktop, sage_100_contractor" in str(raised.value)


async def test_a_misspelt_limit_beside_a_profile_stops_the_exporter(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="unknown limits: titel_characters"):
        await limits_of(tmp_path, '[connection.limits]\nprofile = "vista"\ntitel_characters = 40')


@pytest.mark.parametrize("quote", ["", '"'])
async def test_a_connection_may_insist_on_the_version_that_was_checked(tmp_path: Path, quote: str) -> None:
    version = published_profiles()["vista"].version
    table = '[connection.limits]\nprofile = "vista"\nprofile_version = '

    assert (await limits_of(tmp_path, f"{table}{quote}{version}{quote}")).profile_version == version
    with pytest.raises(SettingsError, match=f"the profile vista is of {version}, not of 2020-01-31"):
        await limits_of(tmp_path, f"{table}{quote}2020-01-31{quote}")


@pytest.mark.parametrize(
    "content",
    [
        {"limits": {"number_characters": {"value": 11}}},
        {"limits": {"number_characters": {"value": 11, "source": ""}}},
        {"limits": {"number_characters": {"value": [11], "source": "a page"}}},
        {"limits": {}, "titel": "Vista"},
        {"limits": {}, "version": "new"},
    ],
)
def test_a_profile_states_its_sources_and_its_version(content: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        PublishedProfile.model_validate({"id": "vista", "title": "Vista", "version": "2026-11-28"} | content)


def test_the_example_for_operators_names_every_profile() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    (table,) = tomllib.loads(text.replace("# [connection", "[connection").replace("# profile", "profile"))["connection"]

    assert HttpSettings.model_validate(table).limits.profile == "quickbooks_desktop"
    assert [name for name in published_profiles() if name not in text] == []
