"""A run's results as metrics: the parsers of Prometheus read them, and nothing is lost on the way."""

from collections.abc import Sequence
from dataclasses import replace

from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics_families
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from loadtests.analysis.run_differences import SavedRun
from loadtests.report.open_metrics import open_metrics, prometheus_text
from tests.made_up_runs import failing, make_run


def saved() -> SavedRun:
    manifest, outcome = make_run(["query", "get_post"], [1, 8], change=failing(0.01, "b"))
    odd = 'sync,note="a\\b"'
    cells = [replace(cell, side=odd) if cell.label == "a" else cell for cell in outcome.cells]
    return SavedRun("run", manifest, replace(outcome, cells=cells, control=outcome.comparisons[0]))


def test_open_metrics_are_read_by_the_reference_parser() -> None:
    run = saved()
    text = open_metrics(run)
    assert text.endswith("# EOF\n")
    families = {family.name: family for family in open_metrics_families(text)}
    ratios = {tuple(sorted(each.labels.items())): each.value for each in families["bench_ratio"].samples}
    assert len(ratios) == sum(c.ratio is not None for c in run.outcome.comparisons)
    first = run.outcome.comparisons[0]
    labels = {
        "run": run.manifest.name,
        "scenario": first.scenario,
        "load": "closed",
        "size": "1",
        "metric": first.metric,
    }
    assert first.ratio is not None
    assert abs(ratios[tuple(sorted(labels.items()))] - first.ratio) < 1e-8
    assert families["bench_response_seconds"].unit == "seconds"
    assert families["bench_requests"].type == "counter"
    assert families["bench_run"].type == "info"
    sides = {each.labels["side"] for each in families["bench_requests"].samples}
    assert 'sync,note="a\\b"' in sides
    chosen = [each for each in families["bench_verdict"].samples if each.value == 1]
    assert [each.labels["verdict"] for each in chosen] == [c.verdict for c in run.outcome.comparisons]


def test_the_older_text_format_holds_the_same() -> None:
    run = saved()
    older = [each for family in text_string_to_metric_families(prometheus_text(run)) for each in family.samples]
    newer = [each for family in open_metrics_families(open_metrics(run)) for each in family.samples]

    def content(samples: Sequence[Sample]) -> list[tuple[str, str, float]]:
        return sorted((s.name, str(sorted(s.labels.items())), s.value) for s in samples)

    assert content(older) == content(newer)


def test_what_was_not_measured_is_not_there() -> None:
    manifest, outcome = make_run(["query"], [1])
    nothing = [replace(c, ratio=None, interval=None) for c in outcome.comparisons]
    text = open_metrics(SavedRun("run", manifest, replace(outcome, comparisons=nothing)))
    assert "bench_ratio{" not in text
    assert "nan" not in text.lower()
    assert list(open_metrics_families(text))
