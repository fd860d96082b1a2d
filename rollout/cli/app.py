"""The `rollout` command: one table of commands, loaded when called; errors to exit statuses.

The only module that reads the environment. Commands parse, make one call into the
library, and print one thing.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Final, NamedTuple

import click

from rollout.cli.garbage import look_no_more
from rollout.cli.output import Output, emit_error, usage_hint
from rollout.errors import RolloutError

EXIT_STATUS: Final = {
    "request.invalid": 2,
    "not_found": 3,
    "conflict": 4,
    "log.damaged": 5,
    "format.unsupported": 6,
    "storage.failed": 7,
}
INTERRUPTED: Final = 130


class Entry(NamedTuple):
    """Where a command lives, and its line in the help."""

    target: str
    help: str


COMMANDS: Final = {
    "app-server": Entry(
        "rollout.cli.app_server:app_server",
        "Serve threads to editors and agent front ends, in the protocol that they speak.",
    ),
    "append": Entry("rollout.cli.append:append", "Record items from stdin as one complete turn."),
    "archive": Entry("rollout.cli.archive:archive", "Put a thread away: out of lists, into the archive."),
    "check": Entry("rollout.cli.check:check", "Read everything, change nothing, list what is damaged."),
    "checkpoint": Entry(
        "rollout.cli.checkpoint:checkpoint",
        "Keep what a resume needs, so that it need not read further back.",
    ),
    "compact": Entry(
        "rollout.cli.compact:compact",
        "Put a shorter history in place of all that a model was given so far.",
    ),
    "compress": Entry(
        "rollout.cli.compress:compress",
        "Compress threads that nobody uses: an eighth of the size, and read as before.",
    ),
    "decompress": Entry(
        "rollout.cli.compress:decompress_thread",
        "Make the files of a thread plain again, whoever compressed them.",
    ),
    "delete": Entry("rollout.cli.delete:delete", "Hide a thread for good, with all that it spawned."),
    "diff": Entry(
        "fork.cli_family:diff", "Show where two threads part, and the turns that each has from there on."
    ),
    "flatten": Entry(
        "fork.cli_flatten:flatten", "Write a thread's whole history into a file that depends on no other."
    ),
    "fork": Entry("fork.cli:fork", "Make a thread that goes on where another one stands, and print its id."),
    "items": Entry("rollout.cli.items:items", "Page through the items of a thread or a turn, oldest first."),
    "list": Entry("rollout.cli.threads:list_threads", "List the threads of the home, newest first."),
    "new": Entry("rollout.cli.new:new", "Make an empty thread, and print its id."),
    "rebuild": Entry("rollout.cli.rebuild:rebuild", "Compute the catalog anew from the logs."),
    "prune": Entry("fork.cli_prune:prune", "Reclaim what deleted threads left and nobody needs."),
    "repair": Entry("rollout.cli.repair:repair", "Mend what can be mended without losing a byte."),
    "resume": Entry("rollout.cli.resume:resume", "Say what a model must be given to continue a thread."),
    "revert": Entry("rollout.cli.revert:revert", "Let a paginated thread end before one of its turns."),
    "rollback": Entry("rollout.cli.rollback:rollback", "Take the last turns of a legacy thread back."),
    "set": Entry(
        "rollout.cli.facts:set_facts", "Set what people say of a thread: name, tags, git state, folder."
    ),
    "search": Entry("rollout.cli.search:search", "Find threads by what was said in them, best first."),
    "show": Entry("rollout.cli.show:show", "Show one thread: where it is, what it is, what it stands on."),
    "stats": Entry(
        "rollout.cli.stats:stats", "Say what the catalog holds, how far it is, and what it passed over."
    ),
    "tree": Entry(
        "fork.cli_family:tree",
        "Show the family of a thread: what it was forked from, and what was forked from it.",
    ),
    "turns": Entry("rollout.cli.turns:turns", "Page through the turns of a thread, newest first."),
    "unarchive": Entry("rollout.cli.archive:unarchive", "Get a thread back out of the archive."),
}


class LazyGroup(click.Group):
    """A group that imports a command when it is called for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, _, name = entry.target.partition(":")
        try:
            command: click.Command = getattr(importlib.import_module(module), name)
        except ModuleNotFoundError as missing:
            package = module.partition(".")[0]
            if missing.name != package:
                raise
            raise click.UsageError(
                f"{cmd_name} comes with the package `{package}`, which is not installed", ctx
            ) from missing
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in sorted(COMMANDS.items())])


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from rollout import __version__

        click.echo(f"rollout {__version__}")
        ctx.exit()


@click.group(cls=LazyGroup, no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--home",
    metavar="FOLDER",
    help="The folder that holds sessions/. Default: $ROLLOUT_HOME, $CODEX_HOME, then ~/.codex.",
)
@click.option("--no-color", is_flag=True, help="Print without colour, as with $NO_COLOR.")
@click.option(
    "--max-line-bytes",
    type=click.IntRange(min=1024),
    metavar="N",
    help="Report a longer line as damage and read on. Default: 64 MiB.",
)
@click.option(
    "--state-dir",
    metavar="FOLDER",
    help="Keep derived files there; '' for nowhere. Default: .rollout in the home.",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Print it."
)
@click.pass_context
def rollout(
    ctx: click.Context, home: str | None, no_color: bool, max_line_bytes: int | None, state_dir: str | None
) -> None:
    """Keep the conversations of coding agents: resume, page and list them, record and check them.

    THREAD is a full id, a unique prefix of one, a name, or a path; --last stands for the thread
    that changed last.

    \b
    Examples:
      rollout list
      rollout resume --last
      rollout turns 01a1fc4a --limit 5
      rollout --home ~/backup/.codex check

    \b
    Exit status:
      0  done              4  conflict            7  the system refused
      2  wrong call        5  damaged log       130  interrupted
      3  no such thread    6  newer format        1  a fault of ours
    """
    if no_color or os.environ.get("NO_COLOR"):
        ctx.color = False
    chosen = home or os.environ.get("ROLLOUT_HOME") or os.environ.get("CODEX_HOME") or "~/.codex"
    ctx.obj = Output(chosen, max_line_bytes, state_dir, is_named=bool(home))


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its status."""
    status = run(sys.argv[1:] if arguments is None else arguments)
    look_no_more()
    sys.exit(status)


def run(arguments: list[str]) -> int:
    """Run the command line; return its exit status. Known errors go to stderr, never a traceback."""
    wants_json = "--json" in arguments
    try:
        # Not main(): that takes a closed pipe for a failure.
        with rollout.make_context("rollout", list(arguments)) as context:
            status: object = rollout.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as done:
        return done.exit_code
    except RolloutError as error:
        emit_error(error.code, error.message, error.hint, wants_json=wants_json)
        return EXIT_STATUS[error.code]
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return error.exit_code
    except click.ClickException as error:
        emit_error("request.invalid", error.format_message(), usage_hint(error), wants_json=wants_json)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read us has left; keep Python from flushing into the closed pipe at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status if isinstance(status, int) else 0
