"""The groups of subcommands of `countersign`, each in its own module; services/command.py puts them together."""
