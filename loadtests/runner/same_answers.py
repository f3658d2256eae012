"""Ask both sides the same before anything is measured, on servers of their own, and hand on what they answer."""

import http.client
import tempfile
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from loadtests.experiment.plan import TIMEOUT_S, Experiment
from loadtests.experiment.request import Request
from loadtests.experiment.scenario import Scenario
from loadtests.experiment.sequence import SequenceUser
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.experiment.values import Rows
from loadtests.inside.statements import HEADER
from loadtests.records.answer_differences import CompareAnswers, Difference, WholeAnswer
from loadtests.runner.block import BlockServers
from loadtests.runner.start_failures import in_words
from loadtests.servers.auxiliary import SlowApi
from loadtests.servers.databases import open_databases
from loadtests.servers.probe import ProbeAnswer, ProbeConnection
from loadtests.servers.server import Server
from loadtests.system.cores import Cores
from loadtests.system.errors import RunError

LOCATION = "location"
TIMES = 2
"""How often each side is asked the same: what changes from one time to the next is no difference between the sides."""
Answers = list[list[WholeAnswer]]
"""For each request of a scenario what one side answered, each time."""
AnswersOfBoth = tuple[dict[SideLabel, Answers], Scenario]
"""A scenario, and what both sides answered."""


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


def check_answers(experiment: Experiment, cores: Cores, compare: CompareAnswers) -> list[Difference]:
    """Return how the sides' answers differ; nothing for two builds of the blog asked the same: tests keep them alike.

    A side that gives no answer is left to the run, which says so.

    Args:
        experiment: what is to be asked of whom.
        cores: the division of the machine.
        compare: says what a difference is.

    Raises:
        AnswersDiffer: they do, and the experiment does not say that it is meant.
        RunError: a side can't be started.
    """
    asked = [request for scenario in experiment.scenarios for request in scenario.requests]
    if experiment.a.is_build and experiment.b.is_build and not any(request.b for request in asked):
        return []
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
            if block_servers.broken:
                raise RunError(f"{in_words(experiment, block_servers.broken)}; nothing was measured")
            answers: list[AnswersOfBoth] = [({"a": [], "b": []}, scenario) for scenario in experiment.scenarios]
            for label in LABELS:
                _ask(answers, label, block_servers.server(label), experiment)
            found = _differences(answers, block_servers, compare)
            if any(each.stops for each in found) and block_servers.restart("a") is not None:
                # What another start changes, as the id of a process, is no difference between the sides either.
                _ask(answers, "a", block_servers.server("a"), experiment)
                found = _differences(answers, block_servers, compare)
    if any(each.stops for each in found) and not experiment.unequal:
        raise AnswersDiffer(found)
    return found


def _ask(answers: Sequence[AnswersOfBoth], label: SideLabel, server: Server, experiment: Experiment) -> None:
    """Ask one side all there is, and add what it answers."""
    with suppress(TimeoutError):  # where one hangs, neither is asked for the rest
        for known, scenario in answers:
            if label == "b" and not known["a"]:
                return
            limit_s = experiment.timeout_s or TIMEOUT_S + scenario.wait_s
            new = _answers(scenario, scenario.requests_of(label), server, limit_s)
            known[label] = [[*before, *now] for before, now in zip(known[label] or [[] for _ in new], new, strict=True)]


def _differences(
    answers: Sequence[AnswersOfBoth], block_servers: BlockServers, compare: CompareAnswers
) -> list[Difference]:
    found = []
    servers = {label: block_servers.server(label) for label in LABELS}
    for known, scenario in answers:
        for request, of_a, of_b in zip(scenario.requests, known["a"], known["b"], strict=False):
            for each in compare(str(request), of_a, of_b) if of_a and of_b else ():
                a, b = (servers[label].without_secrets(getattr(each, label)) for label in LABELS)
                found.append(each.model_copy(update={"a": a, "b": b}))
    return found


def _answers(scenario: Scenario, requests: Sequence[Request], server: Server, limit_s: float) -> Answers:
    """Return what one side answers to each of its requests, asked one after another by a new user each time.

    Raises:
        TimeoutError: an answer takes too long.
    """
    answers: Answers = [[] for _ in requests]
    variables, url = scenario.variables(), urlsplit(server.url)
    rows = Rows(variables.values) if variables.values else None
    for _ in range(TIMES):
        with closing(ProbeConnection(server.url, limit_s, server.trust)) as connection:
            user = SequenceUser(url, requests, variables.environment, rows)
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
    )
