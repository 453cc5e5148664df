"""Who needs which rights on Kafka, derived from what the services read and write, and how others write that down."""
