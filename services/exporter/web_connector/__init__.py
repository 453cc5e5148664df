"""The SOAP endpoint that Intuit's Web Connector polls: its eight calls, their limits, and who may sign in."""
