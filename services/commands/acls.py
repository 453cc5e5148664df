"""`countersign acls`: who needs which rights on Kafka; print them for other tools, compare them, or set them."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import click

from services.commands.output import as_json_option, print_result
from services.pipeline.kafka_rights import AclEntry
from services.pipeline.names import SERVICES
from services.pipeline.settings import KafkaSettings, load

ROLES = (*SERVICES, "operator", "project-tool", "directory", "status-reader")
COMMANDS, STRIMZI = "commands", "strimzi"
PREFIX = "User:countersign-"
Command = Callable[..., Any]


class _Given(click.ParamType):
    """ROLE=VALUE, of which the value may have any characters."""

    name = "role=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Return role and value; a role that does not exist, or nothing behind the sign, is wrong usage."""
        role, _, given = str(value).partition("=")
        if role not in ROLES or not given:
            self.fail(f"{value!r} is not one of {', '.join(ROLES)}, then = and a value.", param, ctx)
        return role, given


@dataclass(frozen=True, slots=True)
class _Difference:
    """The entries that the list lacks, and the others that it has of the same principals."""

    missing: Sequence[AclEntry]
    others: Sequence[AclEntry]


def _naming(command: Command) -> Command:
    """Add the options that say which roles, and what Kafka calls them."""
    for decorate in (
        click.option(
            "--group",
            "groups",
            type=_Given(),
            multiple=True,
            help="ROLE=GROUP: the consumer group with which project-tool or status-reader reads; by default its name.",
        ),
        click.option(
            "--principal",
            "principals",
            type=_Given(),
            multiple=True,
            help="ROLE=PRINCIPAL: what Kafka calls a role, such as approval=User:CN=approval.",
        ),
        click.option(
            "--principal-prefix",
            default=PREFIX,
            show_default=True,
            help="What Kafka calls all others: this, then the role's name.",
        ),
        click.option(
            "--role",
            "chosen",
            type=click.Choice(ROLES),
            multiple=True,
            help="Only this role; can be given more than once.",
        ),
    ):
        command = decorate(command)
    return command


@click.command("acls")
@_naming
@click.option("--bootstrap-server", help="In the printed commands; by default $KAFKA_BOOTSTRAP_SERVERS.")
@click.option(
    "--command-config",
    default="admin.properties",
    show_default=True,
    help="In the printed commands: the administrator's client properties.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice((COMMANDS, STRIMZI)),
    default=COMMANDS,
    show_default=True,
    help="Commands of kafka-acls.sh, or KafkaUser resources of Strimzi.",
)
@click.option("--cluster", help="With --format strimzi: the name of the Kafka resource.")
@click.option(
    "--authentication",
    type=click.Choice(("scram-sha-512", "tls", "tls-external")),
    default="scram-sha-512",
    show_default=True,
    help="With --format strimzi: how users sign in.",
)
@click.option("--check", "is_check", is_flag=True, help="Compare with the Kafka in KAFKA_*, and change nothing.")
@click.option("--apply", "is_apply", is_flag=True, help="Add the missing entries to the Kafka in KAFKA_*.")
@click.option("--prune", "is_prune", is_flag=True, help="With --apply: also remove what these roles do not need.")
@as_json_option
def acls(*, form: str, is_check: bool, is_apply: bool, is_prune: bool, as_json: bool, **options: Any) -> None:
    """Print the least rights on Kafka of every service, of an operator and of the systems around them.

    They follow from the events that the services read and write. With --check or --apply, KAFKA_* must be those of an
    administrator; --check ends with exit status 1 if an entry is missing, or is not needed.
    """
    if (is_check and is_apply) or (is_prune and not is_apply):
        raise click.UsageError("Say --check, or --apply, or --apply --prune.")
    holders = _holders(**options)
    if is_check or is_apply:
        _compare(holders, is_apply=is_apply, is_prune=is_prune, as_json=as_json)
    elif as_json:
        print_result({"entries": _listed(holders)}, (), as_json=True)
    else:
        _print(holders, form, options)


def _holders(
    chosen: Sequence[str],
    principal_prefix: str,
    principals: Sequence[tuple[str, str]],
    groups: Sequence[tuple[str, str]],
    **_: Any,
) -> list[Any]:
    """Return the chosen roles, all if none is chosen, each with its principal."""
    formats = importlib.import_module("services.kafka_access.formats")  # with all services' tables: half a second
    roles = importlib.import_module("services.kafka_access.roles")
    named = dict(principals)
    return [
        formats.Holder(role, named.get(role.name, f"{principal_prefix}{role.name}"))
        for role in roles.roles(dict(groups))
        if role.name in (chosen or ROLES)
    ]


def _listed(holders: Sequence[Any]) -> list[Mapping[str, str]]:
    return [{"role": holder.role.name} | asdict(entry) for holder in holders for entry in holder.entries]


def _print(holders: Sequence[Any], form: str, options: Mapping[str, Any]) -> None:
    formats = importlib.import_module("services.kafka_access.formats")
    if form == COMMANDS:
        lines = formats.kafka_commands(holders, options["bootstrap_server"], options["command_config"])
        click.echo("\n".join(lines))
    elif options["cluster"]:
        click.echo(formats.strimzi_users(holders, options["cluster"], options["authentication"]), nl=False)
    else:
        raise click.UsageError("Say which Kafka resource the users belong to: --cluster NAME.")


def _compare(holders: Sequence[Any], *, is_apply: bool, is_prune: bool, as_json: bool) -> None:
    """Print what differs and, if asked to, correct it; differences that stay end the command with status 1."""
    acl_room = importlib.import_module("services.pipeline.broker.acls")
    control = acl_room.AccessControl(load(KafkaSettings))
    found = _difference(control, holders)
    added, removed = found.missing if is_apply else (), found.others if is_prune else ()
    control.add(added)
    control.remove(removed)
    _report(found, added, removed, as_json=as_json)
    missing, others = len(found.missing) - len(added), len(found.others) - len(removed)
    if missing or (others and not is_apply):
        raise click.ClickException(
            f"Missing: {missing}, not needed: {others}. --apply adds what is missing, --prune removes the others."
        )


def _difference(control: Any, holders: Sequence[Any]) -> _Difference:
    wanted = {entry for holder in holders for entry in holder.entries}
    present = control.entries_of(sorted({holder.principal for holder in holders}))
    return _Difference(sorted(wanted - present), sorted(present - wanted))


def _report(found: _Difference, added: Sequence[AclEntry], removed: Sequence[AclEntry], *, as_json: bool) -> None:
    result = {
        name: [asdict(each) for each in entries]
        for name, entries in (
            ("missing", found.missing),
            ("others", found.others),
            ("added", added),
            ("removed", removed),
        )
    }
    lines = [
        *(f"{'Added' if added else 'Missing'}: {each.sentence}" for each in found.missing),
        *(f"{'Removed' if removed else 'Not needed'}: {each.sentence}" for each in found.others),
    ]
    print_result(result, lines or ["The access-control list is as it should be."], as_json=as_json)
