"""`rollout app-server`: the threads of a home for editors and agent front ends, over their own protocol."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

import click

from rollout.cli.garbage import look_as_usual
from rollout.cli.output import Output
from rollout.errors import InvalidRequest
from rollout.fs.paths import absolute_path

if TYPE_CHECKING:
    from rollout.store.store import Store

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
TOKEN_VARIABLE = "ROLLOUT_SERVER_TOKEN"


@click.command("app-server")
@click.option(
    "--listen",
    metavar="WHERE",
    help="Listen on unix://PATH or ws://HOST:PORT. Default: stdio://, one client over stdin and stdout.",
)
@click.option(
    "--allow-remote",
    is_flag=True,
    help="Let websockets be reached from other machines; needs a bearer token in $ROLLOUT_SERVER_TOKEN.",
)
@click.option("--model", metavar="M", help="The model of new threads. Default: that of config.toml.")
@click.option(
    "--model-provider",
    metavar="P",
    help="List only threads of this provider, and start new ones with it. Default: that of config.toml.",
)
@click.option("--json", "wants_json", is_flag=True, help="Write errors as JSON, as other commands do.")
@click.make_pass_decorator(Output)
def app_server(
    output: Output,
    listen: str | None,
    allow_remote: bool,
    model: str | None,
    model_provider: str | None,
    wants_json: bool,
) -> None:
    """Serve threads to editors and agent front ends, in the protocol that they speak.

    Lists, reads, resumes, forks and pages stored threads, renames, archives, deletes and reverts them,
    and follows those that another process records. Runs no model: what needs one is refused. Requests and
    answers are lines of JSON; what is to be said to people goes to stderr.

    \b
    Examples:
      rollout app-server
      rollout app-server --listen unix:///run/user/1000/rollout.sock
      rollout app-server --listen ws://127.0.0.1:4510
    """
    from rollout.appserver.server import Server, ServerSettings
    from rollout.appserver.serving import parse_listen, serve_pipes, serve_socket, serve_websockets

    where = parse_listen(listen) if listen is not None else None
    token = os.environ.get(TOKEN_VARIABLE) or None
    if where is not None and where.kind == "ws" and where.host not in _LOOPBACK:
        _check_remote(where.host, token, allow_remote=allow_remote)
    home = absolute_path(output.home)
    if not os.path.isdir(home):  # noqa: PTH112  # pathlib would keep the first answer waiting
        output.open_store()  # says what is wrong with it

    def settings_of(store: Store) -> ServerSettings:
        from rollout.appserver.configured import read_settings

        return read_settings(store, absolute_path("."), model, model_provider)

    # Opened when it is first needed: whoever starts a server waits for the first answer.
    server = Server(output.open_store, settings_of, lambda: time.time_ns() // 1_000_000, home)
    look_as_usual()
    if where is None or where.kind == "stdio":
        serve_pipes(server, sys.stdin.fileno(), sys.stdout.fileno(), _report)
    elif where.kind == "unix":
        serve_socket(server, where.path, _report)
    else:
        serve_websockets(server, where, token, _report)


def _check_remote(host: str, token: str | None, *, allow_remote: bool) -> None:
    if not allow_remote:
        raise InvalidRequest(
            f"listening on {host}: other machines could reach it",
            hint="Listen on 127.0.0.1, or pass --allow-remote with a token.",
        )
    if token is None:
        raise InvalidRequest(
            f"listening on {host}: no token to ask for",
            hint=f"Set ${TOKEN_VARIABLE} to what clients are to send as a bearer token.",
        )


def _report(message: str) -> None:
    click.echo(f"rollout app-server: {message}", err=True)
