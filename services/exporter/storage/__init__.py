"""The exporter's PostgreSQL schema: its tables, every statement on them, and the migrations."""
