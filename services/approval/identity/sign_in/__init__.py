"""Sign-in with the company's OpenID Connect provider: code flow, token verification, cookies."""
