"""The exporter: writes every accepted revision to its ERP exactly once, or keeps it as a visible open item."""
