"""What the notifier needs from its environment."""

from email.utils import parseaddr

from pydantic import Field, SecretStr, field_validator

from services.notifier.rules.addresses import Unusable, address_of
from services.notifier.smtp import SmtpServer
from services.pipeline.settings import ServiceSettings, database_url_field, days_field


class NotifierSettings(ServiceSettings):
    """Settings of `countersign run notifier`."""

    database_url: SecretStr = database_url_field("notifier")
    smtp_url: SecretStr = Field(
        description="Mail server: smtp://, smtp+starttls:// or smtps://, then user:password@ if needed, host and port."
    )
    mail_from: str = Field(
        exclude=True,  # logs contain no addresses
        description='Sender of every mail, for example "Countersign <erp@desk.example>".',
    )
    public_url: str = Field(
        pattern=r"^https?://[^\s]+$", description="Public URL of the approval desk; links in mails begin with it."
    )
    keep_mail_contents_days: int = days_field(
        14, "Days to keep what a settled mail said, and the recipient's name and address.", at_least=1
    )
    keep_mails_days: int = days_field(180, "Days to keep that a mail was settled, which prevents a second one.")

    @field_validator("smtp_url")
    @classmethod
    def _names_a_server(cls, url: SecretStr) -> SecretStr:
        SmtpServer.from_url(url.get_secret_value())
        return url

    @field_validator("mail_from")
    @classmethod
    def _is_an_address(cls, mail_from: str) -> str:
        given = parseaddr(mail_from)[1]
        is_alone = mail_from == given or mail_from.endswith(f"<{given}>")
        if not (given.isascii() and mail_from.isprintable() and is_alone):
            raise ValueError("must be one mail address in ASCII, with a name before it if you like")
        address = address_of(given)
        if isinstance(address, Unusable):
            raise ValueError(f"cannot be used: {address.reason}")  # noqa: TRY004 - pydantic reads this one
        return mail_from
