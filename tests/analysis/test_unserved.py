"""Which sides a run has nothing of: those that gave no answer, whatever its status."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from loadtests.analysis.trial_summary import Summary
from loadtests.analysis.unserved import unserved
from loadtests.experiment.sides import SideLabel
from loadtests.records.manifest import Manifest
from loadtests.records.samples import Failure
from loadtests.records.trial_file import TrialKey
from tests.made_up_runs import make_run

WELL = Summary(100.0, 50, {}, [], None, None, None, 0.0, None, answers=60)  # type: ignore[arg-type]
ERRS = replace(WELL, throughput_rps=0.0, collapsed="not one good answer (50 × 401 Unauthorized)")
HANGS = replace(WELL, throughput_rps=0.0, collapsed="nothing was answered for 5 s", answers=0)
STALLS = replace(HANGS, answers=7)
GONE = replace(HANGS, collapsed="not one good answer (9 × connection refused)", failures={Failure.CONNECT: 9})
REFUSED = f"no longer answered at the end: {GONE.collapsed}"


def run_of(b: Sequence[Sequence[Summary]], side: str = "new:app", *, complete: bool = True) -> dict[SideLabel, str]:
    """Return what is said of a run whose side a is well, by side b's trials of each block."""
    manifest, _ = make_run(["GET /x", "GET /y"], [1], b=side, blocks=len(b), complete=complete)
    url = {"url": side} if "://" in side else {}
    manifest = manifest.model_copy(update={"b": manifest.b.model_copy(update={"settings": url})})
    return unserved(manifest, trials(manifest, b))


def trials(manifest: Manifest, b: Sequence[Sequence[Summary]]) -> dict[TrialKey, Summary]:
    found = {}
    for number, (block, of_b) in enumerate(zip(manifest.blocks, b, strict=True)):
        for pairing, summary in zip(block, of_b, strict=False):
            found[TrialKey(number, pairing.scenario, pairing.load.slug, "a")] = WELL
            found[TrialKey(number, pairing.scenario, pairing.load.slug, "b")] = summary
    return found


@pytest.mark.parametrize("b", [[[WELL, WELL]], [[ERRS, ERRS]], [[STALLS, STALLS]], [[WELL, HANGS]], [[HANGS], [WELL]]])
def test_a_side_that_answered_was_measured_however_it_did(b: list[list[Summary]]) -> None:
    assert run_of(b) == {}


def test_a_side_without_any_answer_is_named_with_the_reason() -> None:
    assert run_of([[HANGS, HANGS], [HANGS, HANGS]]) == {"b": "gave no answer: nothing was answered for 5 s"}


def test_a_side_without_any_answer_in_the_last_block_did_not_last() -> None:
    said = {"b": "no longer answered in the last block: nothing was answered for 5 s"}
    assert run_of([[WELL, WELL], [HANGS, HANGS]]) == said
    assert run_of([[WELL, WELL], [HANGS]], complete=False) == {}  # the block was broken off


def test_a_server_that_takes_no_connection_in_the_end_is_gone_where_nobody_starts_it_again() -> None:
    assert run_of([[WELL, GONE]], "http://127.0.0.1:8000") == {"b": REFUSED}
    assert run_of([[WELL, HANGS]], "http://127.0.0.1:8000") == {}
    assert run_of([[WELL, GONE]]) == {}


def test_of_a_run_of_which_nothing_was_measured_nothing_is_said() -> None:
    assert run_of([[]]) == {}
