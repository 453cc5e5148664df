"""The ribbons of the desk can be read, and what needs somebody is not told by its colour alone."""

import re

import pytest

from schemas.fields import Status
from services.approval.rules.status import RIBBONS
from services.approval.web.desk.pages import ASSETS
from services.approval.web.desk.wording import TROUBLE

STYLE = (ASSETS / "desk.css").read_text()
ENOUGH = 4.5
"""Contrast of text, WCAG 2.2, 1.4.3."""


def colour(rule: str, name: str) -> str:
    found = re.search(rf"(?:^|; ){name}: (?:var\(--([a-z-]+)\)|#([0-9a-f]{{3,6}}))", rule)
    assert found, rule
    digits = found[2] or str(re.search(rf"--{found[1]}: #([0-9a-f]+)", STYLE)[1])  # type: ignore[index]
    return digits if len(digits) == 6 else "".join(2 * digit for digit in digits)


def luminance(digits: str) -> float:
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def rule_of(name: str) -> str:
    found = re.search(rf"^\.ribbon-{name}(?:, \.badge)? {{ (.*) }}$", STYLE, re.MULTILINE)
    assert found, name
    return found[1]


@pytest.mark.parametrize("name", ["trouble", *sorted({ribbon.lower() for ribbon in RIBBONS.values()})])
def test_a_ribbon_has_enough_contrast(name: str) -> None:
    rule = rule_of(name)

    assert contrast(colour(rule, "color"), colour(rule, "background")) >= ENOUGH


def test_trouble_has_a_sign_of_its_own() -> None:
    assert {Status.FAILED, Status.DISPUTED} == TROUBLE
    assert 'content: "!"' in rule_of("trouble::before")
