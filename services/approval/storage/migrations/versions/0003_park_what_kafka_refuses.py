"""Park what Kafka refuses"""

from services.pipeline.migrations.kernel_0002 import create_parked_table

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    create_parked_table("approval")
