"""The rows of the overview, one module each: what their panels show, ask for, and tell people to do."""
