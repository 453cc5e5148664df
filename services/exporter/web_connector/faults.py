"""What is wrong with a request, as the sender and the log are told.

Refusal
 ├── Fault        it was read as HTTP, and is answered with a SOAP fault
 ├── NotSoap      it cannot be a call, and is answered in plain text
 └── TooMany      its network sends too many, and is asked to wait
"""


class Refusal(Exception):  # noqa: N818 - it is an answer
    """A request that is not carried out; `reason` names the kind for the log, the text is for the sender."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence


class Fault(Refusal):
    """Answered as a SOAP fault with HTTP 500; `code` is one of SOAP 1.1: Client, VersionMismatch, MustUnderstand."""

    def __init__(self, reason: str, sentence: str, code: str = "Client") -> None:
        super().__init__(reason, sentence)
        self.code = code


class NotSoap(Refusal):
    """Answered in plain text with HTTP 415: no SOAP client sends it."""


class TooMany(Refusal):
    """Answered in plain text with HTTP 429: a Web Connector tries again with its next poll."""
