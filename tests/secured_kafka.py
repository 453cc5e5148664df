"""A real Kafka with security on: TLS with a CA of its own, passwords or client certificates, and an authorizer."""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization

from sandbox.servers import LocalKafka
from sandbox.servers.local_server import free_ports
from schemas.topics import TOPICS
from services.kafka_access.roles import OPERATOR, roles
from services.pipeline.broker import create_topics, wait_for_broker
from services.pipeline.broker.acls import AccessControl
from services.pipeline.errors import BrokerError
from services.pipeline.kafka_rights import AclEntry, entry_of
from services.pipeline.settings import KafkaSettings

ADMIN, BROKER = "admin", "broker"
SCRAM, PLAIN = "SCRAM-SHA-512", "PLAIN"
HOST = "127.0.0.1"
OTHER_NAME = "localhost"
"""Where the broker answers as well, under a name that its certificate does not have."""
_MECHANISMS = {SCRAM: "scram.ScramLoginModule", PLAIN: "plain.PlainLoginModule"}
_ANSWER_SECONDS = 0.5


class SecuredKafka(LocalKafka):
    """One broker that lets `users` in, with whatever the administrator allows them, and nobody else.

    Users sign in over SASL_SSL with a password, or over SSL with a certificate whose common name is their name.
    """

    def __init__(self, users: Iterable[str]) -> None:
        super().__init__()
        self.passwords = {user: secrets.token_urlsafe(12) for user in (ADMIN, *users)}
        self.certificate_port = 0
        self._authority = trustme.CA()
        self._certificates: dict[str, tuple[Path, Path]] = {}

    def access(self, user: str, mechanism: str = SCRAM, host: str = HOST) -> dict[str, str]:
        """The variables with which `user` signs in with a password."""
        return {
            "KAFKA_BOOTSTRAP_SERVERS": f"{host}:{self.port}",
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SASL_MECHANISM": mechanism,
            "KAFKA_SASL_USERNAME": user,
            "KAFKA_SASL_PASSWORD": self.passwords[user],
            "KAFKA_SSL_CA_LOCATION": str(self.authority_file),
        }

    def access_by_certificate(self, user: str) -> dict[str, str]:
        """The variables with which `user` signs in with a certificate."""
        certificate, key = self.certificate_of(user)
        return {
            "KAFKA_BOOTSTRAP_SERVERS": f"{HOST}:{self.certificate_port}",
            "KAFKA_SECURITY_PROTOCOL": "SSL",
            "KAFKA_SSL_CA_LOCATION": str(self.authority_file),
            "KAFKA_SSL_CERTIFICATE_LOCATION": str(certificate),
            "KAFKA_SSL_KEY_LOCATION": str(key),
        }

    def settings(self, user: str) -> KafkaSettings:
        """How `user` connects."""
        return settings_from(self.access(user))

    def refusals(self) -> list[str]:
        """What the authorizer has refused since the start, one line each."""
        return [line for line in self.latest_log.splitlines() if "kafka.authorizer.logger" in line and "Denied" in line]

    @cached_property
    def authority_file(self) -> Path:
        """The certificate of the CA that clients are to trust."""
        path = self.folder / "ca.pem"
        self._authority.cert_pem.write_to_path(path)
        return path

    def certificate_of(self, user: str) -> tuple[Path, Path]:
        """The files with the certificate and with the key of `user`."""
        if user not in self._certificates:
            issued = self._authority.issue_cert(HOST, common_name=user)
            certificate, key = self.folder / f"{user}.pem", self.folder / f"{user}.key"
            certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
            key.write_bytes(_as_pkcs8(issued.private_key_pem.bytes()))
            self._certificates[user] = certificate, key
        return self._certificates[user]

    def server_properties(self) -> str:
        """Return the settings of a plain broker, with other listeners, TLS, passwords and an authorizer."""
        plain = dict(line.split("=", 1) for line in super().server_properties().splitlines())
        self.certificate_port, controller_port = free_ports(2)
        return "".join(f"{name}={value}\n" for name, value in (plain | self._secured(controller_port)).items())

    def format_options(self) -> list[str]:
        """The passwords that the new log knows."""
        given = self.passwords.items()
        return [
            word
            for user, password in given
            for word in ("--add-scram", f'{SCRAM}=[name="{user}",password="{password}"]')
        ]

    def command(self) -> list[str]:
        """The broker, which writes down what its authorizer refuses."""
        java, *others = super().command()
        return [java, "-Dorg.slf4j.simpleLogger.log.kafka.authorizer.logger=info", *others]

    def is_ready(self) -> bool:
        """Whether the administrator is let in."""
        try:
            wait_for_broker(self.settings(ADMIN), _ANSWER_SECONDS)
        except BrokerError:
            return False
        return True

    def _secured(self, controller_port: int) -> Mapping[str, str]:
        addresses = f"SASL_SSL://{HOST}:{self.port},SSL://{HOST}:{self.certificate_port}"
        return {
            "controller.quorum.bootstrap.servers": f"{HOST}:{controller_port}",
            "listeners": f"{addresses},CONTROLLER://{HOST}:{controller_port}",
            "advertised.listeners": addresses,
            "listener.security.protocol.map": "CONTROLLER:SSL,SSL:SSL,SASL_SSL:SASL_SSL",
            "inter.broker.listener.name": "SSL",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found": "false",
            "super.users": f"User:{BROKER};User:{ADMIN}",
            **self._tls(),
            **self._sasl(),
        }

    def _tls(self) -> Mapping[str, str]:
        certificate, key = self.certificate_of(BROKER)
        store = self.folder / "broker-store.pem"
        store.write_bytes(key.read_bytes() + certificate.read_bytes())
        return {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(store),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.authority_file),
            "ssl.principal.mapping.rules": r"RULE:^.*CN=([^,]+).*$/$1/,DEFAULT",
            "listener.name.ssl.ssl.client.auth": "required",
            "listener.name.controller.ssl.client.auth": "required",
        }

    def _sasl(self) -> Mapping[str, str]:
        users = " ".join(f'user_{user}="{password}"' for user, password in self.passwords.items())
        login = {SCRAM: "", PLAIN: users}
        return {"sasl.enabled.mechanisms": f"{SCRAM},{PLAIN}"} | {
            f"listener.name.sasl_ssl.{mechanism.lower()}.sasl.jaas.config": (
                f"org.apache.kafka.common.security.{module} required {login[mechanism]};"
            )
            for mechanism, module in _MECHANISMS.items()
        }


def settings_from(variables: Mapping[str, str]) -> KafkaSettings:
    """Return the settings that the environment `variables` say."""
    return KafkaSettings.model_validate({name.lower(): value for name, value in variables.items()})


def _as_pkcs8(key: bytes) -> bytes:
    """Return a private key in the only form that Kafka reads."""
    return serialization.load_pem_private_key(key, None).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@contextmanager
def secured_kafka() -> Iterator[SecuredKafka]:
    """Run a broker with all topics on which every role has a user of its name, with the role's rights and no other."""
    with SecuredKafka(role.name for role in roles()) as broker:
        AccessControl(broker.settings(ADMIN)).add(all_entries())
        create_topics(broker.settings(OPERATOR), TOPICS)
        yield broker
        broker.kill()  # nothing on it is needed any more, and to end in order takes seconds


def all_entries() -> list[AclEntry]:
    """What all roles need, each under the name of a user of `secured_kafka`."""
    return [entry_of(principal_of(role.name), right) for role in roles() for right in role.rights]


def principal_of(user: str) -> str:
    """What the authorizer calls a user."""
    return f"User:{user}"
