"""Everything that the check-up looks at, in the order in which it is told."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from services.doctor import configuration, databases, groups, kafka, outside
from services.doctor.findings import Finding
from services.doctor.surroundings import Surroundings


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that can be wrong, and how long looking at it may take.

    `is_of_server` is whether a server that does not answer is what is wrong; for others, it is a reason not to look.
    """

    name: str
    look: Callable[[Surroundings], Awaitable[Sequence[Finding]]]
    seconds: float = 20.0
    is_of_server: bool = False


CHECKS = (
    Check("settings", configuration.check_settings),
    Check("contradictions", configuration.check_contradictions),
    Check("secrets", configuration.check_secrets),
    Check("link secret", configuration.check_link_secret),
    Check("kafka", kafka.check_kafka, is_of_server=True),
    Check("topics", kafka.check_topics),
    Check("message times", kafka.check_message_times),
    Check("groups", groups.check_groups, seconds=40.0),
    Check("offsets", groups.check_offsets, seconds=40.0),
    Check("databases", databases.check_servers, is_of_server=True),
    Check("schemas", databases.check_schemas),
    Check("open work", databases.check_open_work),
    Check("services", outside.check_services),
    Check("public url", outside.check_public_url),
    Check("sign-in", outside.check_sign_in),
    Check("mail server", outside.check_mail_server),
    Check("erp file", configuration.check_connections_file),
    Check("erps", outside.check_erps, seconds=60.0),
)
