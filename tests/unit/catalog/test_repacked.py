"""A rollout that was compressed or made plain is one the catalog knows: watermarks count decoded bytes."""

from __future__ import annotations

from pathlib import Path
from random import Random

import zstandard

from rollout.catalog.catalog import Catalog
from rollout.ids import ThreadId
from rollout.store.compressing import apply_compressing, decompress, plan_compressing
from tests.builders import Rollout, thread
from tests.catalog_home import DiskHome, column, rows_of


def long_thread() -> Rollout:
    """Return a thread of some megabytes that hardly compress."""
    noise = Random(1)
    rollout = thread(1)
    for number in range(200):
        rollout.turn(f"question {number}", noise.randbytes(5000).hex())
    return rollout


def seal(disk: DiskHome) -> None:
    """Compress everything in the home."""
    around = disk.store().surroundings()
    list(apply_compressing(around, plan_compressing(around, older_than_ms=0, min_size_bytes=0)))


def thaw(disk: DiskHome, rollout: Rollout) -> None:
    """Make a thread plain."""
    decompress(disk.store().surroundings(), ThreadId(rollout.thread_id))


def assert_as_rebuilt(disk: DiskHome, catalog: Catalog, folder: Path) -> None:
    """The rows are those that a catalog has which has never seen the home before."""
    fresh = disk.catalog(state=folder / "elsewhere")
    fresh.refresh()
    assert rows_of(catalog) == rows_of(fresh)


def test_a_file_that_was_sealed_is_not_read_again(disk: DiskHome, tmp_path: Path) -> None:
    """But for its header, its last lines and the table of its frames."""
    disk.put(long_thread())
    catalog = disk.catalog()
    catalog.refresh()
    watermark = column(catalog, "SELECT watermark FROM files")
    seal(disk)
    refreshed = catalog.refresh()
    assert (refreshed.moved, refreshed.absorbed, refreshed.vanished) == (1, 1, 0)
    assert refreshed.bytes_read < 600_000
    assert column(catalog, "SELECT watermark FROM files") == watermark
    assert column(catalog, "SELECT path LIKE '%.jsonl.zst' FROM files") == [1]
    assert_as_rebuilt(disk, catalog, tmp_path)
    assert catalog.refresh().bytes_read == 0


def test_a_file_that_was_made_plain_is_not_read_again(disk: DiskHome, tmp_path: Path) -> None:
    """What was appended since is."""
    rollout = long_thread()
    disk.put(rollout)
    catalog = disk.catalog()
    catalog.refresh()
    seal(disk)
    catalog.refresh()
    thaw(disk, rollout)
    disk.put(rollout.turn("and now?", model="model-two"))
    refreshed = catalog.refresh()
    assert refreshed.bytes_read < 600_000
    assert column(catalog, "SELECT model FROM threads") == ["model-two"]
    assert_as_rebuilt(disk, catalog, tmp_path)


def test_a_file_with_other_bytes_is_read_anew(disk: DiskHome, tmp_path: Path) -> None:
    """Whatever its name says."""
    path = disk.put(thread(1).turn("Hey", "first"))
    catalog = disk.catalog()
    catalog.refresh()
    path.unlink()
    other = thread(1).turn("Ho", "something else")
    packed = zstandard.ZstdCompressor().compress(other.content)
    disk.write(path.with_name(f"{path.name}.zst"), packed)
    catalog.refresh()
    assert_as_rebuilt(disk, catalog, tmp_path)
    assert column(catalog, "SELECT first_user_message FROM threads") == ["Ho"]


def test_a_file_that_a_foreign_tool_compressed_is_known(disk: DiskHome, tmp_path: Path) -> None:
    """It has no table, and is unpacked to its end."""
    rollout = long_thread()
    path = disk.put(rollout)
    catalog = disk.catalog()
    catalog.refresh()
    path.unlink()
    disk.write(path.with_name(f"{path.name}.zst"), zstandard.ZstdCompressor().compress(rollout.content))
    refreshed = catalog.refresh()
    assert (refreshed.moved, refreshed.absorbed) == (1, 1)
    assert_as_rebuilt(disk, catalog, tmp_path)
