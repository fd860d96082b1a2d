"""Tool calls of the model in the form the client offers its tools."""

from refclient.replies import function_call
from refclient.shapes import JsonObject


def shell_call(call_id: str, command: str) -> JsonObject:
    """Return a call that runs `command` in a plain shell, in the thread's directory."""
    return function_call(
        "exec_command",
        call_id,
        {"cmd": command, "shell": "/bin/sh", "login": False},
    )


def patch_call(call_id: str, hunks: str) -> JsonObject:
    """Return a call that applies a patch, in the way of a model without a patch tool."""
    patch = f"*** Begin Patch\n{hunks}*** End Patch"
    return shell_call(call_id, f"apply_patch <<'EOF'\n{patch}\nEOF\n")
