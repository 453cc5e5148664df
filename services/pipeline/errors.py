"""What can go wrong in the pipeline, and what it then does.

CountersignError
├── SettingsError          the process ends at start, saying which variable to set
├── BrokerError            the call to Kafka failed; the caller backs off and repeats
│   └── DeliveryError      a message was not acknowledged; its outbox row stays and is sent again
└── StaleBatchError        the saved offsets moved meanwhile; the batch is dropped and read again from where they stand
"""


class CountersignError(Exception):
    """Base of the errors that the pipeline raises itself."""


class SettingsError(CountersignError):
    """The environment lacks something; the text says what to set."""


class BrokerError(CountersignError):
    """Kafka did not do what it was asked."""


class DeliveryError(BrokerError):
    """Kafka did not acknowledge a message; whether it is on the topic is unknown."""


class StaleBatchError(CountersignError):
    """Somebody else has moved the saved offsets since this batch was read."""
