"""Ask both sides the same before anything is measured, on servers of their own, and hand on what they answer."""

import http.client
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from loadtests.experiment.plan import TIMEOUT_S, Experiment
from loadtests.experiment.scenario import Scenario
from loadtests.experiment.sequence import SequenceUser
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.experiment.values import Rows
from loadtests.inside.statements import HEADER, RESOURCES
from loadtests.records.answer_differences import CompareAnswers, Difference, ToldResources, WholeAnswer
from loadtests.records.handler_record import ExecutedRecord
from loadtests.runner.block import BlockServers
from loadtests.servers.auxiliary import SlowApi
from loadtests.servers.databases import open_databases
from loadtests.servers.probe import ProbeAnswer, ProbeConnection
from loadtests.servers.server import Server
from loadtests.system.cores import Cores
from loadtests.system.errors import RunError

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
    """

    differences: list[Difference] = field(default_factory=list)
    executed: dict[str, dict[SideLabel, ExecutedRecord]] = field(default_factory=dict)


class AnswersDiffer(RunError):
    """The sides do not answer alike, and nobody said that it is meant.

    Attributes:
        differences: how their answers differ.
    """

    def __init__(self, differences: Sequence[Difference]) -> None:
        super().__init__(
            "the sides do not answer alike, so that a ratio would compare different work, and nothing was measured; "
            "what may differ is named with --ignore, and --unequal measures all the same"
        )
        self.differences = list(differences)


def check_answers(experiment: Experiment, cores: Cores, compare: CompareAnswers) -> ComparedAnswers:
    """Ask both sides, and compare; nothing is asked of two builds of the blog, which tests keep alike.

    A side that does not start, or gives no answer, is left to the run, which says so.

    Args:
        experiment: what is to be asked of whom.
        cores: the division of the machine.
        compare: says what a difference is.

    Raises:
        AnswersDiffer: they do, and the experiment does not say that it is meant.
    """
    if experiment.a.is_build and experiment.b.is_build:
        return ComparedAnswers()
    compared = ComparedAnswers()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        with (
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
            if not block_servers.broken:
                servers = [block_servers.server(label) for label in LABELS]
                with suppress(TimeoutError):  # who hangs once is not asked for the rest
                    for scenario in experiment.scenarios:
                        limit_s = experiment.timeout_s or TIMEOUT_S + scenario.wait_s
                        answers = [_answers(scenario, server, limit_s) for server in servers]
                        compared.differences.extend(_differences(scenario, servers, answers, compare))
                        compared.executed[scenario.name] = {
                            label: record
                            for label, server, told in zip(LABELS, servers, answers, strict=True)
                            if (record := _executed(told, server)) is not None
                        }
    if any(each.stops for each in compared.differences) and not experiment.unequal:
        raise AnswersDiffer(compared.differences)
    return compared


def _executed(answers: Answers, server: Server) -> ExecutedRecord | None:
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
    scenario: Scenario, servers: Sequence[Server], answers: Sequence[Answers], compare: CompareAnswers
) -> Iterator[Difference]:
    a, b = answers
    for request, of_a, of_b in zip(scenario.requests, a, b, strict=True):
        if of_a and of_b:
            for each in compare(str(request), of_a, of_b):
                shown = {
                    label: server.without_secrets(getattr(each, label))
                    for label, server in zip("ab", servers, strict=True)
                }
                yield each.model_copy(update=shown)


def _answers(scenario: Scenario, server: Server, limit_s: float) -> Answers:
    """Return what one side answers to each request, asked one after another by a new user each time.

    Raises:
        TimeoutError: an answer takes too long.
    """
    answers: Answers = [[] for _ in scenario.requests]
    variables, url = scenario.variables(), urlsplit(server.url)
    rows = Rows(variables.values) if variables.values else None
    for _ in range(TIMES):
        with closing(ProbeConnection(server.url, limit_s, server.trust)) as connection:
            user = SequenceUser(url, scenario.requests, variables.environment, rows)
            while True:
                position, request, message = user.position, user.request, user.message()
                message.keeps_body = message.keeps_headers = True
                try:
                    answer = connection.exchange(message)
                except TimeoutError:
                    raise
                except (OSError, http.client.HTTPException):
                    return answers
                answers[position].append(_whole(answer, server))
                user.answered(good=answer.status in request.good, body=answer.body, headers=answer.headers)
                if user.at_start:
                    break
    return answers


def _whole(answer: ProbeAnswer, server: Server) -> WholeAnswer:
    """Return what is compared of an answer; where a server names itself, as in links, it says the same as the other."""
    origin = server.url.encode()
    headers = {
        name.decode("latin-1").lower(): value.replace(origin, b"").decode("latin-1") for name, value in answer.headers
    }
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
