"""Ask both sides the same before anything is measured, on servers of their own, and hand on what they answer."""

import http.client
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from loadtests.experiment.blog import SIZES_OF_THE_DATA
from loadtests.experiment.fresh_values import FreshValues, Series, fresh_values
from loadtests.experiment.plan import TIMEOUT_S, Experiment
from loadtests.experiment.request import Request
from loadtests.experiment.scenario import Scenario
from loadtests.experiment.sequence import SequenceUser
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.inside.statements import HEADER, RESOURCES
from loadtests.records.answer_differences import CompareAnswers, Difference, ToldResources, WholeAnswer
from loadtests.records.handler_record import ExecutedRecord
from loadtests.runner.block import BlockServers
from loadtests.runner.next_rows import NextRows
from loadtests.runner.start_failures import in_words
from loadtests.servers.auxiliary import SlowApi
from loadtests.servers.databases import open_databases
from loadtests.servers.probe import ProbeAnswer, ProbeConnection
from loadtests.servers.server import Server
from loadtests.system.cores import Cores
from loadtests.system.errors import RunError
from loadtests.system.owned_folder import owned_folder

LOCATION = "location"
DATA = "the blog's data"
"""What a difference in the sizes of the data is listed under, in place of a request."""
OF_A_COMMIT = "as its commit has it"
"""A setting of a build at a commit that was not typed: that commit may have another default, or no such setting."""
TIMES = 2
"""How often each side is asked the same: what changes from one time to the next is no difference between the sides."""
MOST_STATEMENTS = 40
"""Of one scenario that are kept as text."""
Answers = list[list[WholeAnswer]]
"""For each request of a scenario what one side answered, each time."""


@dataclass(frozen=True)
class ComparedAnswers:
    """What came of asking both sides the same.

    Attributes:
        differences: how their answers differ.
        executed: by scenario and side, what it did and had then, where the harness could look.
        said: what else there is to say of how they were explored; nothing if they were not.
        answered: how many of the scenarios' requests both sides answered well, each time.
    """

    differences: list[Difference] = field(default_factory=list)
    executed: dict[str, dict[SideLabel, ExecutedRecord]] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    answered: int = 0


class AnswersDiffer(RunError):
    """The sides do not answer alike, and nobody said that it is meant.

    Attributes:
        differences: how their answers differ.
        said: what else there is to say of how they were explored.
    """

    def __init__(self, differences: Sequence[Difference], said: Sequence[str] = ()) -> None:
        super().__init__(
            "the sides do not answer alike, so that a ratio would compare different work, and nothing was measured; "
            "what may differ is named with --ignore, and --unequal measures all the same"
        )
        self.differences = list(differences)
        self.said = list(said)


@dataclass(frozen=True)
class Explored:
    """What came of asking both sides what their OpenAPI documents allow.

    Attributes:
        differences: how their answers differ, of each kind the shortest request.
        said: sentences: how much was asked, which routes fail on both sides, and which could not be asked.
    """

    differences: Sequence[Difference] = ()
    said: Sequence[str] = ()


Explore = Callable[[Sequence[Server], Path], Explored]
"""Explores the servers of both sides, and may keep files in a folder."""


def check_answers(
    experiment: Experiment,
    cores: Cores,
    compare: CompareAnswers,
    next_rows: NextRows,
    explore: Explore | None = None,
    *,
    builds_are_alike: bool = True,
) -> ComparedAnswers:
    """Ask both sides, and compare.

    Tests keep the two builds of the blog alike: asked the same, they are only explored, and it is enough that both hold
    as much data. A side that gives no answer is left to the run, which says so.

    Args:
        experiment: what is to be asked of whom.
        cores: the division of the machine.
        compare: says what a difference is.
        next_rows: of values files.
        explore: asks more than the experiment does; None if nothing does.
        builds_are_alike: whether to rely on those tests.

    Raises:
        AnswersDiffer: they do, and the experiment does not say that it is meant.
        RunError: a side can't be started.
    """
    asked = [request for scenario in experiment.scenarios for request in scenario.requests]
    known = (
        builds_are_alike
        and experiment.a.is_own_build
        and experiment.b.is_own_build
        and not any(request.b for request in asked)
    )
    compared = ComparedAnswers(data_differences(experiment))
    if compared.differences and not experiment.unequal:
        raise AnswersDiffer(compared.differences)
    if known and explore is None:
        return compared
    with (
        owned_folder() as work,
        open_databases(experiment.database, work, cores) as databases,
        SlowApi(cores, work / "slow_api" / "log") as slow_api,
        BlockServers(
            replace(experiment, has_control=False, observe=False),
            databases,
            work=work / "servers",
            upstream_url=slow_api.url,
            cores=cores,
            warm=lambda _: None,
            counts_statements=True,
        ) as block_servers,
    ):
        block_servers.start()
        if block_servers.broken:
            raise RunError(f"{in_words(experiment, block_servers.broken)}; nothing was measured")
        servers = {label: block_servers.server(label) for label in LABELS}
        both = [_Both(scenario) for scenario in (() if known else experiment.scenarios)]
        for label, server in servers.items():
            _ask(both, label, server, experiment, next_rows)
        found = _differences(both, servers, compare)
        if any(each.stops for each in found) and block_servers.restart("a") is not None:
            # What another start changes, as the id of a process, is no difference between the sides either.
            servers["a"] = block_servers.server("a")
            _ask(both, "a", servers["a"], experiment, next_rows)
            found = _differences(both, servers, compare)
        compared.differences.extend(found)
        compared.executed.update({each.scenario.name: _executed(each, servers) for each in both if each.answers["b"]})
        compared = replace(compared, answered=sum(answered_well(each.scenario, each.answers) for each in both))
        if explore is not None and not block_servers.broken:
            explored = explore([*servers.values()], work / "explored")
            compared.differences.extend(explored.differences)
            compared.said.extend(explored.said)
    if any(each.stops for each in compared.differences) and not experiment.unequal:
        raise AnswersDiffer(compared.differences, compared.said)
    return compared


def data_differences(experiment: Experiment) -> list[Difference]:
    """Return in what the data of two builds differ in size: even equal answers would then be different work."""
    if not (experiment.a.is_build and experiment.b.is_build):
        return []
    a, b = experiment.a.settings(), experiment.b.settings()
    typed = dict(experiment.a.knobs).keys() | dict(experiment.b.knobs).keys()
    sizes = [size for size in SIZES_OF_THE_DATA if size in typed or (size in a and size in b)]
    both = [(size, str(a.get(size, OF_A_COMMIT)), str(b.get(size, OF_A_COMMIT))) for size in sizes]
    return [Difference(request=DATA, what=size, a=of_a, b=of_b) for size, of_a, of_b in both if of_a != of_b]


@dataclass
class _Both:
    """A scenario, which rows and numbers both sides are asked with, and what they answer."""

    scenario: Scenario
    series: dict[SideLabel, Series] = field(default_factory=dict)
    answers: dict[SideLabel, Answers] = field(default_factory=lambda: {"a": [], "b": []})


def _ask(both: Sequence[_Both], label: SideLabel, server: Server, experiment: Experiment, next_rows: NextRows) -> None:
    """Ask one side all there is, a before b, and add what it answers."""
    with suppress(TimeoutError):  # where one hangs, neither is asked for the rest
        for each in both:
            scenario, known = each.scenario, each.answers
            if label == "a":
                each.series = dict(zip(LABELS, next_rows.series(scenario, LABELS), strict=True))
            elif not known["a"]:
                return
            limit_s = experiment.timeout_s or TIMEOUT_S + scenario.wait_s
            fresh = fresh_values(scenario.variables(), each.series[label])
            try:
                new = _answers(scenario, scenario.requests_of(label), server, limit_s, fresh)
            finally:
                next_rows.used(scenario, fresh.next_row if fresh else 0)
            known[label] = [[*before, *now] for before, now in zip(known[label] or [[] for _ in new], new, strict=True)]


def answered_well(scenario: Scenario, answers: Mapping[SideLabel, Answers]) -> int:
    """Return how many of a scenario's requests both sides answered well, each time that they were asked (pure)."""

    def well(label: SideLabel) -> list[bool]:
        found = [
            len(each) >= TIMES and all(answer.status in request.good for answer in each)
            for request, each in zip(scenario.requests_of(label), answers[label], strict=False)
        ]
        return found + [False] * (len(scenario.requests) - len(found))

    return sum(a and b for a, b in zip(well("a"), well("b"), strict=True))


def _executed(both: _Both, servers: Mapping[SideLabel, Server]) -> dict[SideLabel, ExecutedRecord]:
    found = {label: _executed_by(both.answers[label], server) for label, server in servers.items()}
    return {label: record for label, record in found.items() if record is not None}


def _executed_by(answers: Answers, server: Server) -> ExecutedRecord | None:
    """Return what a side told of the last answer to each request; None if it told nothing."""
    told = [each[-1].resources for each in answers if each and each[-1].resources is not None]
    if not told:
        return None
    counts = [each[-1].statements for each in answers if each and each[-1].statements is not None]
    known = [each.connections for each in told if each.connections is not None]
    lines = dict.fromkeys(line for each in told for line in _written(each.statements))
    return ExecutedRecord(
        statements=[server.without_secrets(line) for line in list(lines)[:MOST_STATEMENTS]],
        count=sum(counts) if counts else None,
        connections=min(known, default=None),
        threads=told[-1].threads,
    )


def _written(statements: Sequence[tuple[str, int]]) -> Iterator[str]:
    for text, times in statements:
        yield text if times == 1 else f"{text}\n-- {times} times in a row"


def _differences(
    both: Sequence[_Both], servers: Mapping[SideLabel, Server], compare: CompareAnswers
) -> list[Difference]:
    found = []
    for each in both:
        a_and_b = zip(each.scenario.requests, each.answers["a"], each.answers["b"], strict=False)
        for request, of_a, of_b in a_and_b:
            for difference in compare(str(request), of_a, of_b) if of_a and of_b else ():
                a, b = (servers[label].without_secrets(getattr(difference, label)) for label in LABELS)
                found.append(difference.model_copy(update={"a": a, "b": b}))
    return found


def _answers(
    scenario: Scenario, requests: Sequence[Request], server: Server, limit_s: float, fresh: FreshValues | None
) -> Answers:
    """Return what one side answers to each of its requests, asked one after another by a new user each time.

    Raises:
        TimeoutError: an answer takes too long.
    """
    answers: Answers = [[] for _ in requests]
    variables, url = scenario.variables(), urlsplit(server.url)
    for _ in range(TIMES):
        with closing(ProbeConnection(server.url, limit_s, server.trust)) as connection:
            user = SequenceUser(url, requests, variables.environment, fresh, each_anew=not scenario.sequence)
            while True:
                position, request, message = user.position, user.request, user.message()
                message.keeps_body = message.keeps_headers = True
                try:
                    answer = connection.exchange(message)
                except TimeoutError:
                    raise
                except (OSError, http.client.HTTPException):
                    return answers
                answers[position].append(whole_answer(answer, server))
                user.answered(
                    good=answer.status in request.good, status=answer.status, body=answer.body, headers=answer.headers
                )
                if user.at_start:
                    break
    return answers


def whole_answer(answer: ProbeAnswer, server: Server) -> WholeAnswer:
    """Return what is compared of an answer; where a server names itself, as in links, it says the same as the other."""
    origin, base = server.url.encode(), urlsplit(server.url).path
    headers = {
        name.decode("latin-1").lower(): value.replace(origin, b"").decode("latin-1") for name, value in answer.headers
    }
    if base and headers.get(LOCATION, "").startswith(f"{base}/"):
        headers[LOCATION] = headers[LOCATION].removeprefix(base)
    counted, failed = headers.get(HEADER, ""), answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return WholeAnswer(
        answer.status,
        headers,
        answer.body.replace(origin, b""),
        len(answer.body),
        int(counted) if counted.isdigit() else None,
        server.last_exception() if failed else "",
        _resources(headers.get(RESOURCES, "")),
    )


def _resources(told: str) -> ToldResources | None:
    """Return what a header of ours says; None if it is not there, or another's."""
    try:
        return ToldResources.model_validate_json(told) if told else None
    except ValueError:
        return None
