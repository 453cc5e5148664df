"""A small OpenID provider: choose who you are, get signed tokens; also the tokens that nobody should accept."""

from sandbox.sign_in.provider import Client, Provider
from sandbox.sign_in.running import running_sign_in
from sandbox.sign_in.tokens import Flaw

__all__ = ["Client", "Flaw", "Provider", "running_sign_in"]
