"""Try distributed load by hand: ``python -m tests.distributed``, as root, on Linux; prints what the trial shows.

The links first: what they are when idle, and under load. Then a whole run, what each load machine sent, and how well
its clock was known. Then the same with a load machine or the master lost in mid-run.
"""

import json
import sys
import tempfile
from pathlib import Path

import click
import numpy as np

from tests.distributed.hosts import Host, Hosts
from tests.distributed.permission import why_not
from tests.distributed.ping import ping
from tests.distributed.tcp_transfer import megabits_per_s
from tests.distributed.trial import SPECS, USERS, WORKERS, Fault, Trial, serving, trials_of

RATES = (100, 1000, 3000)
PING_S = 2.0
FAULTS: tuple[Fault, ...] = ("worker killed", "worker cut off", "master killed")


@click.command()
@click.option("--budget", default="2m", help="Of the run in which nothing is lost.")
@click.option("--links-only", is_flag=True, help="Measure the links, and run nothing.")
def main(budget: str, *, links_only: bool) -> None:
    """Try distributed load on hosts of this machine."""
    if reason := why_not():
        sys.exit(f"no hosts can be made here: {reason}")
    with tempfile.TemporaryDirectory() as folder:
        if links_only:
            with Hosts(SPECS.values(), Path(folder)) as hosts:
                show_links(hosts)
            return
        with serving(Path(folder)) as trial:
            show_links(trial.hosts)
            out = Path(folder) / "run"
            print("\n== a run ==")
            print(trial.run(out, "noop", "get_post", f"--users={USERS}", f"--budget={budget}"))
            show_machines(out)
            for fault in FAULTS:
                show_fault(trial, fault, Path(folder) / fault.replace(" ", "-"))


def show_links(hosts: Hosts) -> None:
    """Print round trips from the master to each load machine, idle and under load, and what TCP carries."""
    print("== links, from the master ==")
    for name in WORKERS:
        show_link(hosts["master"], hosts[name])


def show_link(master: Host, host: Host) -> None:
    """Print the figures of one link."""
    spec = SPECS[host.name].link
    kind = f"{1e3 * spec.round_trip_s:g} ms, loses {spec.loss:.1%} each way" if spec else "a wire"
    print(f"{host.name}: {kind}")
    for rate in RATES:
        sent = int(rate * PING_S)
        took_ms = 1e3 * np.array(ping(master, host, sent, 1 / rate))
        lowest, median, high = np.percentile(took_ms, [0, 50, 99])
        lost = f"{1 - len(took_ms) / sent:.2%} of round trips lost"
        print(f"  {rate:5d}/s: {lowest:6.2f} ms at the least, {median:6.2f} in the median, {high:6.2f} p99; {lost}")
    print(f"  TCP: {megabits_per_s(host, master, PING_S):.0f} Mbit/s")
    if spec:
        counts = host.link.counts()
        print(f"  packets: {counts}; lost {counts['lost'] / (counts['lost'] + counts['passed']):.2%}")


def show_machines(out: Path) -> None:
    """Print what each load machine sent, and how far the estimates of its clock were off."""
    trials = [recording for _, recording in trials_of(out)]
    print(f"\n{len(trials)} trials")
    for name in WORKERS:
        parts = [machine for recording in trials for machine in recording.machines if machine.name == name]
        off_s = SPECS["master"].clock_ahead_s - SPECS[name].clock_ahead_s
        wrong_ms = [1e3 * abs(part.clock_offset_s - off_s) for part in parts]
        said_ms = [1e3 * part.clock_uncertainty_s for part in parts]
        inside = sum(wrong <= said for wrong, said in zip(wrong_ms, said_ms, strict=True))
        print(
            f"{name}: {sum(part.requests for part in parts)} requests; its clock is {-off_s:+g} s from the master's,"
            f" estimated to {max(wrong_ms):.3f} ms at the worst ({max(said_ms):.3f} ms allowed for);"
            f" inside what was allowed for in {inside} of {len(parts)} trials"
        )


def show_fault(trial: Trial, fault: Fault, out: Path) -> None:
    """Print what a run tells of what it lost, and what it kept."""
    print(f"\n== {fault} in mid-run ==")
    trial.run_with(fault, out)
    for event in json.loads((out / "run.json").read_text())["events"]:
        if event["kind"] != "started":
            print(f"block {event['block']}: {event['kind']}: {event['message']}")
    for key, recording in trials_of(out):
        parts = ", ".join(f"{machine.name} {machine.requests}" for machine in recording.machines)
        print(f"block {key.block}, side {key.label}: {len(recording.samples)} requests ({parts})")


if __name__ == "__main__":
    main()
