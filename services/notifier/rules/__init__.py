"""What the notifier decides, as pure functions: no I/O, no clock, no settings."""
