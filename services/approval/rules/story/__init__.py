"""The story of one commitment: what all services know of it, joined, with what does not fit together."""
