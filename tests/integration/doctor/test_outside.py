"""The check-up asks what is around the services: mail server, sign-in provider, ERPs, public address, the services."""

import ssl
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from fastapi import FastAPI, Response
from joserfc.jwk import RSAKey
from pydantic import SecretStr

from sandbox.erp.running import running_erp
from sandbox.mailbox.running import running_mailbox
from sandbox.servers.local_server import free_ports
from sandbox.serving import listen, served, url_of
from sandbox.sign_in.provider import Client
from sandbox.sign_in.running import running_sign_in
from services.pipeline.clock import utc_now
from tests.integration.doctor.patient import Patient, problems, unchecked
from tests.integration.exporter.scripted_server import response_bytes, scripted_server


def nobody() -> str:
    """Return an address at which nobody listens."""
    return f"127.0.0.1:{free_ports(1)[0]}"


async def test_a_mail_server_is_greeted_and_gets_no_mail(patient: Patient) -> None:
    async with running_mailbox() as mailbox:
        patient.set(SMTP_URL=mailbox.smtp_url)
        [found] = await patient.look("mail server")
        assert (found.verdict.value, list(mailbox.messages)) == ("ok", [])
        patient.set(SMTP_URL=mailbox.smtp_url.replace("smtp://", "smtp+starttls://"))
        [line] = problems(await patient.look("mail server"))
        assert "STARTTLS" in line
    [line] = problems(await patient.look("mail server"))
    assert "Connect call failed" in line


async def test_a_mail_server_that_wants_no_password_of_ours_is_told(patient: Patient) -> None:
    async with running_mailbox() as mailbox:
        patient.set(SMTP_URL=mailbox.smtp_url.replace("smtp://", "smtp://me:wrong@"))
        [found] = await patient.look("mail server")
    assert (found.verdict.value, "wrong" in found.what) == ("wrong", False)


async def test_a_sign_in_provider_publishes_keys_and_knows_our_client_or_is_wrong(patient: Patient) -> None:
    client = Client("desk", SecretStr("secret"), ("http://127.0.0.1/sign-in/callback",), "desk")
    async with running_sign_in(client) as provider:
        patient.set(OIDC_ISSUER=provider.issuer)
        assert unchecked(await patient.look("sign-in")) == [
            "client: OIDC_CLIENT_ID, OIDC_CLIENT_SECRET, PUBLIC_URL not set here"
        ]
        patient.set(OIDC_CLIENT_ID="desk", OIDC_CLIENT_SECRET="secret", PUBLIC_URL="http://127.0.0.1")
        assert [each.verdict.value for each in await patient.look("sign-in")] == ["ok", "ok"]
        patient.set(OIDC_CLIENT_SECRET="another")
        [line] = problems(await patient.look("sign-in"))
        assert "OIDC_CLIENT_ID or OIDC_CLIENT_SECRET is wrong" in line
        patient.set(OIDC_ISSUER=f"{provider.issuer}/elsewhere")
        [line] = problems(await patient.look("sign-in"))
        assert line.endswith("/elsewhere/.well-known/openid-configuration answers 404")
    [found] = await patient.look("sign-in")
    assert "/.well-known/openid-configuration cannot be reached: " in found.what
    assert found.remedy.startswith("In a container, this name is the container")


async def test_a_provider_that_takes_any_code_or_answers_oddly_is_not_judged(patient: Patient) -> None:
    app, answer = FastAPI(), {"id_token": "x"}
    with listen(0) as listener:
        url = url_of(listener)
        key = RSAKey.generate_key(2048).as_dict(private=False)

        @app.get("/.well-known/openid-configuration")
        async def configuration() -> dict[str, str]:
            places = ("authorization_endpoint", "token_endpoint", "jwks_uri")
            return {"issuer": url} | {place: f"{url}/{place}" for place in places}

        @app.get("/jwks_uri")
        async def keys() -> dict[str, Any]:
            return {"keys": [key]}

        @app.post("/token_endpoint")
        async def token() -> dict[str, str]:
            return answer

        patient.set(OIDC_ISSUER=url, OIDC_CLIENT_ID="d", OIDC_CLIENT_SECRET="s", PUBLIC_URL="http://127.0.0.1")
        async with served(app, listener):
            assert unchecked(await patient.look("sign-in")) == ["d: the provider takes any code"]
            answer |= {"error": "invalid_request"}
            [said] = unchecked(await patient.look("sign-in"))
            assert said == "d: the provider answers a trial with invalid_request"


@pytest.mark.parametrize(
    ("check", "variable", "scheme"), [("sign-in", "OIDC_ISSUER", "https"), ("mail server", "SMTP_URL", "smtps")]
)
async def test_a_certificate_of_an_unknown_ca_is_told_with_the_variable_that_names_one(
    patient: Patient, check: str, variable: str, scheme: str
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with scripted_server(response_bytes(200), tls=context) as script:
        patient.set(**{variable: script.url.replace("https:", f"{scheme}:")})
        [found] = await patient.look(check)
    assert (found.verdict.value, found.remedy.split(" to ")[0]) == ("wrong", "Set SSL_CERT_FILE")


async def test_an_erp_lets_us_in_or_is_wrong(patient: Patient, tmp_path: Path) -> None:
    file = tmp_path / "connections.toml"

    def connect(url: str) -> None:
        file.write_text(
            f'[[connection]]\nname = "main"\nkind = "http"\ntitle = "Books"\nurl = "{url}"\ncompanies = ["c-1"]\n'
            'token_env = "ERP_TOKEN"\ntimeout_seconds = 2\n'
        )

    async with running_erp(token=SecretStr("s3cret")) as erp:
        connect(erp.url)
        patient.set(ERP_CONNECTIONS=str(file), ERP_TOKEN="s3cret")
        assert [each.verdict.value for each in await patient.look("erps")] == ["ok"]
        patient.set(ERP_TOKEN="another")
        assert [each.verdict.value for each in await patient.look("erps")] == ["wrong"]
    [found] = await patient.look("erps")
    assert (found.verdict.value, found.remedy) == ("wrong", "countersign connections check main")
    file.write_text("[[connection]]\n")
    assert [each.verdict.value for each in await patient.look("erp file")] == ["wrong"]
    file.write_text("")
    assert "nothing can be exported" in problems(await patient.look("erp file"))[0]


async def test_a_token_that_everybody_can_read_is_told(
    patient: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    token = tmp_path / "token"
    token.write_text("s3cret")
    token.chmod(0o644)
    file = tmp_path / "connections.toml"
    file.write_text(
        '[[connection]]\nname = "main"\nkind = "http"\ntitle = "Books"\nurl = "http://127.0.0.1:9"\n'
        'companies = ["c-1"]\ntoken_file = "token"\n'
    )
    patient.set(ERP_CONNECTIONS=str(file))
    assert problems(await patient.look("secrets")) == [f"wrong {token}: everybody on this machine can read its secret"]
    token.chmod(0o600)
    assert problems(await patient.look("secrets")) == []


async def test_services_are_asked_without_the_proxy_for_the_world_outside(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://{nobody()}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    app = FastAPI()
    app.add_api_route("/health/ready", lambda: "ready")
    with listen(0) as listener:
        async with served(app, listener):
            patient.set(APPROVAL_URL=url_of(listener))
            assert problems(await patient.look("services")) == []


async def test_a_wrong_address_of_a_service_is_wrong(patient: Patient) -> None:
    patient.set(APPROVAL_URL="approval:8000")
    [line] = problems(await patient.look("services"))
    assert line.startswith("wrong addresses: Settings are missing or wrong. APPROVAL_URL")


async def test_services_are_asked_whether_they_are_ready_and_what_time_it_is(patient: Patient) -> None:
    app, state = FastAPI(), {"status": 200}

    @app.get("/health/ready")
    async def ready() -> Response:
        return Response("", state["status"])

    with listen(0) as listener:
        url = url_of(listener)
        async with served(app, listener):
            # a proxy is for the world outside, and not asked
            patient.set(APPROVAL_URL=url, NOTIFIER_URL=f"http://{nobody()}", HTTP_PROXY=f"http://{nobody()}")
            fine = await patient.look("services")
            state["status"] = 503
            draining = await patient.look("services")
            ahead = await patient.look("services", lambda: utc_now() - timedelta(minutes=5))

    assert problems(fine)[0].startswith("wrong notifier: does not answer at ")
    assert "wrong approval: is not ready: it answers 503" in problems(draining)
    assert any(line.startswith("wrong clock of approval: its clock is") for line in problems(ahead))
    assert unchecked(fine) == ["exporter: EXPORTER_URL is not set here", "digest: DIGEST_URL is not set here"]


async def test_a_public_address_answers_and_is_https_unless_it_is_this_machine(patient: Patient) -> None:
    patient.set(PUBLIC_URL=f"http://{nobody()}")
    [found] = await patient.look("public url")
    assert (found.verdict.value, "leads to this machine only" in found.what) == ("warning", True)
    patient.set(PUBLIC_URL="http://desk.invalid")
    insecure, silent = problems(await patient.look("public url"))
    assert "is not https" in insecure
    assert "does not answer from here" in silent
    with listen(0) as listener:
        async with served(FastAPI(), listener):
            patient.set(PUBLIC_URL=url_of(listener))
            assert problems(await patient.look("public url")) == []


@pytest.mark.parametrize(
    ("check", "variable"),
    [
        ("mail server", "SMTP_URL"),
        ("sign-in", "OIDC_ISSUER"),
        ("erps", "ERP_CONNECTIONS"),
        ("erp file", "ERP_CONNECTIONS"),
        ("public url", "PUBLIC_URL"),
        ("link secret", "LINK_SECRET"),
    ],
)
async def test_what_needs_a_variable_is_not_checked_without(patient: Patient, check: str, variable: str) -> None:
    assert unchecked(await patient.look(check)) == [f"all: {variable} is not set here"]
