"""What the notifier needs from its environment."""

from email.utils import parseaddr

from pydantic import Field, SecretStr, field_validator

from services.notifier.smtp import SmtpServer
from services.pipeline.settings import ServiceSettings, database_url_field


class NotifierSettings(ServiceSettings):
    """Settings of `countersign run notifier`."""

    database_url: SecretStr = database_url_field("notifier")
    smtp_url: SecretStr = Field(
        description="Mail server: smtp://, smtp+starttls:// or smtps://, then user:password@ if needed, host and port."
    )
    mail_from: str = Field(description='Sender of every mail, for example "Countersign <erp@desk.example>".')
    public_url: str = Field(
        pattern=r"^https?://[^\s]+$", description="Public URL of the approval desk; links in mails begin with it."
    )

    @field_validator("smtp_url")
    @classmethod
    def _names_a_server(cls, url: SecretStr) -> SecretStr:
        SmtpServer.from_url(url.get_secret_value())
        return url

    @field_validator("mail_from")
    @classmethod
    def _is_an_address(cls, mail_from: str) -> str:
        _, address = parseaddr(mail_from)
        name, _, domain = address.rpartition("@")
        if not (name and domain and address.isascii() and mail_from.isprintable()):
            raise ValueError("must be one mail address in ASCII, with a name before it if you like")
        return mail_from
