"""Whether this machine is fit to measure on. Each check reads a little and decides on values, so that it can be tested.

Written for Linux; on macOS it says what it can't see, which nobody has tried yet.
"""

from loadtests.doctor.check import Check
from loadtests.doctor.clock import check_clock
from loadtests.doctor.cores import check_cores, check_governor
from loadtests.doctor.database import check_database
from loadtests.doctor.driver import check_driver_ceiling
from loadtests.doctor.folder import check_folder
from loadtests.doctor.limits import check_open_files, check_ports
from loadtests.doctor.neighbours import check_load, check_noise, check_steal
from loadtests.doctor.sample import take
from loadtests.doctor.versions import check_tools, check_versions
from loadtests.system.cores import assign_cores


def examine(database_url: str | None) -> list[Check]:
    """Carry out every check; takes some four seconds. Raises UsageError if the URL is not of a known database."""
    cores = assign_cores()
    database = check_database(database_url)  # first, for its URL may be wrong
    sample = take(cores)
    return [
        check_cores(cores),
        check_governor(cores),
        check_load(sample),
        check_steal(sample),
        check_noise(sample),
        check_open_files(),
        check_clock(sample),
        check_versions(),
        check_tools(),
        check_driver_ceiling(cores),
        check_ports(),
        check_folder(),
        *database,
    ]
