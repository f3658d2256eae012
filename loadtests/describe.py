"""The manifest of a run that has not begun."""

from datetime import datetime

from loadtests.experiment.plan import Experiment
from loadtests.experiment.sides import Side
from loadtests.records.manifest import Manifest, PairingRecord, ScenarioRecord, SideRecord
from loadtests.records.run_folder import quoted_validation
from loadtests.servers.handlers import sources
from loadtests.system.cores import Cores
from loadtests.system.machine import command_line, read_environment


def new_manifest(experiment: Experiment, name: str, now: datetime, cores: Cores) -> Manifest:
    """Describe a run that has not begun."""
    machine = read_environment()
    return Manifest(
        name=name,
        created=now,
        argv=command_line(),
        complete=False,
        seconds=None,
        seed=experiment.seed,
        slice_s=experiment.slice_s,
        pairing_s=experiment.pairing_s,
        start_limit_s=experiment.start_limit_s,
        a=_side_record(experiment.a),
        b=_side_record(experiment.b),
        scenarios=[
            ScenarioRecord(name=s.name, kind=s.kind, title=s.title, hypothesis=s.hypothesis)
            for s in experiment.scenarios
        ],
        blocks=[
            [PairingRecord(scenario=p.cell.scenario.name, load=p.cell.load, order=p.order) for p in block]
            for block in experiment.plan()
        ],
        driver=experiment.driver,
        workers=experiment.workers,
        database=experiment.database,
        observe=experiment.observe,
        server_cores=list(cores.server),
        driver_cores=list(cores.driver),
        environment=machine,
        events=[],
        validation=quoted_validation(machine),
        handlers=sources(experiment),
    )


def _side_record(side: Side) -> SideRecord:
    return SideRecord.model_validate({"spec": side.spec, "settings": side.settings()})
