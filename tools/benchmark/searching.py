"""The search: pages of an index over 1.2 million messages, and the index's share of the text it covers.

The index is written through the domain's own reader, without logs: what is timed is finding and ordering.
Words are drawn so that their frequencies fall as they do in prose, with a few planted at known ones.
"""

import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from sqlite3 import Connection

from benchmark.archive import small_thread
from benchmark.run import Run
from benchmark.texts import Texts
from benchmark.timed import TimedRow
from rollout.catalog.catalog import Catalog
from rollout.catalog.domains import Unit
from rollout.catalog.schema import transaction
from rollout.catalog.search import find_candidates
from rollout.catalog.search_index import SearchReader
from rollout.catalog.search_query import parse_query
from rollout.catalog.search_rows import find_hits
from rollout.catalog.search_said import Role, Said
from rollout.catalog.search_wanted import Wanted
from rollout.fs.posix import POSIX
from rollout.log.header import read_header
from rollout.log.source import open_source

_MESSAGES = 20
"""In each thread."""
_PAGE = 50
_BATCH = 500
_VOCABULARY = 40_000
_WORDS_A_MESSAGE = (8, 20, 40, 60, 120)
_PLANTED = {"quokka": 60_000, "wombat": 4_000, "lyrebird": 240, "dingo": 6}
"""One message in so many holds the word."""
_PARTS = "ka to ri men sol ver in ex pa lu st or an de qui ble ing er tion fa mo ses"
_QUERIES = {
    "rare": ("quokka", "search-rare"),
    "of 300": ("wombat", "search-rare"),
    "of 5,000": ("lyrebird", "search-common"),
    "common": ("dingo", "search-common"),
    "two words": ("dingo lyrebird", "search-common"),
    "a choice": ("dingo OR lyrebird NOT wombat", None),
    "a prefix": ("lyre*", "search-common"),
}
_THREAD = """
INSERT INTO threads(
  thread_id, file_id, path, is_archived, created_at, updated_at, recency_at, created_place, updated_place,
  recency_place, source_kind, source, model_provider, cwd, cli_version, title, first_user_message, preview,
  tokens_used, memory_mode, shown
) VALUES(?1, ?2, ?1, 0, ?2, ?2, ?2, ?2, ?2, ?2,
  'cli', 'cli', 'openai', ?3, '1', ?4, ?4, ?4, 0, 'enabled', zeroblob(900))
"""
_FILE = "INSERT INTO files VALUES(?2, ?1, 's', ?1, ?1, 0, 1, 1, 1, 1, 1, '', NULL, 0, 1, NULL, NULL)"


def search_rows(catalog: Catalog, scratch: Path, run: Run) -> Iterator[TimedRow]:
    """Yield all rows. The catalog is an empty one, and is filled."""
    threads = run.scale.messages // _MESSAGES
    built = TimedRow(f"index of {run.scale.messages:,} messages", ("search-share",))
    built.time(lambda: catalog.ask("filling", lambda connection: _fill(connection, scratch, threads)))
    covered, size = catalog.ask("weighing", _weigh)
    built.figures["search-share"] = size / covered * 100
    built.note = f"{covered / 1e6:.0f} MB of text"
    yield built
    for what, (query, budget) in _QUERIES.items():
        row = TimedRow(what, (budget,) if budget else ())
        wanted = Wanted(parse_query(query))
        ask = partial(catalog.ask, "searching", partial(_page, wanted))
        for _ in range(run.rounds * 3):
            row.note = row.time(ask)
        yield row


def _page(wanted: Wanted, connection: Connection) -> str:
    found = find_candidates(connection, wanted, _PAGE + 1)
    hits = find_hits(connection, wanted, [one.rank.thread_id for one in found.data])
    assert all(hits.values()), "every thread has a message that matches"
    return f"{found.total if found.total is not None else 'very many'} threads"


def _weigh(connection: Connection) -> tuple[int, int]:
    (covered,) = connection.execute("SELECT covered_bytes FROM search_tally").fetchone()
    (size,) = connection.execute(
        "SELECT sum(pgsize) FROM dbstat WHERE name LIKE 'search%' OR name LIKE 'sqlite_autoindex_search%'"
    ).fetchone()
    return covered, size


def _fill(connection: Connection, scratch: Path, threads: int) -> None:
    unit = _unit(scratch)
    draw = random.Random(20_261_121)  # the same words at every call
    words = _vocabulary(draw)
    weights: list[float] = []
    for place in range(_VOCABULARY):
        weights.append((weights[-1] if weights else 0.0) + 1 / (place + 3))
    for first in range(1, threads + 1, _BATCH):
        with transaction(connection):
            for number in range(first, min(first + _BATCH, threads + 1)):
                reader = SearchReader(unit, connection)
                for message in range(_MESSAGES):
                    chosen = draw.choices(words, cum_weights=weights, k=draw.choice(_WORDS_A_MESSAGE))
                    chosen += [word for word, rarity in _PLANTED.items() if draw.random() * rarity < 1]
                    role = Role.ASSISTANT if message % 2 else Role.USER
                    reader.take(1_000 + message * 3_000, Said(role, " ".join(chosen)))
                reader.store(connection, number)
                thread_id = f"019c0000-0000-7000-8000-{number:012x}"
                connection.execute(_FILE, (thread_id, number))
                connection.execute(_THREAD, (thread_id, number, f"/src/app{number % 40}", "A title"))


def _unit(scratch: Path) -> Unit:
    """Return what a reader is begun with: a thread that is there."""
    name, content = small_thread(Texts(1), 0, 1_761_955_200)
    path = scratch / Path(name).name
    path.write_bytes(content)
    with open_source(POSIX, str(path)) as source:
        header = read_header(source)
    return Unit(None, str(path), header.thread_id, header.thread_id, header, 0)


def _vocabulary(draw: random.Random) -> list[str]:
    """Return words, short ones mostly first, as in any language."""
    parts = _PARTS.split()
    words: dict[str, None] = {}
    while len(words) < _VOCABULARY:
        words["".join(draw.choices(parts, k=draw.choice((1, 2, 2, 3, 3, 4))))] = None
    return sorted(words, key=lambda word: len(word) + draw.random() * 4)
