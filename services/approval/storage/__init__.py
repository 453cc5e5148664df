"""Approval's PostgreSQL schema: tables, stores, queries and migrations."""
