"""The file of approval rules, and what is told about a wrong one."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from services.approval.rules.approval_rules import CompanyRules, Duties
from services.approval.rules_file import read_rules
from services.pipeline.errors import SettingsError

ROOT = Path(__file__).parents[3]
COMPANY = '[[company]]\nid = "company-204"\n'


def read(folder: Path, text: str) -> CompanyRules:
    path = folder / "rules.toml"
    path.write_text(text)
    return read_rules(path).of("company-204")


def test_without_a_file_every_company_has_the_defaults() -> None:
    rules = read_rules(None).of("company-204")
    assert rules.separation_of_duties is Duties.WARN
    assert (rules.limit("person-5", "USD"), rules.second_approval_above("USD")) == (None, None)
    assert not rules.has_limits


def test_the_page_shows_the_example_without_its_comments() -> None:
    example = ROOT / "ops" / "approval" / "rules.example.toml"
    page = (ROOT / "docs" / "operations.md").read_text().partition("\n### Approval rules\n")[2]
    shown = re.search(r"^```toml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    lines = [re.sub(r" *#.*", "", line) for line in example.read_text().splitlines()]
    assert shown
    assert shown[1].splitlines() == "\n".join(lines).strip().splitlines()


@pytest.mark.parametrize(
    ("person", "currency", "limit"),
    [
        pytest.param("person-5", "USD", Decimal(100000), id="that of the company"),
        pytest.param("person-6", "USD", None, id="their own: no limit"),
        pytest.param("person-6", "EUR", Decimal(90000), id="that of the company, as their own table says nothing"),
        pytest.param("person-6", "GBP", Decimal(0), id="0 as no table names the currency"),
    ],
)
def test_the_limit_of_an_approver(person: str, currency: str, limit: Decimal | None) -> None:
    rules = read_rules(ROOT / "ops" / "approval" / "rules.example.toml").of("company-204")
    assert rules.limit(person, currency) == limit


def test_a_second_approval_is_needed_in_a_currency_that_the_table_does_not_name(tmp_path: Path) -> None:
    rules = read(tmp_path, COMPANY + 'second_approval = { USD = 250000, EUR = "none" }')
    amounts = {currency: rules.second_approval_above(currency) for currency in ("USD", "EUR", "GBP")}
    assert amounts == {"USD": Decimal(250000), "EUR": None, "GBP": Decimal(0)}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("approver = 1", "may contain only [[company]] tables."),
        (COMPANY + COMPANY, "company company-204: is listed more than once; leave one [[company]] with this id."),
        ("[[company]]\n", "company 1: id: is missing; add it"),
        (COMPANY + "limit = 3", "company company-204: limit: is not known; did you mean limits?"),
        (COMPANY + "colour = 3", "company company-204: colour: is not known; remove it"),
        (COMPANY + 'separation_of_duties = "yes"', "separation_of_duties: must be 'off', 'warn' or 'block'"),
        (COMPANY + "limits = 3", 'limits: must be a table of amounts by currency, such as { USD = "100000.00" }'),
        (COMPANY + "limits = {}", "limits: must not be empty; leave it out to set none"),
        (COMPANY + 'limits = { usd = "1" }', "limits.usd: must be an ISO 4217 code such as USD"),
        (COMPANY + 'limits = { USD = "-1" }', 'limits.USD: must be an amount such as "100000.00", or "none"'),
        (COMPANY + "limits = { USD = true }", 'limits.USD: must be an amount such as "100000.00", or "none"'),
        (COMPANY + "limits = { USD = nan }", 'limits.USD: must be an amount such as "100000.00", or "none"'),
        (COMPANY + '[[company.approver]]\nperson = "p"', "approver.1.limits: is missing; add it"),
        (COMPANY + 2 * '[[company.approver]]\nperson = "p"\nlimits = { USD = 1 }\n', "approver: p is listed more than"),
        ("[[company]\n", "is not valid TOML"),
    ],
)
def test_a_wrong_file_is_refused_in_words(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(told)) as refused:
        read(tmp_path, text)
    assert str(tmp_path / "rules.toml") in str(refused.value)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        read(tmp_path, COMPANY + 'limit = 1\nlimits = { USD = "much" }')
    assert len(str(refused.value).splitlines()) == 2


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        read_rules(tmp_path / "none.toml")
