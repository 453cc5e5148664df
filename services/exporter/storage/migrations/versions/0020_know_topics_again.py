"""Know whether a topic is still the one of which offsets were saved"""

from services.pipeline.migrations.kernel_0008 import know_topics_again

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    know_topics_again("exporter")
