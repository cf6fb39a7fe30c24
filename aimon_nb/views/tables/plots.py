"""Pictures of a run: cost and tokens by model, and where the time went.

matplotlib is not a dependency; it is imported when a picture is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aimon_nb.model import Run, Span
from aimon_nb.pricing.counted import add_up, counted_spans
from aimon_nb.views.present import formatting, run_sums
from aimon_nb.views.present.row_names import label, name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Bars of a picture, at most.
_SHOWN = 40
# The live tree's in its light theme: a figure is white in every theme.
_COLOURS = {
    "model": "#5b5bd6",
    "embedding": "#5b5bd6",
    "agent": "#9a6700",
    "tool": "#0e7c66",
    "retrieval": "#0969a8",
    "other": "#7d8590",
}
_IN, _OUT, _FAILED = "#b9b9ef", "#5b5bd6", "#c1272d"
# Numbers on an axis, at most: five of the longest stand beside each other in half a picture.
_TICKS = 4


def plot(run: Run) -> Figure:
    """Draw cost by model, tokens by model, and the waterfall of a run.

    Raises:
        ImportError: matplotlib is not installed.
    """
    try:
        from matplotlib import pyplot as plt
    except ImportError:
        raise ImportError("plots need matplotlib: pip install matplotlib") from None
    models = _by_model(run)
    drawn = [span for _, span in run.walk() if span.duration is not None]
    rows = max(len(models), 1)
    heights = [1 + 0.35 * rows, 1 + 0.22 * max(min(len(drawn), _SHOWN), 1)]
    figure = plt.figure(figsize=(10, sum(heights) + 0.5), layout="constrained")
    # A notebook would show an open figure a second time.
    plt.close(figure)
    grid = figure.add_gridspec(2, 2, height_ratios=heights)
    _costs(figure.add_subplot(grid[0, 0]), models)
    _tokens(figure.add_subplot(grid[0, 1]), models)
    _waterfall(figure.add_subplot(grid[1, :]), drawn, run)
    parts = (formatting.line(run.name, 60), str(run_sums.total_cost(run.totals)))
    figure.suptitle(_escaped(" · ".join(part for part in parts if part)), fontsize=11)
    return figure


def _by_model(run: Run) -> dict[str, list[Span]]:
    models: dict[str, list[Span]] = {}
    for span in counted_spans(run).counted:
        models.setdefault(formatting.line(span.model or "no model", 40), []).append(span)
    names = list(models)
    rest = names[_SHOWN:]
    shown = {name: models[name] for name in names[:_SHOWN]}
    if rest:
        # A picture of thousands could not be drawn.
        shown[f"{len(rest):,} more models"] = [span for name in rest for span in models[name]]
    return shown


def _costs(axes: Any, models: dict[str, list[Span]]) -> None:
    """Draw a bar a model; where nothing is known stands a word, not a bar of zero."""
    totals = [add_up(spans) for spans in models.values()]
    axes.barh(range(len(models)), [float(t.cost or 0) for t in totals], color=_OUT)
    for at, total in enumerate(totals):
        text = _escaped(f" {run_sums.total_cost(total)}")
        axes.text(float(total.cost or 0), at, text, va="center", fontsize=8)
    _set_labels(axes, list(models), "cost, USD (estimated locally)")
    axes.margins(x=0.35)
    axes.xaxis.set_major_formatter(lambda amount, _: _escaped(f"${amount:,.6g}"))
    if not any(total.cost for total in totals):
        axes.set_xlim(0, 1)
        axes.set_xticks([])


def _tokens(axes: Any, models: dict[str, list[Span]]) -> None:
    sums = [add_up(spans).usage for spans in models.values()]
    positions = range(len(models))
    into, out = [s.input or 0 for s in sums], [s.output or 0 for s in sums]
    axes.barh(positions, into, color=_IN, label="input")
    axes.barh(positions, out, left=into, color=_OUT, label="output")
    _set_labels(axes, list(models), "tokens")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    if models:
        axes.legend(fontsize=8, frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1, 1))


def _waterfall(axes: Any, spans: list[Span], run: Run) -> None:
    shown = spans[:_SHOWN]
    for at, span in enumerate(shown):
        colour = _FAILED if span.status in formatting.FAILED else _COLOURS[span.kind]
        axes.barh(at, max(span.duration or 0, 0.001), left=span.offset, color=colour)
    _set_labels(axes, [_bar_name(span, run) for span in shown], "seconds")
    axes.set_xlim(left=0)
    if len(spans) > _SHOWN:
        axes.set_title(f"the first {_SHOWN} of {len(spans):,} spans", fontsize=9)


def _bar_name(span: Span, run: Run) -> str:
    """Return the name of its row, of a call with the words beside it: many are called alike."""
    own = name(span, run=run)
    words = label(span, run=run) if span.is_call else ""
    return formatting.line(f"{own} {words}", 60)


def _set_labels(axes: Any, names: list[str], unit: str) -> None:
    axes.set_yticks(range(len(names)), [_escaped(name) for name in names], fontsize=8)
    axes.set_xlabel(unit, fontsize=8)
    axes.tick_params(axis="x", labelsize=8)
    axes.locator_params(axis="x", nbins=_TICKS)
    # The first on top; a single bar no thicker than one of two.
    axes.set_ylim(max(len(names), 2) - 0.4, -0.6)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _escaped(text: str) -> str:
    """Return the text with its dollar signs escaped: one would start a formula."""
    return text.replace("$", r"\$")
