"""What of the Locust driver can be told without importing Locust, which would replace sockets and threads."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from loadtests.drivers.merge import merge
from loadtests.experiment.catalogue import CATALOGUE, PITFALLS, everything
from loadtests.experiment.loads import ClosedLoop, OpenLoop
from loadtests.experiment.options import check_driver
from loadtests.experiment.scenario_text import parse_scenario
from loadtests.records.samples import BodyBytes, Failure, FailureExample, Recording, Samples, Slice
from loadtests.system.errors import UsageError
from tests import made_up_samples as build

MIX = {"reader": 6, "api_client": 3, "writer": 1}
CUT_OFF = (0.5, float("nan"))


def in_a_process_with_locust(code: str) -> str:
    command = [sys.executable, "-c", f"from loadtests.drivers.locust_users import *\n{code}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def test_users_are_divided_by_weight_and_none_is_lost() -> None:
    expected = {
        1: {"reader": 1},
        2: {"reader": 1, "api_client": 1},
        10: MIX,
        16: {"reader": 10, "api_client": 5, "writer": 1},
    }
    said = in_a_process_with_locust(f"print([shares({MIX}, users) for users in {[*expected]}])")
    assert said.strip() == str([*expected.values()])


def recording(samples: Samples, *slices: Slice) -> Recording:
    return Recording(samples, 100.0, slices, 5, 6, None)


def test_samples_of_several_processes_come_in_the_order_in_which_they_ended() -> None:
    good, cut = [Failure.NONE] * 2, [Failure.NONE, Failure.CUT_OFF]
    one = recording(build.samples([(0.0, 0.3), CUT_OFF], cut))
    two = recording(build.samples([(0.1, 0.2), (0.2, 0.4)], good))
    merged = merge([one, two], cores=1).samples
    assert merged.sent_s.tolist() == [0.1, 0.0, 0.2, 0.5]
    assert np.isnan(merged.ended_s[-1])
    assert merged.failure.tolist() == [Failure.NONE] * 3 + [Failure.CUT_OFF]
    assert merged.status.dtype == np.uint16
    assert len(merge([recording(build.samples([]))] * 2, cores=1).samples) == 0


@pytest.mark.parametrize(("cores", "cpu_s", "peak"), [(1, 1.0, 0.9), (2, 0.7, 0.6), (4, 0.7, 0.6)])
def test_several_processes_are_as_busy_as_the_busiest_or_as_all_on_their_cores(
    cores: int, cpu_s: float, peak: float
) -> None:
    """The server is read by the first process alone, whose window counts; the first to go on ends the turn."""
    one = recording(build.samples([]), Slice(1.0, 2.0, 2.1, 0.5, 0.7, 0.3, 1000))
    two = recording(build.samples([]), Slice(1.001, 2.001, 2.2, None, 0.3, 0.6, None))
    merged = merge([one, two], cores)
    [turn] = merged.slices
    assert (turn.driver_cpu_s, turn.driver_peak) == pytest.approx((cpu_s, peak))
    assert (turn.opened_s, turn.closed_s, turn.drained_s) == (1.0, 2.0, 2.1)
    assert (turn.server_cpu_s, turn.rss_bytes) == (0.5, 1000)
    assert (merged.started_s, merged.rss_bytes, merged.threads) == (100.0, 5, 6)


def test_journeys_are_for_locust_and_open_loops_are_not() -> None:
    journey, plain = parse_scenario("reader[think_ms=200]"), parse_scenario("noop")
    assert journey.journeys is not None
    assert journey.journeys.think_s == 0.2
    assert journey.wait_s == pytest.approx(0.3)  # the longest think time
    check_driver("locust", 2, [journey, plain], [ClosedLoop(1)])
    check_driver("httpx", 0, [plain], [OpenLoop(100)])
    with pytest.raises(UsageError, match="add --driver locust"):
        check_driver("httpx", 0, [journey], [ClosedLoop(1)])
    with pytest.raises(UsageError, match="--users instead of --rate"):
        check_driver("locust", 0, [plain], [OpenLoop(100)])
    code = (
        "from loadtests.experiment.loads import OpenLoop\n"
        "job = PairingJob({}, (), OpenLoop(100), 0.1, 0.2, 0.0, 0)\n"
        "try: LocustTrial(Target(''), job, Group(None), None)\n"
        "except ValueError as error: print(error)\n"
    )
    assert "drives a closed loop" in in_a_process_with_locust(code)


def test_a_full_run_takes_what_its_driver_can_drive() -> None:
    journeys = {"reader", "writer", "api_client", "visitors"}
    assert set(CATALOGUE) - set(everything("httpx")) == {*journeys, *PITFALLS}
    assert set(CATALOGUE) - set(everything("locust")) == set(PITFALLS)


def test_the_catalogues_mix_is_the_locustfiles() -> None:
    code = "from loadtests import locustfile as f; print(f.Reader.weight, f.ApiClient.weight, f.Writer.weight)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    mix = CATALOGUE["visitors"].journeys
    assert mix is not None
    assert said.stdout.split() == [str(mix[name]) for name in ("reader", "api_client", "writer")]


FAILURES = {
    "None": Failure.NONE,
    "WrongStatus('status 500 instead of 200')": Failure.STATUS,
    "LocustBadStatusCode('/', code=500)": Failure.STATUS,
    "WrongBody('no card in the answer')": Failure.BODY,
    "ConnectionRefusedError(111, 'refused')": Failure.CONNECT,
    "RetriesExceeded('/', 0, original=OSError(113, 'no route to host'))": Failure.CONNECT,
    "ConnectionResetError(104, 'reset')": Failure.DISCONNECT,
    "HTTPConnectionClosed('closed')": Failure.DISCONNECT,
    "UnicodeDecodeError('utf-8', b'', 0, 1, 'no text')": Failure.DISCONNECT,
}


def test_failures_have_the_names_they_have_with_the_other_driver() -> None:
    code = (
        "from geventhttpclient.response import HTTPConnectionClosed\n"
        "from loadtests.locustfile import WrongBody\n"
        f"print(*(failure_of(error).name for error in [{', '.join(FAILURES)}]))"
    )
    assert in_a_process_with_locust(code).split() == [failure.name for failure in FAILURES.values()]


GATE = """
gate, log = Gate(), []
def user(name):
    newcomer = True
    while True:
        gate.enter(newcomer=newcomer)
        log.append(name)
        newcomer = False
        gevent.sleep(0.01)
users = [gevent.spawn(user, name) for name in "xy"]
def after(step):
    step()
    gevent.sleep(0.1)
    print(f"{''.join(sorted(set(log)))}|{min(len(log), 4)}|{sum(each.dead for each in users)}")
    log.clear()
after(lambda: None)
after(gate.let_newcomers_in)
users.append(gevent.spawn(user, "z"))
after(lambda: None)
after(lambda: gate.open(random.Random(1), 0.01))
gate.shut()
after(lambda: None)
after(gate.close)
"""


def test_users_wait_at_the_gate_for_their_sides_turn() -> None:
    """Who is new sends one request when newcomers are let in, and waits for the others; in the end nobody is left."""
    nobody, once_each, latecomer, all_again, nobody_more, ended = in_a_process_with_locust(GATE).splitlines()
    assert (nobody, once_each, latecomer) == ("|0|0", "xy|2|0", "z|1|0")
    assert (all_again, nobody_more, ended) == ("xyz|4|0", "|0|0", "|0|3")


def test_several_processes_keep_one_example_of_each_kind_and_count_together() -> None:
    not_found, refused = FailureExample(0, Failure.STATUS, 404, "one's"), FailureExample(0, Failure.CONNECT)
    one = replace(
        recording(build.samples([])), examples=(not_found,), good_bytes=(BodyBytes(0, 2, 20), BodyBytes(2, 1, 5))
    )
    two = replace(
        recording(build.samples([])),
        examples=(replace(not_found, body="two's"), refused),
        good_bytes=(BodyBytes(0, 1, 13), BodyBytes(1, 4, 4)),
    )
    merged = merge([one, two], cores=1)
    assert sorted(merged.examples, key=lambda each: each.failure) == [not_found, refused]
    assert merged.good_bytes == (BodyBytes(0, 3, 33), BodyBytes(1, 4, 4), BodyBytes(2, 1, 5))


SESSION = """
class Log(RequestLog):
    def __init__(self):
        super().__init__(time.perf_counter())
log, gate = Log(), Gate()
gate.open(random.Random(1), 0)
class Somebody(FastHttpUser):
    host = "http://127.0.0.1:9"
session = GatedSession(Somebody(Environment()), gate, log, {("GET", "/x"): 0}, None)
with session.request("GET", "/x", catch_response=True) as answer:
    expect(answer, b"")
for example in log.examples.all():
    print(example.request, example.failure.name, example.status, example.reason)
"""


def test_why_no_connection_is_had_is_told_as_with_the_other_driver() -> None:
    assert in_a_process_with_locust(SESSION).strip() == "0 CONNECT 0 connection refused"


ASKED = """
from loadtests.experiment.request import Request
from loadtests.experiment.values import Variables
from loadtests.experiment.loads import ClosedLoop
requests = (
    Request("PUT", "/\\u00e9/${T}", (("X-Name", "Zo\\u00eb"), ("Authorization", "Bearer ${T}")), b"\\xff${T}"),
    Request("GET", "/", weight=2),
)
job = PairingJob({}, requests, ClosedLoop(1), 0.1, 0.2, 0.0, 0, variables=Variables({"T": "s3"}))
for name, make in asked_in_turn(job):
    request = make()
    print(ascii([name, request.path, request.headers, request.body]))
print(ascii(index_of(job)))
"""


def test_locust_sends_places_filled_and_knows_requests_by_what_is_declared() -> None:
    put, one, other, index = in_a_process_with_locust(ASKED).splitlines()
    assert put == ascii(
        [
            "/\u00e9/${T}",
            "/%C3%A9/s3",
            (("X-Name", "Zo\u00eb".encode().decode("latin-1")), ("Authorization", "Bearer s3")),
            b"\xffs3",
        ]
    )
    assert one == other == ascii(["/", "/", (), b""])
    assert index == ascii({("GET", "/"): 1, ("PUT", "/\u00e9/${T}"): 0})


FRESH = """
from loadtests.experiment.fresh_values import FreshValues, Series
from loadtests.experiment.request import Request
from loadtests.experiment.values import Values, Variables
from loadtests.experiment.loads import ClosedLoop
variables = Variables({}, Values("x.csv", "", ("id",), (("r0",), ("r1",), ("r2",))), frozenset({"counter"}))
job = PairingJob({}, (Request("POST", "/${id}", body=b"${counter}"),), ClosedLoop(1), 0.1, 0.2, 0.0, 0)
for worker in range(2):
    fresh = FreshValues(variables, Series(number=10).part(worker, 2))
    [(name, make)] = asked_in_turn(job, fresh)
    print(name, *(f"{asked.path}={asked.body.decode()}" for asked in (make(), make())), fresh.next_row)
"""


def test_locusts_workers_share_the_rows_of_a_file_and_the_numbers() -> None:
    assert in_a_process_with_locust(FRESH).splitlines() == [
        "/${id} /r0=10 /r2=12 3",
        "/${id} /r1=11 /r0=13 4",
    ]
