"""Draws a dashboard without Grafana: reads its JSON, asks a Prometheus the panels' own queries, and makes one page."""
