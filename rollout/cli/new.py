"""`rollout new`: make an empty thread."""

from __future__ import annotations

import click

from rollout.cli.folders import working_folder
from rollout.cli.options import json_option, pass_output
from rollout.cli.output import Output, emit_json
from rollout.wire.recording import NewThread
from rollout.wire.threads import thread as shown_thread


@click.command("new")
@click.option("--model", required=True, metavar="M", help="The model that its turns are run with.")
@click.option("--cwd", metavar="FOLDER", help="Its working directory. Default: the current one.")
@click.option("--name", metavar="NAME", help="What to call it; such a name stands for THREAD.")
@click.option(
    "--model-provider", default="openai", show_default=True, metavar="P", help="Who serves the model."
)
@json_option
@pass_output
def new(
    output: Output, model: str, cwd: str | None, name: str | None, model_provider: str, wants_json: bool
) -> None:
    """Make an empty thread, and print its id.

    It is durable, and can be opened by its id, when the command returns. Turns go into it
    with `rollout append`.

    \b
    Example:
      id=$(rollout new --model gpt-5.2 --name "Fix the build")
    """
    folder = working_folder(cwd)
    with (
        output.open_store() as store,
        store.create_thread(cwd=folder, model=model, model_provider=model_provider, name=name) as thread,
    ):
        summary = thread.summary()
    if wants_json:
        emit_json(NewThread(shown_thread(summary)))
    else:
        click.echo(summary.id)
