"""The rows of compressed threads: every one is measured, and the log that repeats an image is one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmark.compressing import run_compressing, write_repeating
from benchmark.data import MIXED, Data

import rollout
from tests.bench.small import small_run


def test_every_row_is_measured(tmp_path: Path) -> None:
    """Plain and sealed, packing and unpacking, and a log that repeats itself."""
    rows = run_compressing(small_run(Data(tmp_path)))
    assert all(row.samples_ms for row in rows)
    names = " ".join(row.name for row in rows)
    for part in ("plain", "sealed", "compress", "decompress", "image"):
        assert part in names


def test_a_log_that_repeats_an_image_is_a_thread(tmp_path: Path) -> None:
    """Nineteen twentieths of it are one image, in compactions that a resume stands on."""
    thread = Data(tmp_path / "data").thread(replace(MIXED, turns=20))
    path = tmp_path / "home" / thread.shape.file_name
    path.parent.mkdir(parents=True)
    size_bytes = write_repeating(path, thread.path, 5)
    assert 0.93 < 5 * 400_000 / size_bytes < 0.97
    with rollout.open_store(tmp_path / "home") as store:
        assert b"data:image/png" in store.resume(thread.thread_id).input_json()
