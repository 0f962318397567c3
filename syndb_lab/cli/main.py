"""The command line: ``syndb-lab``.

The client commands are in this package. The commands that run a service come from the installed service
package, through the entry points ``syndb_lab.commands``.
"""

from __future__ import annotations

import sys
import warnings
from contextlib import suppress
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Final

import click

from syndb_lab.cli.job_commands import cancel, datasets, graph, jobs, query, rerun, result
from syndb_lab.cli.options import EXIT_CODES, close_broken_output, end, open_missing_streams
from syndb_lab.cli.output import print_plain
from syndb_lab.errors import SyndbError
from syndb_lab.text.terminal_text import escape_control_characters

CLIENT_COMMANDS: Final[dict[str, click.Command]] = {
    str(command.name): command for command in (query, graph, datasets, jobs, result, rerun, cancel)
}
GROUP: Final = "syndb_lab.commands"
SHELLS: Final = ("bash", "zsh", "fish")


class Commands(click.Group):
    """The commands of client and service in one group; those of the service load at their first use."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command line; report an output that can't be written as an error."""
        open_missing_streams()
        try:
            try:
                return super().main(*args, **kwargs)
            finally:
                sys.stdout.flush()
        except BrokenPipeError:
            close_broken_output()
        except OSError as error:
            target = error.filename or "the output"
            reason = error.strerror or str(error)
            with suppress(SystemExit):
                close_broken_output()
            end(SyndbError(f"{target} can't be used: {reason}", hint="Write elsewhere, such as -o FILE."))

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; escape control characters in errors about its arguments."""
        try:
            with warnings.catch_warnings():
                warnings.showwarning = print_warning
                return super().invoke(ctx)
        except click.UsageError as error:
            text = error.format_message()
            if escape_control_characters(text) == text:
                raise
            raise click.UsageError(escape_control_characters(text), error.ctx) from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the names of all commands."""
        return [*self.commands, *sorted(set(service_commands()) - set(self.commands))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Find a command by name, a client command first."""
        return super().get_command(ctx, cmd_name) or service_commands().get(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve a command; if the service is not installed, say how to install it."""
        if args and not service_commands() and self.get_command(ctx, args[0]) is None:
            ctx.fail(
                f"There is no command {args[0]!r} here. The commands that run a service come with it: "
                "pip install 'syndb-lab[service]'"
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands in two sections: those of the client, and those that run a service."""
        own = list(self.commands)
        service = [name for name in self.list_commands(ctx) if name not in own]
        for title, names in (("Ask a service", own), ("Run a service", service)):
            commands = [(name, self.get_command(ctx, name)) for name in names]
            rows = [(name, command.get_short_help_str(90)) for name, command in commands if command]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the exit codes."""
        formatter.write(f"\n{EXIT_CODES}\n")


def print_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    """Print a warning as a sentence, without the line of code that Python would show."""
    print_plain(f"Warning: {message}", err=True)


@cache
def service_commands() -> dict[str, click.Command]:
    """Load the commands of the installed service; none if it, or one of its packages, is not installed."""
    commands: dict[str, click.Command] = {}
    for point in entry_points(group=GROUP):
        try:
            commands.update(point.load().commands)
        except ModuleNotFoundError:
            continue
    return commands


@click.group(
    cls=Commands,
    commands=CLIENT_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="syndb-lab")
def main() -> None:
    """Query connectomes: a service runs SQL and graph analyses as jobs, and keeps their results.

    \b
      syndb-lab datasets                                         list the datasets
      syndb-lab query "SELECT name FROM neurons LIMIT 5"         run SQL, and show a table
      syndb-lab query "SELECT * FROM connections" -o all.parquet run SQL, and write a file
      syndb-lab graph celegans_varshney_2011 -o worm.png         analyse a graph, and draw it
      syndb-lab query "…" --detach ; syndb-lab jobs              submit a job, and list jobs later
      syndb-lab result JOB -o out.csv                            fetch the result when it is ready

    The service is that of --url, of SYNDB_URL and SYNDB_TOKEN, or the one that runs on this computer; if none
    runs, one is started. Progress goes to standard error, and only to a terminal; results go to standard
    output: a table on a terminal, CSV or JSON in a pipe.
    """  # noqa: D301 - the backspace is how click keeps lines apart


@main.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print a script that completes commands, options, jobs and datasets.

    \b
      bash   echo 'eval "$(syndb-lab completion bash)"' >> ~/.bashrc
      zsh    echo 'eval "$(syndb-lab completion zsh)"' >> ~/.zshrc
      fish   syndb-lab completion fish > ~/.config/fish/completions/syndb-lab.fish
    """  # noqa: D301 - the backspace is how click keeps lines apart
    from click.shell_completion import get_completion_class

    completion_class = get_completion_class(shell)
    if completion_class is None:
        raise click.UsageError(f"{shell} is not known")
    click.echo(completion_class(main, {}, "syndb-lab", "_SYNDB_LAB_COMPLETE").source())
