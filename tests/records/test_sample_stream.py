import errno
import math
import resource
from pathlib import Path

import numpy as np
import pytest

from loadtests.records.sample_stream import UNKNOWN, End, Frame, Reading, StreamWriter, read_about, read_stream
from loadtests.records.samples import BodyBytes, Failure, Recorder, Samples
from loadtests.records.second_counts import (
    BUCKETS,
    NEVER,
    RELATIVE_ERROR,
    Counts,
    Kind,
    buckets_of,
    count,
    percentile_of,
    time_of,
)
from loadtests.records.trial_file import TICKS_PER_S, pack, unpack

ABOUT = {"run": "2026", "block": 0, "label": "a"}
END = End(reached_s=3.0, stalled=None, stopped=None, abandoned=0, raw_until_s=None)


def samples(begin_s: float, number: int, seed: int = 0) -> Samples:
    """Requests that are due evenly in a second, every tenth of which is refused and every twentieth cut off."""
    rng = np.random.default_rng(seed)
    due = begin_s + np.arange(number) / number
    sent = due + rng.exponential(1e-4, number)
    first = sent + rng.exponential(0.02, number)
    failure = np.zeros(number, np.uint8)
    failure[::10], failure[::20] = Failure.STATUS, Failure.CUT_OFF
    cut = failure == Failure.CUT_OFF
    first[cut] = np.nan
    ended = np.where(cut, np.nan, first + 1e-4)
    status = np.where(cut, 0, np.where(failure == Failure.STATUS, 503, 200)).astype(np.uint16)
    # On ticks, as they are read back: a time at the edge of a bucket must not change sides.
    return unpack(pack(Samples(due, sent, first, ended, status, failure, np.zeros(number, np.uint16))))


def reading(time_s: float, ended: int = 0) -> Reading:
    return Reading(time_s, ended + 3, ended, 3, 0.5 * time_s, 50_000_000, math.nan, UNKNOWN)


def written(path: Path, raw_bytes: int, seconds: int = 3, number: int = 500, *, ends: bool = True) -> Path:
    with StreamWriter(path, ABOUT, raw_bytes) as writer:
        for second in range(seconds):
            writer.write(samples(second, number, second), reading(second + 1.0, number))
        if ends:
            writer.end(END)
    return path


def of(path: Path, kind: type[Frame]) -> list[Frame]:
    return [frame for frame in read_stream(path) if isinstance(frame, kind)]


def histogram(counts: list[Counts], kind: Kind) -> np.ndarray:
    found = np.zeros(BUCKETS, np.int64)
    for each in counts:
        rows = each.rows[each.rows["kind"] == kind]
        np.add.at(found, rows["bucket"], rows["count"])
    return found


def test_samples_come_back_to_half_a_tick_late_in_a_long_trial_too(tmp_path: Path) -> None:
    path, late = tmp_path / "a.stream", samples(86_000.0, 400)
    with StreamWriter(path, ABOUT, 10**9) as writer:
        writer.write(late, reading(86_001.0))
    [found] = of(path, Samples)
    assert isinstance(found, Samples)
    for name in ("scheduled_s", "sent_s", "first_byte_s", "ended_s"):
        np.testing.assert_allclose(getattr(found, name), getattr(late, name), rtol=0, atol=0.51 / TICKS_PER_S)
    for name in ("status", "failure", "request"):
        np.testing.assert_array_equal(getattr(found, name), getattr(late, name))
    assert read_about(path) == ABOUT


def test_a_sample_takes_few_bytes(tmp_path: Path) -> None:
    small, large = (written(tmp_path / f"{n}.stream", 10**9, seconds=n).stat().st_size for n in (2, 12))
    assert (large - small) / (10 * 500) < 12


def test_readings_and_the_end_come_back(tmp_path: Path) -> None:
    path = written(tmp_path / "a.stream", 10**9)
    seen = of(path, Reading)
    assert [each.time_s for each in seen if isinstance(each, Reading)] == [1.0, 2.0, 3.0]
    assert isinstance(seen[0], Reading)
    assert math.isnan(seen[0].server_cpu_s)
    assert of(path, End) == [END]


@pytest.mark.parametrize("cut", [1, 7, 300, 2000])
def test_what_was_written_before_a_kill_can_be_read(tmp_path: Path, cut: int) -> None:
    path = written(tmp_path / "a.stream", 10**9, seconds=5, ends=False)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    read = sum(len(frame) for frame in read_stream(path) if isinstance(frame, Samples))
    assert 4 * 500 <= read <= 5 * 500
    assert not of(path, End)


def test_reading_stops_where_a_frame_is_damaged(tmp_path: Path) -> None:
    path = written(tmp_path / "a.stream", 10**9, seconds=5)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    read = sum(len(frame) for frame in read_stream(path) if isinstance(frame, Samples))
    assert 500 <= read < 5 * 500


def test_what_is_written_after_the_disk_was_full_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.stream"
    before, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with StreamWriter(path, ABOUT, 10**9) as writer:
        writer.write(samples(0.0, 500), reading(1.0))
        whole = path.stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (whole + 100, hard))  # so much of the next frame is written
        try:
            with pytest.raises(OSError) as full:  # noqa: PT011 - its number is looked at
                writer.write(samples(1.0, 500), reading(2.0))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (before, hard))
        assert full.value.errno == errno.EFBIG
        assert path.stat().st_size == whole
        writer.write(samples(2.0, 500), reading(3.0))
        writer.end(END)
    assert [each.time_s for each in of(path, Reading) if isinstance(each, Reading)] == [1.0, 3.0]
    assert of(path, End) == [END]


def test_another_file_is_no_stream(tmp_path: Path) -> None:
    path = tmp_path / "a.stream"
    path.write_bytes(b"something else")
    with pytest.raises(ValueError, match="no stream"):
        read_about(path)


def test_beyond_its_limit_a_file_grows_slowly_and_still_counts_everything(tmp_path: Path) -> None:
    raw, small = written(tmp_path / "raw.stream", 10**9, 20), written(tmp_path / "small.stream", 10_000, 20)
    assert small.stat().st_size < 0.5 * raw.stat().st_size
    kept = [count(frame) for frame in read_stream(small) if isinstance(frame, Samples)]
    counted = [frame for frame in read_stream(small) if isinstance(frame, Counts)]
    everything = [count(frame) for frame in read_stream(raw) if isinstance(frame, Samples)]
    assert kept
    assert counted
    for kind in Kind:
        np.testing.assert_array_equal(histogram(kept + counted, kind), histogram(everything, kind))


def test_counts_hold_every_request_by_the_second_in_which_it_was_due() -> None:
    counts = count(samples(41.0, 200))
    outcome = histogram([counts], Kind.OUTCOME)
    assert [outcome[kind] for kind in (Failure.NONE, Failure.STATUS, Failure.CUT_OFF)] == [180, 10, 10]
    assert histogram([counts], Kind.RESPONSE)[NEVER] == 20
    assert histogram([counts], Kind.ANSWERED).sum() == 180
    due = counts.rows[counts.rows["kind"] == Kind.RESPONSE]
    assert set(due["second"]) == {41}


def test_times_read_from_buckets_are_as_near_as_is_promised() -> None:
    times = np.geomspace(2e-6, 3500, 20_000)
    read = np.array([time_of(int(bucket)) for bucket in buckets_of(times)])
    assert np.max(np.abs(read / times - 1)) <= RELATIVE_ERROR + 1e-9
    assert buckets_of(np.array([np.nan, 0.0, 1e9])).tolist() == [NEVER, 0, NEVER - 1]


@pytest.mark.parametrize("wanted", [50.0, 99.0])
def test_a_percentile_of_a_histogram_is_the_nearest_rank_within_the_error(wanted: float) -> None:
    times = np.sort(np.random.default_rng(3).lognormal(-4, 1, 5000))
    exact = times[math.ceil(wanted / 100 * len(times)) - 1]
    found = percentile_of(np.bincount(buckets_of(times), minlength=BUCKETS), wanted, 368)
    assert found == pytest.approx(exact, rel=RELATIVE_ERROR + 1e-9)


def test_one_in_a_thousand_that_is_slow_is_beyond_the_percentile_of_999() -> None:
    """4 of 4,000 requests were slow: exactly 99.9 % were not."""
    found = np.zeros(BUCKETS, np.int64)
    found[100], found[500] = 3996, 4
    assert percentile_of(found, 99.9, 3688) == time_of(100)
    found[100], found[500] = 3995, 5
    assert percentile_of(found, 99.9, 3688) == time_of(500)


def test_a_percentile_among_failures_is_infinite_and_none_of_too_few() -> None:
    found = np.zeros(BUCKETS, np.int64)
    found[100], found[NEVER] = 380, 20
    assert percentile_of(found, 99.0, 368) == math.inf
    assert percentile_of(found, 99.0, 401) is None
    assert percentile_of(np.zeros(BUCKETS, np.int64), 50.0, 0) is None


def test_a_recorder_keeps_only_numbers_of_what_was_taken() -> None:
    recorder = Recorder()
    for which in (0, 1, 1):
        recorder.record(1.0, 2.0, request=which, body_bytes=10)
    assert len(recorder.take()) == 3
    recorder.record(2.0, 3.0, request=1, body_bytes=5)
    recorder.cut_off(2.0, request=0)
    assert len(recorder) == 5
    assert len(recorder.samples()) == 2
    assert recorder.good_bytes() == (BodyBytes(0, 1, 10), BodyBytes(1, 3, 25))
    recorder.take()
    assert recorder.good_bytes() == (BodyBytes(0, 1, 10), BodyBytes(1, 3, 25))
