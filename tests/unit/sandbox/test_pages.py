"""What all pages of the sandbox keep: the order in which a text is read, and what fields give back."""

from pathlib import Path

import pytest
from fastapi import FastAPI, HTTPException
from httpx2 import ASGITransport, AsyncClient

from sandbox import pages
from sandbox.pages import Pages, refuse_on_pages

SPOOFED = "Concrete \u202e00.052,084 DSU\u2066"
FOLDER = Path(pages.__file__).parent
BROWSER = {"accept": "text/html"}


def rendered(template: str, **values: object) -> str:
    return bytes(Pages("Site", "erp", {}).render(template, **values).body).decode()


def test_no_page_reverses_the_order_in_which_an_amount_is_read() -> None:
    shown = rendered("refusal.html", title=SPOOFED, why=SPOOFED)
    assert "Concrete 00.052,084 DSU" in shown
    assert not [character for character in shown if character in SPOOFED[9:10] + SPOOFED[-1]]


def test_markup_and_a_fields_own_text_are_not_changed() -> None:
    environment = Pages("Site", "erp", {})._environment
    template = environment.from_string(
        '{% macro field(value) %}<input value="{{ value | as_typed }}">{% endmacro %}{{ field(text) }}'
    )
    assert template.render(text=SPOOFED) == f'<input value="{SPOOFED}">'


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.html")), ids=lambda path: str(path.relative_to(FOLDER)))
def test_no_page_reloads_itself_or_has_a_script_of_its_own(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "http-equiv" not in text
    assert text.count("<script") == text.count('<script src="/refresh.js" defer></script>')


async def test_what_is_not_there_is_a_page_for_browsers_and_json_for_programs() -> None:
    app = FastAPI()
    refuse_on_pages(app, Pages("Site", "erp", {}))

    @app.get("/orders/{order}")
    async def order(order: int) -> None:
        raise HTTPException(404, f"There is no order {order}.")

    async with AsyncClient(transport=ASGITransport(app), base_url="http://site.example") as client:
        shown = [await client.get(path, headers=BROWSER) for path in ("/orders/7", "/orders/x", "/nowhere")]
        told = [await client.get(path) for path in ("/orders/7", "/orders/x")]

    assert [answer.status_code for answer in shown] == [404, 422, 404]
    assert "<h1>Not found</h1>" in shown[0].text
    assert "There is no order 7." in shown[0].text
    assert "Go back and correct: order." in shown[1].text
    assert told[0].json() == {"detail": "There is no order 7."}
    assert told[1].json()["detail"][0]["loc"] == ["path", "order"]
