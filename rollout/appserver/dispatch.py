"""From a request to its response: one table of methods, loaded when called.

`prepare` does what depends on the order of arrival (the handshake, the shape of the params), `run` the rest,
on any thread; `handle` both. Contract: docs/protocol.md, "Methods".
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, NamedTuple

from msgspec import Raw, Struct

from rollout.appserver import params as takes
from rollout.appserver.call import Answer, Call, UnknownThread, completed, refusal, refusal_of
from rollout.appserver.choices import GranularPolicy
from rollout.appserver.decoding import decode_params, invalid, unknown_variant
from rollout.appserver.handshake import initialize
from rollout.appserver.protocol import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    NOT_SUPPORTED,
    Refusal,
    Request,
    RequestId,
    Response,
    encode_value,
    refused,
)
from rollout.appserver.server import Client, Server
from rollout.errors import RolloutError
from rollout.ids import find_uuid

INITIALIZE: Final = "initialize"
Run = Callable[[Call, Any], Answer]


class Method(NamedTuple):
    """Where a method lives and what it takes.

    `gates` are members that only experimental clients may give; `makes_threads`: who comes behind it may
    ask for a thread that it makes. `reads_home`: any of these members, or none at all, makes it look
    through many threads.
    """

    target: str
    params: type[Any]
    is_experimental: bool = False
    gates: tuple[str, ...] = ()
    makes_threads: bool = False
    reads_home: tuple[str, ...] | None = None


_SLOTS: Final = 2
"""So many requests that look through many threads run at once: all others find a worker."""
_READING: Final = "rollout.appserver.reading"
_LIVE: Final = "rollout.appserver.living"
_KEEPING: Final = "rollout.appserver.keeping"
_OWN: Final = "rollout.appserver.beyond"

METHODS: Final = {
    "thread/archive": Method(f"{_KEEPING}:archive", takes.ThreadOnly),
    "thread/delete": Method(f"{_KEEPING}:delete", takes.ThreadOnly),
    "thread/fork": Method(
        "fork.server:fork_method",
        takes.ThreadFork,
        gates=(
            *("before_turn_id", "path", "permissions", "runtime_workspace_roots", "attach_to_source"),
            *("defer_goal_continuation", "experimental_prediction_mode"),
            "experimental_disable_prediction_mcp",
        ),
        makes_threads=True,
    ),
    "thread/inject_items": Method(f"{_KEEPING}:inject_items", takes.InjectItems),
    "thread/items/list": Method(f"{_READING}:list_items", takes.ItemsList, gates=("defer_output",)),
    "thread/items/read": Method(f"{_READING}:read_items", takes.ItemsRead, is_experimental=True),
    "thread/list": Method(
        "rollout.appserver.listing:list_threads",
        takes.ThreadList,
        gates=("parent_thread_id", "ancestor_thread_id", "project_id", "attached_to_thread_id"),
        reads_home=("cwd", "search_term", "parent_thread_id", "ancestor_thread_id"),
    ),
    "thread/loaded/list": Method(f"{_LIVE}:list_loaded", takes.LoadedList),
    "thread/memoryMode/set": Method(f"{_KEEPING}:set_memory_mode", takes.MemoryModeSet, is_experimental=True),
    "thread/metadata/update": Method(
        f"{_KEEPING}:update_metadata", takes.MetadataUpdate, gates=("project_id", "daybreak_enabled")
    ),
    "thread/name/set": Method(f"{_KEEPING}:set_name", takes.NameSet),
    "thread/read": Method(f"{_READING}:read_thread", takes.ThreadRead),
    "thread/resume": Method(
        f"{_LIVE}:resume",
        takes.ThreadResume,
        gates=("initial_turns_page", "path", "permissions", "runtime_workspace_roots", "history"),
    ),
    "thread/revert": Method(f"{_KEEPING}:revert", takes.Revert),
    "thread/search": Method(
        "rollout.appserver.searching:search_threads", takes.ThreadSearch, is_experimental=True, reads_home=()
    ),
    "thread/searchOccurrences": Method(
        "rollout.appserver.searching:search_occurrences", takes.SearchOccurrences, is_experimental=True
    ),
    "thread/start": Method(
        f"{_LIVE}:start",
        takes.ThreadStart,
        gates=(
            *("history_mode", "dynamic_tools", "permissions", "runtime_workspace_roots", "environments"),
            *("selected_capability_roots", "multi_agent_mode", "project_id", "daybreak_enabled"),
            *("allow_provider_model_fallback", "experimental_raw_events", "mock_experimental_field"),
        ),
        makes_threads=True,
    ),
    "thread/timeline/list": Method(
        "rollout.appserver.timeline:list_timeline", takes.PageOf, is_experimental=True
    ),
    "thread/turns/list": Method(f"{_READING}:list_turns", takes.TurnsList),
    "thread/unarchive": Method(f"{_KEEPING}:unarchive", takes.ThreadOnly),
    "thread/unsubscribe": Method(f"{_LIVE}:unsubscribe", takes.ThreadOnly),
    "rollout/context/read": Method(f"{_OWN}:read_context", takes.ContextRead),
    "rollout/lineage/read": Method(f"{_OWN}:read_lineage", takes.ThreadOnly),
    "rollout/family/read": Method("fork.server:family_method", takes.ThreadOnly),
    "rollout/thread/check": Method(f"{_OWN}:check", takes.ThreadOnly),
    "rollout/thread/checkpoint": Method(f"{_OWN}:checkpoint", takes.ThreadOnly),
    "rollout/thread/diff": Method("fork.server:diff_method", takes.ThreadDiff),
    "rollout/thread/unwatch": Method("rollout.appserver.watching:unwatch", takes.Unwatch),
    "rollout/thread/watch": Method("rollout.appserver.watching:watch", takes.Watch),
}
"""What a request can ask for, beside the handshake."""

UNSUPPORTED: Final = (
    "turn/",
    "review/",
    "command/",
    "thread/realtime/",
    "thread/compact/",
    "thread/shellCommand",
    "thread/rollback",
    "thread/goal/",
    "thread/settings/",
    "thread/backgroundTerminals/",
    "account/",
    "app/",
    "config/",
    "configRequirements/",
    "experimentalFeature/",
    "feedback/",
    "fs/",
    "hooks/",
    "marketplace/",
    "mcpServer",
    "memory/",
    "model/",
    "modelProvider/",
    "plugin/",
    "skills/",
)
"""How methods begin that clients know and a server without a model has no answer to."""


class Prepared(Struct, frozen=True):
    """A request that may be run."""

    id: RequestId
    call: Call
    method: Method
    params: Any

    @property
    def lane(self) -> str | None:
        """What requests must be run one after the other with: those of one thread; None for free ones."""
        path = getattr(self.params, "path", None)
        reference = path or getattr(self.params, "thread_id", None)
        if reference is not None:
            return find_uuid(reference) or reference
        slow = self.method.reads_home
        if slow is None or (slow and not any(getattr(self.params, name) for name in slow)):
            return None
        return f"home {self.call.client.number % _SLOTS}"

    def run(self) -> Response:
        """Return the response, whatever happens."""
        return self.attempt()[0]

    def attempt(self) -> tuple[Response, bool]:
        """Return the response, and whether it says that there is no such thread."""
        try:
            answer = _load(self.method.target)(self.call, self.params)
            result = encode_value(answer.result)
        except Refusal as found:
            return self._refused(found), isinstance(found, UnknownThread)
        except RolloutError as error:
            cursor = getattr(self.params, "cursor", None)
            return self._refused(refusal_of(error, cursor if isinstance(cursor, str) else None)), False
        except Exception as error:  # noqa: BLE001  # a fault of ours answers one request, and ends nothing
            return self._refused(_fault(self.call.method, error)), False
        return Response(self.id, result, before=answer.before, after=answer.after, then=answer.then), False

    def _refused(self, found: Refusal) -> Response:
        return refused(self.id, completed(found, getattr(self.params, "thread_id", None)))


def prepare(server: Server, client: Client, request: Request) -> Prepared | Response:
    """Return what is to be run for a request, or the response where nothing is. Never raises."""
    try:
        return _prepare(server, client, request)
    except Refusal as found:
        return refused(request.id, completed(found, None))
    except Exception as error:  # noqa: BLE001  # the same
        return refused(request.id, completed(_fault(request.method, error), None))


def handle(server: Server, client: Client, request: Request) -> Response:
    """Return the response to a request. Never raises."""
    prepared = prepare(server, client, request)
    return prepared if isinstance(prepared, Response) else prepared.run()


def _prepare(server: Server, client: Client, request: Request) -> Prepared | Response:
    name = request.method
    if name == INITIALIZE:
        given = decode_params(request.params, takes.Initialize)
        result = initialize(server, client, given)
        return Response(request.id, encode_value(result))
    method = METHODS.get(name)
    if method is None:
        raise _unknown(client, name)
    params = decode_params(request.params, method.params)
    _check_initialized(client)
    _check_gates(client, name, method, params)
    return Prepared(request.id, Call(server, client, name), method, params)


def _unknown(client: Client, name: str) -> Refusal:
    if name.startswith(UNSUPPORTED):
        _check_initialized(client)
        message = f"{name[:_SHOWN]} is not supported: this server keeps threads and runs no model"
        hint = "Have a server do it that runs a model; it may use the same home."
        return refusal(NOT_SUPPORTED, message, "request.invalid", hint)
    return invalid(unknown_variant(name, [INITIALIZE, *METHODS]))


_SHOWN: Final = 80


def _check_initialized(client: Client) -> None:
    if not client.is_initialized:
        raise refusal(INVALID_REQUEST, "Not initialized", "request.invalid", "Send initialize first.")


def _check_gates(client: Client, name: str, method: Method, params: Any) -> None:
    """Refuse what only experimental clients may use; an empty text counts as absent."""
    if client.is_experimental:
        return
    if method.is_experimental:
        raise _gated(name)
    for gate in method.gates:
        if getattr(params, gate) not in (None, "", False):
            first, *others = gate.split("_")
            member = first + "".join(other.capitalize() for other in others)
            raise _gated(f"{name}.{member}")
    if isinstance(getattr(params, "approval_policy", None), GranularPolicy):
        raise _gated("askForApproval.granular")


def _gated(what: str) -> Refusal:
    hint = "Set `capabilities.experimentalApi` in initialize."
    message = f"{what} requires experimentalApi capability"
    return refusal(INVALID_REQUEST, message, "request.invalid", hint)


def preload() -> None:
    """Load what methods need before they are called: the first call would wait for it."""
    for method in METHODS.values():
        with suppress(Refusal):
            _load(method.target)
        with suppress(Refusal):
            decode_params(Raw(b"{}"), method.params)


def _load(target: str) -> Run:
    """Return a method. Raise Refusal when it comes with a package that is not installed."""
    module, _, name = target.partition(":")
    package = module.partition(".")[0]
    try:
        found: Run = getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as missing:
        if missing.name not in {package, module}:
            raise
        message = f"it comes with the package `{package}`, which is not installed"
        hint = f"Install `{package}` where the server runs."
        raise refusal(NOT_SUPPORTED, message, "request.invalid", hint) from missing
    return found


def _fault(method: str, error: Exception) -> Refusal:
    message = f"{method}: a fault of this server: {type(error).__name__}: {error}"[:500]
    hint = "Report it, with the request that led to it; other requests are served."
    return refusal(INTERNAL_ERROR, message, "internal", hint)
