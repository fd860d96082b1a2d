"""Runs of the benchmark over next to nothing: whether every row is there, not what it takes."""

from __future__ import annotations

from dataclasses import replace

from benchmark.data import Data
from benchmark.run import QUICK, Run

SCALE = replace(
    QUICK,
    turns=20,
    growth_turns=(20, 30),
    recorded_turns=(3,),
    crowd=5,
    growth_threads=(1, 5),
    files=5,
    threads=10,
    messages=6000,
    forks=3,
    rounds=1,
)


def small_run(data: Data, *, only: str = "") -> Run:
    """Return a run of one round over very small data, without the reference client."""
    return Run(data, SCALE, 1, lambda _: None, only)
