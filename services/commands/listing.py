"""How a group of the command lists what it has: the whole first sentence of each, wrapped and not cut off."""

import click

MAX_SENTENCE_CHARACTERS = 300


class Listing(click.Group):
    """A group whose help has the first sentence of each command, however long it is."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands; click would cut each sentence off where the line ends."""
        rows = [
            (name, command.get_short_help_str(MAX_SENTENCE_CHARACTERS))
            for name in self.list_commands(ctx)
            if (command := self.get_command(ctx, name))
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
