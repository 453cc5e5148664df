"""The notifier's PostgreSQL schema: tables, queries and migrations."""
