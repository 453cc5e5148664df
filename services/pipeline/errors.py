"""The pipeline's own errors, and what it does about each.

CountersignError
├── SettingsError          the process ends at start and says which variable to set
├── BrokerError            a call to Kafka failed; the caller pauses and tries again
│   └── DeliveryError      a message was not acknowledged; its outbox row stays and is sent again
├── StaleBatchError        the saved offsets have moved; the batch is dropped, and reading continues from them
├── CatchingUpError        after a restart or a restore, not everything is read yet; the command is refused
└── PartEndedError         a part of a service has ended by itself; the process ends, so that it is started again
"""


class CountersignError(Exception):
    """Base of the errors that the pipeline itself raises; the text is for an operator."""


class SettingsError(CountersignError):
    """The environment lacks a variable or has a wrong one; the text says what to set."""


class BrokerError(CountersignError):
    """Kafka refused or did not answer."""


class DeliveryError(BrokerError):
    """Kafka did not acknowledge a message; whether it is on the topic is unknown."""


class CatchingUpError(CountersignError):
    """The service does not know yet what happened before it was started or restored; nothing was recorded."""


class PartEndedError(CountersignError):
    """A part of a service has ended although nobody stopped it."""


class StaleBatchError(CountersignError):
    """Another process, or a restore, has moved the saved offsets since this batch was read."""
