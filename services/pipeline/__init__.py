"""What all services share: Kafka, PostgreSQL, processing events in batches, and running. It imports no service."""
