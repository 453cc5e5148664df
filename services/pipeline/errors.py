"""The pipeline's own errors, and what it does about each.

CountersignError
├── SettingsError          the process ends at start and says which variable to set
├── BrokerError            a call to Kafka failed; the caller pauses and tries again
│   └── DeliveryError      a message was not acknowledged; its outbox row stays and is sent again
│       └── RefusedMessageError    Kafka will not take it; its outbox row is parked until an operator acts
├── StaleBatchError        the saved offsets have moved; the batch is dropped, and reading continues from them
├── RowAppearedError       another process created a row that was new to the batch, which is processed again at once
├── OvertakenError         the batch before it was not committed at once, so this one is processed again after it
├── DefectError            too many events in a row failed in our own code; the process ends before it sets more aside
├── UnreadableRowError     a row cannot be read; whatever is about the same key fails, everything else goes on
├── NotToldError           another service does not say what it knows; its part of a story is missing
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


class RowAppearedError(CountersignError):
    """Another process has inserted a row since this transaction looked for it."""


class OvertakenError(CountersignError):
    """A batch was computed beside one that then was not committed at its first attempt."""


class DefectError(CountersignError):
    """Our own code fails on one event after the other."""


class RefusedMessageError(DeliveryError):
    """Kafka refused a message, and would refuse it again."""


class UnreadableRowError(CountersignError):
    """A row of ours cannot be read; the log and a metric say which."""


class NotToldError(CountersignError):
    """Another service does not tell what it knows of a commitment; the text says why."""


class CatchingUpError(CountersignError):
    """The service does not know yet what happened before it was started or restored; nothing was recorded."""


class PartEndedError(CountersignError):
    """A part of a service has ended although nobody stopped it."""


class StaleBatchError(CountersignError):
    """Another process, or a restore, has moved the saved offsets since this batch was read."""
