"""The figures of `docs/bench` as SVG: the same bytes for the same run, readable on light and dark pages."""

import re
from pathlib import Path
from typing import Any

import matplotlib as mpl  # type: ignore[import-not-found]
from matplotlib.figure import Figure as Canvas  # type: ignore[import-not-found]
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter  # type: ignore[import-not-found]

from benchmark.curves import Curve, Figure, Panel, figures
from benchmark.growth import NAIVE, OURS, SQLITE

_COLUMNS = 3
_PANEL_INCHES = (3.5, 2.6)
_MARK_INCHES = 0.21
_TOP_INCHES, _BOTTOM_INCHES = 0.75, 0.45
_INK, _GRID, _PAPER = "#1f2329", "#d4d9df", "#fffffe"
_LIMIT = "#cf222f"
_COLOURS = {OURS: "#0969db", SQLITE: "#bc4c01", NAIVE: "#6e7782"}
_DARK = {
    _INK: "#e6edf3",
    _GRID: "#3d444d",
    _PAPER: "#0d1117",
    _LIMIT: "#ff7b72",
    "#0969db": "#58a6ff",
    "#bc4c01": "#ffa657",
    "#6e7782": "#9da7b1",
}
_SETTINGS = {
    "svg.hashsalt": "rollout",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.facecolor": _PAPER,
    "figure.facecolor": _PAPER,
    "savefig.facecolor": _PAPER,
    "grid.color": _GRID,
}


def draw(run: dict[str, Any], folder: Path) -> list[Path]:
    """Draw the figures of a run; return their files."""
    drawn = []
    folder.mkdir(parents=True, exist_ok=True)
    for figure in figures(run):
        path = folder / f"{figure.name}.svg"
        with mpl.rc_context(_SETTINGS):
            canvas = _marked(figure) if figure.marks else _canvas(figure)
            canvas.savefig(
                path, format="svg", metadata={"Date": None, "Creator": None, "Title": figure.title}
            )
        path.write_text(_finished(path.read_text(encoding="utf-8"), figure), encoding="utf-8")
        drawn.append(path)
    return drawn


def _canvas(figure: Figure) -> Canvas:
    columns = min(_COLUMNS, 2 if len(figure.panels) == 4 else _COLUMNS)
    rows = -(-len(figure.panels) // columns)
    width, height = columns * _PANEL_INCHES[0], rows * _PANEL_INCHES[1] + _TOP_INCHES + _BOTTOM_INCHES
    canvas = Canvas(figsize=(width, height))
    grid = canvas.subplots(rows, columns, squeeze=False, sharex=True)
    for place, panel in enumerate(figure.panels):
        _draw_panel(grid[place // columns][place % columns], panel)
    low, high = _BOTTOM_INCHES / height, 1 - _TOP_INCHES / height
    canvas.subplots_adjust(0.62 / width, low + 0.02, 1 - 0.34 / width, high, wspace=0.24, hspace=0.3)
    canvas.text(0.62 / width, 1 - 0.25 / height, figure.title, fontsize=12, weight="bold", va="center")
    canvas.supxlabel(figure.along, fontsize=9, y=0.1 / height)
    handles: dict[str, Any] = {}
    for axes in canvas.axes:
        handles |= {label: handle for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    canvas.legend(
        handles.values(),
        handles.keys(),
        loc="upper right",
        bbox_to_anchor=(1 - 0.26 / width, 1 - 0.05 / height),
        ncols=len(handles),
        frameon=False,
    )
    return canvas


def _marked(figure: Figure) -> Canvas:
    """Draw one line a budget, and how far it reaches."""
    height = len(figure.marks) * _MARK_INCHES + 1.2
    width = _COLUMNS * _PANEL_INCHES[0]
    canvas = Canvas(figsize=(width, height))
    axes = canvas.subplots()
    places = range(len(figure.marks))
    shares = [mark.share for mark in figure.marks]
    colours = [_COLOURS[OURS] if share <= 1 else _LIMIT for share in shares]
    axes.set_xscale("log")
    axes.hlines(places, min(*shares, 1) / 2, shares, colors=_GRID, linewidth=1)
    axes.scatter(shares, places, color=colours, s=26, zorder=3)
    axes.axvline(1, color=_INK, linewidth=1.1)
    axes.set_yticks(places, [mark.what for mark in figure.marks])
    axes.set_ylim(len(figure.marks) - 0.4, -0.6)
    axes.set_xlim(min(*shares, 1) / 2, max(*shares, 1) * 2)
    axes.xaxis.set_major_formatter(FuncFormatter(_shown))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(which="major", axis="x", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(which="both", length=2.5, labelsize=8.5)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(figure.along)
    canvas.subplots_adjust(0.5, 0.65 / height, 1 - 0.2 / width, 1 - 0.5 / height)
    canvas.text(0.2 / width, 1 - 0.25 / height, figure.title, fontsize=12, weight="bold", va="center")
    return canvas


def _draw_panel(axes: Any, panel: Panel) -> None:
    axes.set_title(f"{panel.title}, {panel.unit}", fontsize=9.5, loc="left")
    axes.set_xscale("log")
    axes.set_yscale("log")
    for curve in panel.curves:
        _draw_curve(axes, curve)
    if panel.limit is not None and panel.limit_at is None:
        axes.axhline(panel.limit, color=_LIMIT, linestyle=(0, (4, 3)), linewidth=1.1, label="budget")
    elif panel.limit is not None:
        axes.plot(
            [panel.limit_at],
            [panel.limit],
            marker="_",
            markersize=14,
            color=_LIMIT,
            linestyle="",
            label="budget",
        )
    _set_bounds(axes, panel)
    axes.grid(which="major", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(base=10))
        axis.set_major_formatter(FuncFormatter(_shown))
        axis.set_minor_formatter(NullFormatter())
    axes.tick_params(which="both", length=2.5, labelsize=8.5)
    axes.tick_params(labelbottom=True)


def _draw_curve(axes: Any, curve: Curve) -> None:
    at = [point.at for point in curve.points]
    colour = _COLOURS[curve.subject]
    axes.fill_between(
        at,
        [point.low for point in curve.points],
        [point.high for point in curve.points],
        color=colour,
        alpha=0.22,
        linewidth=0,
    )
    axes.plot(
        at,
        [point.median for point in curve.points],
        color=colour,
        linewidth=1.8,
        marker="o",
        markersize=3.6,
        label=curve.subject,
        zorder=3 if curve.subject == OURS else 2,
    )


def _set_bounds(axes: Any, panel: Panel) -> None:
    """Give every panel at least two decades, so that what is flat looks flat."""
    values = [value for curve in panel.curves for point in curve.points for value in (point.low, point.high)]
    values += [panel.limit] if panel.limit is not None else []
    if not values:
        return
    low, high = min(values) / 1.6, max(values) * 1.6
    missing = (100 / (high / low)) ** 0.5
    axes.set_ylim(low / max(1, missing), high * max(1, missing))


def _shown(value: float, _: int) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def _finished(svg: str, figure: Figure) -> str:
    """Return the drawing with its other colours for dark pages, and what it depends on."""
    rules = "".join(
        f'[style*="{what}: {light}"]{{{what}:{dark}!important}}'
        for light, dark in _DARK.items()
        for what in ("fill", "stroke")
    )
    style = f"<style>@media (prefers-color-scheme: dark){{{rules}}}</style>"
    svg = re.sub(r"<defs>", f"<!-- {figure.name} {figure.digest} -->\n <defs>{style}", svg, count=1)
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"
