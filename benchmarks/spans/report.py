"""From measurements to docs/performance.md: one table, and where each target stands."""

import os
import platform
import statistics

LABELS = {
    "loop": "the loop alone",
    "sentry": "sentry-sdk",
    "named": "sentry-sdk, pipeline's name on each span by hand",
    "ours": "**aimon_nb** with sentry-sdk, tracked",
    "local": "**aimon_nb** without a client, tracked",
    "otel": "OpenTelemetry SDK",
    "logfire": "Logfire",
    "mlflow": "MLflow (mlflow-skinny)",
}


def page(results):
    parts = [HEAD, _versions(results), _spans(results)]
    if "memory" in results:
        parts += [_targets(results), _memory(results["memory"])]
    for key, told in (("growth", _growth), ("load", _load), ("cells", _cells)):
        if key in results:
            parts.append(told(results[key]))
    return "\n\n".join(parts)


HEAD = """# What it costs

Written by `make bench`. Every contender stands in an environment of its own and all of them take turns in one
run. CPU time: of the thread that makes the spans (body; with opening and closing the root) and of all
threads, flushed. Medians of the rounds; a ratio is to bare sentry-sdk in the same round. 900 spans under a root, depth up
to 3, six attributes and a text of 200 characters on each. Sentry's transport counts and drops, exporters of OpenTelemetry and Logfire drop,
MLflow writes SQLite (150 spans, for it takes milliseconds each). In the row `calls` a third of the spans are model calls that report tokens and are priced."""


def _versions(results):
    shown = ", ".join(f"{name} {number}" for name, number in sorted(results["versions"].items()))
    absent = [LABELS[n] for n in LABELS if not any((kind, n) in r for r in results["rounds"] for kind in ("full", "empty"))]
    left_out = f" Not in this run: {', '.join(absent)}." if absent else ""
    return f"{results['date']}, Python {platform.python_version()}, {os.cpu_count()} cores, {len(results['rounds'])} rounds, load {os.getloadavg()[2]:.0f}. {shown}.{left_out}"


def _over(results, measure, of=lambda a, b: a):
    """(median, least, most) over the rounds; `of(ours, bare)`, `measure` a (kind, contender, column)."""
    kind, name, column = measure
    got = [of(r[kind, name][column], r[kind, "sentry"][column]) for r in results["rounds"] if (kind, name) in r]
    return (statistics.median(got), min(got), max(got)) if got else None


def ratio(a, b):
    return a / b


def minus(a, b):
    return a - b


def _table(columns, rows):
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" + " ---: |" * (len(columns) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def _spans(results):
    rows = []
    for kind in ("full", "empty", "calls"):
        for name in results["names"]:
            body = _over(results, (kind, name, "body"))
            if body is None:
                continue
            ratios = [_over(results, (kind, name, column), ratio) for column in ("body", "user", "all")]
            figures = [_over(results, (kind, name, column))[0] for column in ("body", "user", "all")]
            rows.append([f"{kind}: {LABELS[name]}", *(f"{f:,.1f}" for f in figures), *(f"{r[0]:.2f}" for r in ratios),
                         f"{ratios[2][1]:.2f} to {ratios[2][2]:.2f}"])  # fmt: skip
    columns = ["µs of CPU a span", "body", "with the root", "all threads", "body ÷ bare", "with the root ÷", "all threads ÷", "from round to round"]
    return "## Spans\n\n" + _table(columns, rows)


def _targets(results):
    body = _over(results, ("full", "ours", "body"), minus)[0]
    every = _over(results, ("full", "ours", "all"), ratio)[0]
    calls = _over(results, ("calls", "ours", "all"), ratio)[0]
    empty = [_over(results, ("empty", "ours", column), ratio)[0] for column in ("body", "all")]
    kept, steps = results["memory"]["full"]["kept"], results["memory"]["full"]["again"]
    rows = [
        _stands("body, over bare sentry-sdk", f"+{body:.1f} µs", "+4 µs", body <= 4),
        _stands("all threads", f"{every:.2f} × (calls: {calls:.2f} ×)", "1.12 ×", every <= 1.12),
        _stands("empty spans", f"body {empty[0]:.2f} ×, all threads {empty[1]:.2f} ×", "1.35 ×", max(empty) <= 1.35),
        _stands("memory kept a span after the cell", f"{kept:,.0f} bytes", "1,200", kept <= 1200),
        _stands("… after it ran ten times more", f"{steps:,.0f} bytes", "released", steps <= 0.05 * kept),
    ]
    if "growth" in results:
        (first, *_, last), linear = sorted(results["growth"]["ours"]), _linear(results["growth"], "ours")
        told = f"{linear:.2f} × (bare sentry-sdk {_linear(results['growth'], 'sentry'):.2f} ×; collector off {_linear(results['growth'], 'ours', 'without'):.2f} ×)"
        rows.append(_stands(f"{last:,} spans against {first:,}, all threads", told, "1.15 ×", linear <= 1.15))
    if "load" in results:
        load = statistics.median(results["load"]["ours"]) / statistics.median(results["load"]["floor"])
        rows.append(_stands("`%load_ext` in a kernel, over importing sentry_sdk and anywidget", f"{load:.2f} ×", "1.25 ×", load <= 1.25))
    return "## Targets\n\n" + _table(["", "measured", "target", ""], rows)


def _stands(what, measured, target, met):
    return [what, measured, target, "met" if met else "**missed**"]


def _linear(growth, name, column="all"):
    sizes = growth[name]
    return sizes[max(sizes)][column] / sizes[min(sizes)][column]


def _growth(growth):
    rows = [
        [LABELS[name], f"{size:,}", *(f"{got[column]:.1f}" for column in ("body", "user", "all", "collector", "without"))]
        for name, sizes in growth.items() for size, got in sizes.items()
    ]  # fmt: skip
    said = (
        "`max_spans` of sentry-sdk and of aimon_nb raised, so that all of them are kept and serialised. A full collection goes\n"
        "through all that is alive, sentry-sdk's object and our record of every span, and comes again whenever a quarter is new."
    )
    columns = ["µs of CPU a span", "spans", "body", "with the root", "all threads", "of it the collector", "all threads, collector off"]
    return f"## Growth\n\n{said}\n\n" + _table(columns, rows)


def _memory(memory):
    rows = [[kind, f"{got['kept']:,.0f}", f"{got['again']:,.0f}"] for kind, got in memory.items()]
    said = "What tracemalloc counts after the cell and a collection; some 250 bytes of it are the text of 200 characters itself."
    return f"## Memory\n\n{said}\n\n" + _table(["bytes a span", "kept after the cell", "after it ran ten times more"], rows)


def _load(load):
    rows = [[what, f"{statistics.median(got):.0f}", f"{min(got):.0f} to {max(got):.0f}"] for what, got in (("import sentry_sdk, anywidget", load["floor"]), ("%load_ext aimon_nb", load["ours"]))]
    return "## Loading, in a fresh kernel\n\n" + _table(["ms of CPU", "median", "from kernel to kernel"], rows)


def _cells(cells):
    rows = []
    for size, by in cells.items():
        bare = by["not tracked"]
        for what, (cpu, wall) in by.items():
            rows.append([f"{size:,} spans, {what}", f"{cpu:.2f}", f"{cpu / bare[0]:.2f}", f"{wall:.2f}"])
    said = "The whole kernel, from before the cell to after it, the saved form and the messages to the page included; no browser."
    return f"## A tracked cell in a kernel\n\n{said}\n\n" + _table(["", "s of CPU", "÷ not tracked", "s of wall time"], rows)
