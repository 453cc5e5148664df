"""A page shows no hidden characters, and sends back what was typed as it was."""

import html

from services.approval.web.desk.legible_page import legible_page

TYPED = "\u05e9\u05dc\u05d5\u05dd\u200f 03-300\u200f."


def test_a_text_that_is_shown_again_to_be_sent_keeps_its_direction_marks_as_references() -> None:
    page = legible_page(f'<p>{TYPED}</p><textarea id="reason" title="{TYPED}">{TYPED}</textarea><p>{TYPED}</p>')
    shown, _, rest = page.partition("<textarea")
    tag, _, rest = rest.partition(">")
    content, _, after = rest.partition("</textarea>")
    assert html.unescape(content) == TYPED
    assert "\u200f" not in page
    assert "&#" not in shown + tag + after


def test_a_character_that_nobody_types_is_left_out_of_it() -> None:
    assert legible_page("<textarea>a\x00\x9bb\x85c</textarea>") == "<textarea>ab c</textarea>"
