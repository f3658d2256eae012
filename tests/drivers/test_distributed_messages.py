"""What master and workers tell each other arrives as it was sent, or is refused."""

import pickle
from dataclasses import replace

import pytest

from loadtests.drivers import distributed_messages as messages
from loadtests.drivers.distributed_messages import WorkerJob, about_this_machine
from loadtests.drivers.job import PairingJob, Target
from loadtests.drivers.phases import Rounds
from loadtests.drivers.trial import Stalled
from loadtests.experiment.catalogue import everything
from loadtests.experiment.fresh_values import Series
from loadtests.experiment.loads import ClosedLoop
from loadtests.experiment.request import Request
from loadtests.experiment.scenario_text import parse_scenario
from loadtests.experiment.values import Values, Variables
from loadtests.system.connections import Trust
from tests import made_up_samples as build

VALUES = Values("people.csv", "0" * 64, ("name",), (("Ada",), ("Grace",)))


def job(scenario: str = "noop", **changes: object) -> PairingJob:
    asked = parse_scenario(scenario)
    made = PairingJob(
        targets={"a": Target("http://10.0.0.1"), "b": Target("https://10.0.0.2", trust=Trust("ca.pem"))},
        requests=asked.requests,
        load=ClosedLoop(7),
        slice_s=0.25,
        pairing_s=4.0,
        wait_s=asked.wait_s,
        seed=2**32 - 1,
        journeys=asked.journeys,
        variables=asked.variables(),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("scenario", everything("locust"))
def test_a_job_arrives_as_it_was_sent(scenario: str) -> None:
    sent = WorkerJob(3, 1, 2, -1234.5, job(scenario))
    assert messages.unpack_job(messages.pack_job(sent)) == sent


def test_bodies_values_and_places_arrive_as_they_were_sent() -> None:
    body = bytes(range(256))
    asked = Request("POST", "/people/${name}", (("x-token", "${TOKEN}"),), body, status=None, contains=b"\xff")
    variables = Variables({"TOKEN": "s3cret"}, VALUES, frozenset({"uuid", "counter"}))
    target = Target("http://h", requests=(asked,), series=Series(3, 1, 2))
    sent = WorkerJob(1, 0, 1, 0.0, job(variables=variables, targets={"a": target}, requests=(asked,)))
    arrived = messages.unpack_job(messages.pack_job(sent))
    assert arrived == sent
    assert arrived.job.variables.values is not None
    assert arrived.job.variables.values.rows == VALUES.rows
    assert arrived.job.targets["a"].requests[0].body == body


@pytest.mark.parametrize("value", [True, False, 0.25, "closed", None, Rounds(3), Rounds(0, 0.5)])
def test_what_is_brought_to_a_barrier_arrives(value: object) -> None:
    assert messages.unpack_value(messages.pack_value(value)) == value


def test_a_pair_arrives_as_a_list_and_a_stall_as_a_stall() -> None:
    assert messages.unpack_value(messages.pack_value((12.5, True))) == [12.5, True]
    stall = messages.unpack_value(messages.pack_value(Stalled("nothing was answered for 5 s", 3)))
    assert isinstance(stall, Stalled)
    assert str(stall) == "nothing was answered for 5 s, with 3 requests in flight"


def test_a_recording_arrives_with_what_its_file_does_not_hold() -> None:
    sent = replace(build.recording([(0.1, 0.2)], (0.0, 1.0)), next_row=17)
    label, arrived = messages.unpack_recording(messages.pack_recording("b", sent))
    assert label == "b"
    assert arrived.next_row == 17
    assert arrived.samples.ended_s.tolist() == [0.2]


@pytest.mark.parametrize(
    "content",
    [None, "text", b"", b"\xc1", pickle.dumps(print), messages.pack_value("plain"), b"\x93\xa1a\x01\xc4\x01x"],
)
def test_what_is_no_message_is_a_value_error(content: object) -> None:
    for unpack in (messages.unpack_job, messages.unpack_recording, messages.unpack_about):
        with pytest.raises(ValueError, match=r"."):
            unpack(content)


def test_a_value_that_is_none_is_a_value_error() -> None:
    for content in (b"\x01", messages._packed(["stalled", 1, 1]), messages._packed(["rounds", 1.5, None])):
        with pytest.raises(ValueError, match=r"no value"):
            messages.unpack_value(content)


def test_a_worker_is_called_after_its_host_unless_it_is_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "load7")
    assert about_this_machine("").name == "load7"
    assert about_this_machine("north").name == "north"
    about = about_this_machine("")
    assert messages.unpack_about(messages.pack_about(about)) == about
