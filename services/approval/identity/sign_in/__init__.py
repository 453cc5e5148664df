"""Sign-in with the company's OpenID Connect provider: its keys and tokens, the code flow, and our own sessions."""
