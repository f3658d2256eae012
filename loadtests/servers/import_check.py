"""Import an app in a process of its own: ``python -m loadtests.servers.import_check module:app``."""

import importlib
import sys

from loadtests.system.processes import exit_with_parent


def main() -> None:
    """Exit with 0 if the app is there, else with its import's last word on standard error."""
    exit_with_parent()
    sys.path.insert(0, "")
    module, _, attribute = sys.argv[1].partition(":")
    try:
        getattr(importlib.import_module(module), attribute)
    except SystemExit as error:
        sys.exit(f"it exits when it is imported ({error.code})")
    except Exception as error:  # an app's import may raise anything
        sys.exit(f"{type(error).__name__}: {error}".splitlines()[0])


if __name__ == "__main__":
    main()
