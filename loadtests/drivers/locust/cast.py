"""Who plays: the user classes of a pairing, one set for each side."""

import re
from collections.abc import Callable, Mapping

import gevent
from locust import FastHttpUser, between, task

from loadtests import locustfile
from loadtests.drivers.job import PairingJob
from loadtests.drivers.locust.failures import why
from loadtests.drivers.locust.orders import users_of
from loadtests.drivers.locust.shares import shares
from loadtests.drivers.phases import REFUSED_PAUSE_S
from loadtests.experiment.catalogue import LONGEST_THINK
from loadtests.experiment.scenario import Request
from loadtests.experiment.sides import SideLabel
from loadtests.records.samples import Failure

JOURNEYS: Mapping[str, type[FastHttpUser]] = {
    "reader": locustfile.Reader,
    "writer": locustfile.Writer,
    "api_client": locustfile.ApiClient,
}
_ID = re.compile(r"\d+")


class Asker(FastHttpUser):
    """A user of the closed loop: asks what comes next, again and again, without think time."""

    abstract = True
    requests: tuple[Request, ...]
    next_turn: Callable[[], int]

    @task
    def ask(self) -> None:
        """Send the scenario's requests; a task for each would keep users from waiting for the server all the time."""
        while True:
            self._ask()

    def _ask(self) -> None:
        want = self.requests[self.next_turn() % len(self.requests)]
        body = want.json.decode() if want.json else None
        headers = {"User-Agent": "bench"} | ({"Content-Type": "application/json"} if want.json else {})
        with self.client.request(want.method, want.path, data=body, headers=headers, catch_response=True) as response:
            locustfile.expect(response, want.contains, want.status)
        if why(getattr(response, "error", None)) == Failure.CONNECT:
            gevent.sleep(REFUSED_PAUSE_S)


def index(job: PairingJob) -> dict[tuple[str, str], int]:
    """Return each request's number in the scenario by its method and the name that Locust's event gives it."""
    grouped = job.journeys is not None
    names = [(r.method, _ID.sub("[id]", r.path) if grouped else r.path) for r in job.requests]
    return {name: number for number, name in reversed(list(enumerate(names)))}


def user_classes(job: PairingJob) -> dict[SideLabel, list[type[FastHttpUser]]]:
    """Return each side's classes; their weights are the numbers of users, which add up to those of the job."""
    return {label: [*_classes(job, label, target.base_url)] for label, target in job.targets.items()}


def _classes(job: PairingJob, label: SideLabel, host: str) -> list[type[FastHttpUser]]:
    users = users_of(job)
    if job.journeys is None:
        return [type(f"Asker_{label}", (Asker,), {"host": host, "weight": users, "requests": job.requests})]
    low, high = (job.journeys.think_s * part for part in (2 - LONGEST_THINK, LONGEST_THINK))
    return [
        type(f"{name}_{label}", (JOURNEYS[name],), {"host": host, "weight": count, "wait_time": between(low, high)})
        for name, count in shares(dict(job.journeys.weights), users).items()
    ]
