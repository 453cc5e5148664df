"""A parser for XML of strangers: no entities, no network, no document type, and nothing but elements and texts."""

from lxml import etree


def hardened_parser() -> etree.XMLParser:
    """Return a parser of UTF-8; a tree takes far more memory than its text, so bound the tags first."""
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
