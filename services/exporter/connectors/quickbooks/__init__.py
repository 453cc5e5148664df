"""The language of QuickBooks Desktop: renders what to ask and to write as qbXML, and reads what QuickBooks answers.

Read in this order:

1. `settings.py`: what a connection of kind `quickbooks_desktop` has.
2. `connector.py`: the entry point; `purchasing.py` finds, writes and reads within one attempt.
3. `order.py`: what a commitment becomes; `questions.py` makes message sets of it; `elements.py` renders them, in the
   order and the lengths of `qbxml.elements.toml`, with the characters of `characters.py`.
4. `reply.py` reads an answer, `purchase_order.py` an order in it, `lists.py` vendors, items and jobs.
5. `failures.py` says what an answer means, by `quickbooks.failures.toml`.

Nothing here does I/O or reads a clock: the Web Connector carries the texts, and conversations are rows elsewhere.
"""
