"""The page of all log events, generated from the code and from what each event means."""
