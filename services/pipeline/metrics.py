"""The metrics that all services share."""

from prometheus_client import Counter, Gauge, Histogram

SHORT_BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
AGE_BUCKETS_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)
HELD_BUCKETS_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

EVENTS = Counter(
    "pipeline_events_total",
    "Processed events by outcome: applied, unchanged (a repeat), or dead_lettered.",
    ("service", "topic", "outcome"),
)
PARTLY_READ = Counter(
    "pipeline_partly_read_total",
    "Events with members that were not understood and are read by their safe values; the log names them.",
    ("service", "topic"),
)
BATCH_SECONDS = Histogram(
    "pipeline_batch_seconds",
    "Time to process one batch, from decoded to committed.",
    ("service",),
    buckets=SHORT_BUCKETS_SECONDS,
)
EVENT_AGE_SECONDS = Histogram(
    "pipeline_event_age_seconds",
    "Time from when an event happened to when it was committed here.",
    ("service", "topic"),
    buckets=AGE_BUCKETS_SECONDS,
)
LOOP_HELD_SECONDS = Histogram(
    "loop_held_seconds",
    "How late the event loop came to a look that was due: something held it, or the machine was busy.",
    ("service",),
    buckets=HELD_BUCKETS_SECONDS,
)
CONSUMER_LAG = Gauge(
    "kafka_consumer_lag", "Messages on the partition that are not processed yet.", ("topic", "partition")
)
CONSUMER_POSITION = Gauge(
    "kafka_consumer_position",
    "The next message of the partition that is not processed; while it stands still and there is lag, nothing is.",
    ("topic", "partition"),
)
CAUGHT_UP = Gauge(
    "service_caught_up",
    "1 once the service has read all that it must know before it acts, such as its own decisions after a restore.",
    ("service",),
)
OFFSETS_OUT_OF_RANGE = Gauge(
    "pipeline_offsets_out_of_range",
    "Partitions whose saved offset the broker no longer has; nothing is read from them until an operator acts.",
    ("service",),
)
TOPIC_SETTINGS_WRONG = Gauge(
    "pipeline_topic_settings_wrong",
    "Settings of the service's topics that keep less than was promised; the log names each.",
    ("service",),
)
TOPICS_MADE_ANEW = Gauge(
    "pipeline_topics_made_anew",
    "Topics of which the service has saved offsets that meant another topic of that name; the log names each.",
    ("service",),
)
OUTBOX_ROWS = Gauge("outbox_rows", "Events committed here that Kafka has not acknowledged yet.", ("service",))
OUTBOX_OLDEST_AGE_SECONDS = Gauge(
    "outbox_oldest_age_seconds", "Age of the oldest event that Kafka has not acknowledged yet.", ("service",)
)
OUTBOX_PARKED = Gauge(
    "outbox_parked",
    "Events that Kafka did not take: retried every 30 s, or refused until an operator sends them again.",
    ("service", "state"),
)
WORK_SET_ASIDE = Gauge(
    "work_set_aside",
    "Exports or mails that cannot be read or recorded; none of them moves until an operator acts.",
    ("service",),
)
ROWS_UNREADABLE = Gauge(
    "rows_unreadable",
    "Rows that this process could not read when it last tried; each is left out, and the log names it.",
    ("service", "table"),
)
DEAD_LETTERS = Gauge("dead_letters", "Dead letters that nobody has redriven or discarded yet.", ("service", "reason"))
DEAD_LETTERS_OLDEST_AGE_SECONDS = Gauge(
    "dead_letters_oldest_age_seconds",
    "Age of the oldest dead letter that nobody has redriven or discarded yet; 0 without any.",
    ("service",),
)
PERIODIC_SUCCESS = Gauge(
    "periodic_success_timestamp_seconds",
    "When each periodic job last ended without an error, or was begun if it never did.",
    ("task",),
)
PERIODIC_INTERVAL_SECONDS = Gauge("periodic_interval_seconds", "How often each periodic job is to run.", ("task",))
RETENTION_SWEPT = Gauge(
    "retention_swept_timestamp_seconds",
    "When this process last applied all rules of retention; 0 if it never did, as while another one does.",
    ("service",),
)
KAFKA_CERTIFICATE_EXPIRY = Gauge(
    "kafka_certificate_expiry_timestamp_seconds",
    "Until when the files with our client certificate (client) and the last CA that we trust (ca) are valid.",
    ("certificate",),
)
MAIL_SERVER, SIGN_IN_PROVIDER = "mail", "sign_in"
SERVER_CERTIFICATE_EXPIRY = Gauge(
    "server_certificate_expiry_timestamp_seconds",
    "Until when the certificate is valid that a server last showed: the mail server (mail), the provider (sign_in).",
    ("server",),
)
DEAD_LETTERS_REDRIVEN = Counter(
    "dead_letters_redriven_total",
    "Dead letters that a service has processed again by itself, since it knows their type by now.",
    ("service", "outcome"),
)
RETENTION_ROWS = Counter(
    "retention_rows_total",
    "Rows that were deleted, or whose contents were, because nothing needs them any more.",
    ("service", "table"),
)
HTTP_RESPONSES = Counter(
    "http_responses_total",
    "Answers to HTTP requests by the class of their status, 429 apart, without those to Prometheus and to probes.",
    ("status",),
)
SERVICE_READY = Gauge("service_ready", "1 while the service is assigned, reaches its database and is not draining.")
