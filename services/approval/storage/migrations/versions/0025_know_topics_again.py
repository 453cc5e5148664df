"""Know whether a topic is still the one of which offsets were saved"""

from services.pipeline.migrations.kernel_0008 import know_topics_again

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    know_topics_again("approval")
