"""Runs of a hundred thousand spans."""

import pytest


@pytest.mark.timeout(600)
def test_a_hundred_thousand_spans(kernel, receiver):
    """The cell ends, its tree stands once and is small, and it says what is folded and what Sentry will not get.

    In soak for it takes a minute.
    """
    kernel.run(
        [
            "%load_ext aimon_nb\nimport sentry_sdk\nfrom aimon_nb import last_run",
            f"sentry_sdk.init({receiver.dsn!r}, traces_sample_rate=1.0, default_integrations=False)",
        ]
    )
    cell = kernel.cell(
        "%%ai_track many\nfor i in range(100_000):\n    with sentry_sdk.start_span(op='step', name=f's{i}'): pass\n'done'", timeout=400
    )
    assert cell.status == "ok" and "'done'" in cell.data()
    [tree] = [o for o in cell.outputs if o.output_type == "display_data"]
    assert len(str(tree)) < 200_000
    assert "80,001 more spans are folded" in tree.data["text/plain"]
    # 100,000 and the root, of which a transaction carries the root and 1,000
    assert "99,000 spans not sent to Sentry" in tree.data["text/plain"]
    assert kernel.value("last_run()._run.faults") == 0
    assert kernel.cell("%%ai_track next\n1").status == "ok"
