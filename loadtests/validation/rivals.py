"""Put the httpx driver beside other clients, on the same two servers, in turn."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial

from loadtests.analysis.comparison import Estimate, estimate
from loadtests.experiment.options import parse_scenario
from loadtests.runner.single_server import Stage
from loadtests.servers.auxiliary import SlowApi
from loadtests.validation import clients
from loadtests.validation.occasion import occasion
from loadtests.validation.record import Agreement, DriversRecord

SIDES = ("sync", "async")
SCENARIOS = ("noop", "mixed", "query")
USERS = 64
TURN_S = 1.4
"""What a turn takes beside its window, about: users start, the load settles, the last answers come."""
OVERHEAD_S = 10.0

Turn = Callable[[], float]


def rivals_s(rounds: int, round_s: float) -> float:
    """Return how long it takes, about, in seconds."""
    others = len(clients.at_hand())
    turns = len(SCENARIOS) * len(SIDES) * rounds * (1 + others)
    return OVERHEAD_S + turns * (round_s + TURN_S) if others else 0.0


def measure_rivals(stage: Stage, rounds: int, round_s: float) -> DriversRecord:
    """Let every client that is at hand have its turns; where there is none, nothing is compared.

    Args:
        stage: where.
        rounds: turns of each client on each side, for each scenario.
        round_s: how long a turn is, in seconds.
    """
    began = time.monotonic()
    names = ["httpx", *clients.at_hand()]
    rows: list[Agreement] = []
    with ExitStack() as stack:
        if len(names) > 1:
            url = stack.enter_context(SlowApi(stage.cores, stage.work / "upstream" / "log")).url
            ready = [clients.start(name, stage, stack, USERS, round_s) for name in names]
            servers = [stack.enter_context(stage.server(side, f"rivals-{side}", url)) for side in SIDES]
            for server in servers:
                server.wait_until_ready()
            for done, name in enumerate(SCENARIOS):
                stage.tell(name, rivals_s(rounds, round_s) * done / len(SCENARIOS))
                scenario = parse_scenario(name)
                turns = [partial(client, server, scenario) for client in ready for server in servers]
                columns = alternate(turns, rounds)
                for i, other in enumerate(names[1:], 1):
                    rows.append(agreement(other, name, columns[:2], columns[2 * i : 2 * i + 2]))
    return DriversRecord(
        occasion=occasion(stage, time.monotonic() - began),
        users=USERS,
        rounds=rounds,
        seconds=round_s,
        clients=names,
        rows=rows,
    )


def alternate(turns: Sequence[Turn], rounds: int) -> list[list[float]]:
    """Take turns forwards and backwards, so that drift hits all alike; return each one's results by round."""
    results: list[list[float]] = [[] for _ in turns]
    for number in range(rounds):
        for position in list(range(len(turns)))[:: 1 if number % 2 else -1]:
            results[position].append(turns[position]())
    return results


def agreement(client: str, scenario: str, ours: list[list[float]], theirs: list[list[float]]) -> Agreement:
    """Compare two clients' requests/s of the sync and of the async build, round by round."""
    our_ratios, their_ratios = _divide(ours[1], ours[0]), _divide(theirs[1], theirs[0])
    return Agreement(
        client=client,
        scenario=scenario,
        ours=_whole(estimate(our_ratios)),
        theirs=_whole(estimate(their_ratios)),
        apart=_whole(estimate(_divide(our_ratios, their_ratios))),
        ours_rps=estimate(ours[1]).value,
        theirs_rps=estimate(theirs[1]).value,
        headroom=_whole(estimate(_divide(ours[1], theirs[1]))),
    )


def _divide(numerators: list[float], denominators: list[float]) -> list[float]:
    return [n / d for n, d in zip(numerators, denominators, strict=True)]


def _whole(found: Estimate) -> tuple[float, float, float]:
    low, high = found.interval or (found.value, found.value)
    return found.value, low, high
