"""A small OpenID provider without passwords; it also issues flawed tokens that must be refused."""

from sandbox.sign_in.provider import Client, Provider
from sandbox.sign_in.running import running_sign_in
from sandbox.sign_in.tokens import Flaw

__all__ = ["Client", "Flaw", "Provider", "running_sign_in"]
