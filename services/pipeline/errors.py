"""The pipeline's own errors, and what it does about each.

CountersignError
├── SettingsError          the process ends at start and says which variable to set
├── BrokerError            a call to Kafka failed; the caller pauses and tries again
│   └── DeliveryError      a message was not acknowledged; its outbox row stays and is sent again
└── StaleBatchError        the saved offsets have moved; the batch is dropped, and reading continues from them
"""


class CountersignError(Exception):
    """Base of the errors that the pipeline itself raises; the text is for an operator."""


class SettingsError(CountersignError):
    """The environment lacks a variable or has a wrong one; the text says what to set."""


class BrokerError(CountersignError):
    """Kafka refused or did not answer."""


class DeliveryError(BrokerError):
    """Kafka did not acknowledge a message; whether it is on the topic is unknown."""


class StaleBatchError(CountersignError):
    """Another process, or a restore, has moved the saved offsets since this batch was read."""
