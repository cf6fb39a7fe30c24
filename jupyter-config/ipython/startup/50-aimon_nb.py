"""Let aimon_nb's magics load it on first use; AIMON_NB_AUTOLOAD=0 switches this off."""


def _aimon_nb():  # noqa: ANN202
    import os

    shell = get_ipython()  # noqa: F821
    if os.environ.get("AIMON_NB_AUTOLOAD") == "0":
        return
    for name in ("ai_track", "ai_auto", "ai_pipeline", "ai_usage", "ai_spans", "ai_runs",
                 "ai_show", "ai_sentry"):  # fmt: skip
        shell.magics_manager.register_lazy(name, "aimon_nb")
    steps = shell.input_transformers_cleanup

    def first_cell(lines):  # noqa: ANN001, ANN202
        # A lazy magic would miss the first cell's pre_run_cell: load before it fires.
        if lines and lines[0].split()[:1] == ["%%ai_track"]:
            before = list(steps)
            steps.remove(first_cell)
            shell.extension_manager.load_extension("aimon_nb")
            for step in [step for step in steps if step not in before]:
                lines = step(lines)
        return lines

    first_cell.has_side_effects = True  # so that check_complete leaves it alone
    steps.append(first_cell)


try:  # an error here would keep the startup files of others from running
    _aimon_nb()
except Exception:
    __import__("logging").getLogger("aimon_nb").debug("no lazy magics", exc_info=True)
del _aimon_nb
