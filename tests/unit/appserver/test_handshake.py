"""The handshake, and what every request goes through before its method sees it."""

from __future__ import annotations

import json
import sys

import pytest

from rollout.appserver.dispatch import METHODS, _load, handle, preload
from rollout.appserver.protocol import parse_message
from rollout.appserver.server import Server, ServerSettings
from rollout.appserver.warming import warm_up
from rollout.store.store import Store
from tests.builders import thread, uuid
from tests.served import RefusedError, serve

INFO = {"name": "tests", "version": "1"}


def test_nothing_is_served_before_the_handshake() -> None:
    """A client says first who it is."""
    served = serve()
    stranger = served.server.connect()
    with pytest.raises(RefusedError, match=r"^-32600 Not initialized$"):
        served.ask("thread/list", client=stranger)


def test_malformed_requests_are_told_so_even_before_it() -> None:
    """Params are read first: the more useful word wins."""
    served = serve()
    with pytest.raises(RefusedError, match="missing field `threadId`"):
        served.ask("thread/read", client=served.server.connect())


def test_there_is_one_handshake() -> None:
    """What a client takes is settled once."""
    with pytest.raises(RefusedError, match=r"^-32600 Already initialized$"):
        serve().ask("initialize", clientInfo=INFO)


def test_the_handshake_names_the_home() -> None:
    """A client learns whose threads it is shown."""
    served = serve()
    found = served.ask("initialize", client=served.server.connect(), clientInfo=INFO)
    assert found["codexHome"] == served.store.home
    assert found["userAgent"].startswith("tests/")
    assert {"platformFamily", "platformOs"} < found.keys()


@pytest.mark.parametrize("name", ["a\nb", "\x00"])
def test_a_name_that_no_header_can_hold_is_refused(name: str) -> None:
    """Names end up in headers of those who log them."""
    served = serve()
    with pytest.raises(RefusedError, match="Must be a valid HTTP header value"):
        served.ask("initialize", client=served.server.connect(), clientInfo={"name": name, "version": "1"})


def test_unknown_methods_are_answered_with_those_there_are() -> None:
    """In the words that a client knows."""
    with pytest.raises(
        RefusedError, match=r"^-32600 Invalid request: unknown variant `thread/lost`, expected"
    ):
        serve().ask("thread/lost")


@pytest.mark.parametrize("method", ["turn/start", "turn/interrupt", "review/start", "thread/compact/start"])
def test_what_needs_a_model_is_unsupported(method: str) -> None:
    """Such a client is served by another server, and learns so at once."""
    with pytest.raises(RefusedError, match=rf"^-32601 {method} is not supported: this server keeps threads"):
        serve().ask(method, threadId=uuid(1))


def test_every_method_can_be_loaded_before_it_is_called() -> None:
    """A name in the table is that of a function."""
    preload()
    assert all(callable(_load(method.target)) for method in METHODS.values())


@pytest.mark.parametrize("mode", ["paginated", "legacy"])
def test_warming_up_changes_no_byte(mode: str) -> None:
    """It reads what clients will, damaged homes and empty ones included."""
    for served in (serve(thread(mode=mode).turn("hi")), serve(), serve(thread(mode=mode).raw(b"junk\n"))):
        before = served.fs.files()
        warm_up(served.server)
        assert served.fs.files() == before


def test_without_a_package_its_methods_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """And all others work: `rollout` does not need `fork`."""
    monkeypatch.setitem(sys.modules, "fork", None)
    monkeypatch.delitem(sys.modules, "fork.server", raising=False)
    served = serve(thread().turn("hi"))
    with pytest.raises(RefusedError, match=r"^-32601 it comes with the package `fork`"):
        served.ask("thread/fork", threadId=uuid(1))
    assert served.ask("thread/read", threadId=uuid(1))


@pytest.mark.parametrize("method", sorted(METHODS))
def test_params_are_an_object(method: str) -> None:
    """Even where all members are optional, there is one."""
    served = serve()
    for params in (None, [], "x"):
        response = served.respond(method, params)
        assert response.error is not None
        assert response.error.code == -32600
        assert response.error.message.startswith("Invalid request: ")


@pytest.mark.parametrize("method", sorted(name for name, one in METHODS.items() if one.is_experimental))
def test_experimental_methods_are_opened_by_a_capability(method: str) -> None:
    """A client that did not ask for them is protected from their changing."""
    served = serve()
    plain = served.server.connect()
    served.shake_hands(plain, is_experimental=False)
    params = {"threadId": uuid(1), "searchTerm": "x", "turnId": "t", "itemIds": ["i"], "mode": "enabled"}
    with pytest.raises(RefusedError, match=rf"^-32600 {method} requires experimentalApi capability$"):
        served.ask(method, client=plain, **params)


def test_experimental_members_are_named_when_they_are_refused() -> None:
    """An empty text is as good as none."""
    served = serve(thread().turn("hi"))
    plain = served.server.connect()
    served.shake_hands(plain, is_experimental=False)
    assert len(served.ask("thread/list", client=plain, parentThreadId="")["data"]) == 1
    with pytest.raises(
        RefusedError, match=r"thread/list\.parentThreadId requires experimentalApi capability"
    ):
        served.ask("thread/list", client=plain, parentThreadId=uuid(1))


def test_members_that_are_not_known_are_ignored() -> None:
    """A newer client says more than we understand."""
    assert serve().ask("thread/loaded/list", invented={"deep": [1]}) == {"data": [], "nextCursor": None}


@pytest.mark.parametrize(
    ("method", "params", "detail"),
    [
        ("thread/read", {"threadId": 5}, "invalid type: integer `5`, expected a string"),
        ("thread/read", {"threadId": "x", "includeTurns": None}, "invalid type: null, expected a boolean"),
        ("thread/list", {"limit": -1}, "invalid value: integer `-1`, expected u32"),
        ("thread/list", {"limit": 2**32}, f"invalid value: integer `{2**32}`, expected u32"),
        ("thread/list", {"limit": 1.5}, "invalid type: floating point `1.5`, expected u32"),
        ("thread/list", {"limit": True}, "invalid type: boolean `true`, expected u32"),
        ("thread/list", {"sortKey": "name"}, "unknown variant `name`, expected one of `created_at`"),
        ("thread/list", {"sourceKinds": ["web"]}, "unknown variant `web`, expected one of `cli`"),
        ("thread/list", {"modelProviders": [{}]}, "invalid type: map, expected a string"),
        ("initialize", {}, "missing field `clientInfo`"),
        ("initialize", {"clientInfo": {"name": "x"}}, "missing field `version`"),
    ],
)
def test_what_is_wrong_with_params_is_said_in_known_words(
    method: str, params: dict[str, object], detail: str
) -> None:
    """Clients match on them."""
    served = serve()
    response = served.respond(method, params, served.server.connect())
    assert response.error is not None
    assert response.error.message.startswith(f"Invalid request: {detail}")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "nope",
            (
                "invalid character: expected an optional prefix of `urn:uuid:` followed by [0-9a-fA-F-], "
                "found `n` at 1"
            ),
        ),
        ("", "invalid length: expected length 32 for simple format, found 0"),
        ("0-0", "invalid group count: expected 5, found 2"),
    ],
)
def test_what_is_wrong_with_an_id_is_said(text: str, fault: str) -> None:
    """An id is a UUID in any of its forms."""
    with pytest.raises(RefusedError) as refused:
        serve().ask("thread/read", threadId=text)
    assert refused.value.message == f"invalid thread id: {fault}"


def test_an_id_is_taken_in_any_form() -> None:
    """Upper case, without dashes, in braces, as a URN."""
    served = serve(thread().turn("hi"))
    bare = uuid(1).replace("-", "")
    for form in (uuid(1).upper(), bare, f"{{{uuid(1)}}}", f"urn:uuid:{uuid(1)}"):
        assert served.ask("thread/read", threadId=form)["thread"]["id"] == uuid(1)


def test_a_client_is_greeted_before_the_home_is_opened() -> None:
    """Whoever starts a server waits for its first answer."""
    opened: list[str] = []

    def open_home() -> Store:
        opened.append("home")
        return serve(thread().turn("hi")).store

    server = Server(open_home, lambda _: ServerSettings("/src"), lambda: 0, "/home")
    client = server.connect()
    line = json.dumps({"id": 1, "method": "initialize", "params": {"clientInfo": INFO}}).encode()
    greeting = handle(server, client, parse_message(line))  # type: ignore[arg-type]  # a request it is
    assert greeting.error is None
    assert opened == []
    line = json.dumps({"id": 2, "method": "thread/list", "params": {}}).encode()
    for _ in range(2):
        assert handle(server, client, parse_message(line)).error is None  # type: ignore[arg-type]  # the same
    assert opened == ["home"]
    server.close()
