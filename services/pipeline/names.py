"""What the services are called, in the order in which a commitment meets them."""

SERVICES = ("approval", "exporter", "notifier", "digest")
