"""Reads pages: their text, and what their forms send."""

import html
import re
from http import HTTPStatus

from httpx2 import AsyncClient, Response


def text_of(page: Response) -> str:
    """The page's text on one line, without markup."""
    body = re.sub(r"</?(?:a|span|strong|time)\b[^>]*>", "", page.text.split("</head>", 1)[-1])
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


def hidden_fields(page: Response, form: str) -> dict[str, str]:
    """The hidden fields of the form whose address on this host ends in `form`."""
    found = re.search(rf'<form[^>]*action="(?:/[^"]*)?{re.escape(form)}"[^>]*>(.*?)</form>', page.text, re.DOTALL)
    assert found, f"no form to {form}"
    fields = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', found[1])
    return {name: html.unescape(value) for name, value in fields}


def choice(page: Response, verb: str, commitment_id: str) -> str:
    """The value of the button `verb` of a commitment, in the list or beside it."""
    for value in re.findall(r'value="([^"]*)"', page.text):
        read = html.unescape(value)
        if read.startswith(f"{verb}:") and read.endswith(f":{commitment_id}"):
            return read
    raise AssertionError(f"{commitment_id} offers no {verb}")


def accepts(page: Response) -> set[str]:
    """The values of all buttons that accept."""
    return {html.unescape(value) for value in re.findall(r'value="(accept:[^"]*)"', page.text)}


async def follow(browser: AsyncClient, response: Response) -> Response:
    """The page that `response` redirects to."""
    assert response.status_code == HTTPStatus.SEE_OTHER, (response.status_code, text_of(response))
    return await browser.get(response.headers["location"])
