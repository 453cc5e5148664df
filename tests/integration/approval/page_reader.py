"""Reads pages as a person does: the words that stand there, and what forms would send."""

import html
import re

from httpx2 import AsyncClient, Response

SEE_OTHER = 303


def words(page: Response) -> str:
    """The page's text on one line, without mark-up."""
    body = re.sub(r"</?(?:a|span|strong|time)\b[^>]*>", "", page.text.split("</head>", 1)[-1])
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


def hidden_fields(page: Response, form: str) -> dict[str, str]:
    """What the form whose address on this host ends in `form` sends without being filled in."""
    found = re.search(rf'<form[^>]*action="/[^"]*{re.escape(form)}"[^>]*>(.*?)</form>', page.text, re.DOTALL)
    assert found, f"no form to {form}"
    fields = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', found[1])
    return {name: html.unescape(value) for name, value in fields}


def choice(page: Response, verb: str, commitment_id: str) -> str:
    """What the radio button `verb` of a row sends."""
    for value in re.findall(r'value="([^"]*)"', page.text):
        read = html.unescape(value)
        if read.startswith(f"{verb}:") and read.endswith(f":{commitment_id}"):
            return read
    raise AssertionError(f"{commitment_id} offers no {verb}")


async def landed(browser: AsyncClient, answer: Response) -> Response:
    """The page to which `answer` sends the browser."""
    assert answer.status_code == SEE_OTHER, (answer.status_code, words(answer))
    return await browser.get(answer.headers["location"])
