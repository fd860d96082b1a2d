"""The real reference client and this library, side by side."""

import pytest

pytest.register_assert_rewrite("tests.interop.live")
