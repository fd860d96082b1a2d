"""File URIs and relative paths, read as the reference server (0.169.0) reads them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.turns.paths import find_absolute_path, find_path_of_uri, resolve_against


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///", "/"),
        ("file:///src/app", "/src/app"),
        ("file:///src/app/", "/src/app/"),
        ("file:///src/my%20app/%C3%A9", "/src/my app/é"),
        ("file:///a b", "/a b"),
        ("file:///a%2Fb", "/a/b"),
        ("file:///a%zz", "/a%zz"),
        ("file:///%ff", "/\N{REPLACEMENT CHARACTER}"),
        ("file:///a/../b", "/b"),
        ("file:///a/%2e%2e/b", "/b"),
        ("file:///a/./b//c", "/a/b//c"),
        ("FILE://localhost/x", "/x"),
        ("file:/x", "/x"),
        ("file://host/src", "\\\\host\\src"),
        ("file:///C:/x", "C:\\x"),
        ("file:///c:", "C:\\"),
        ("/src/app", None),
        ("", None),
        ("http://x/y", None),
        ("file:///src/app?q", None),
        ("file:///src/app#f", None),
        ("file:///a%00b", None),
    ],
)
def test_uri_names_a_path(uri: str, path: str | None) -> None:
    """Escapes are decoded, dots removed; what is no file URI names no path."""
    assert find_path_of_uri(uri) == path


@pytest.mark.parametrize(
    ("cwd", "path", "resolved"),
    [
        ("/src/app", "a", "/src/app/a"),
        ("/src/app/", "a", "/src/app/a"),
        ("/src/app", "../x/./a", "/src/x/a"),
        ("/src/app", "../../../..", "/"),
        ("/src/app", "", "/src/app"),
        ("/src/app", "a/", "/src/app/a"),
        ("/src/app", "a//b", "/src/app/a/b"),
        ("/src/app", "~/a", "/src/app/~/a"),
        ("/src/app", "a b/#é?%20", "/src/app/a b/#é?%20"),
        ("/src/app", "a\\b", "/src/app/a\\b"),
        ("/src/app", "/abs/../a", "/a"),
        ("/src/app", "/a//b/", "/a/b/"),
        ("/src/app", "/", "/"),
        ("C:\\x", "a/b", "C:\\x\\a\\b"),
        ("C:\\x", "..", "C:\\"),
        ("C:\\x", "D:\\y", "D:\\y"),
        ("C:\\x", "/z", "C:\\z"),
    ],
)
def test_relative_path_is_made_absolute(cwd: str, path: str, resolved: str) -> None:
    """Dots are resolved without asking a file system; the root has no parent."""
    assert resolve_against(cwd, path) == resolved


@pytest.mark.parametrize(
    ("path", "absolute"), [("/a/../b/./c", "/b/c"), ("rel.png", None), ("", None), ("C:\\x", "C:\\x")]
)
def test_absolute_path_is_normalized(path: str, absolute: str | None) -> None:
    """A relative path has no absolute form."""
    assert find_absolute_path(path) == absolute


@settings(deadline=None)
@given(st.text(), st.text())
def test_no_text_breaks_the_readers(uri: str, path: str) -> None:
    """Whatever a record holds, reading its paths gives text or nothing."""
    found = find_path_of_uri("file:///" + uri)
    if found is not None:
        assert resolve_against(found, path)
