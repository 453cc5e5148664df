"""The exporter's PostgreSQL schema: tables, what is loaded and saved, every query, and the migrations."""
