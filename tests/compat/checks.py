"""What the suites share: the server they are given, a check that has a name, and what it insists on.

Each is run as `SUITE.py ADDRESS ROOT_TOKEN`. It prints one line a check; the first failure ends the
run with the check's name and a status of 1.
"""

import contextlib
import sys

ADDRESS, TOKEN = sys.argv[1:]


@contextlib.contextmanager
def check(name):
    """Names what its block shows."""
    try:
        yield
    except Exception as error:
        print(f"FAILED {name}: {type(error).__name__}: {error}")
        raise SystemExit(1) from error
    print(f"ok     {name}")


def equal(left, right):
    """Insists that two values are the same."""
    if left != right:
        raise AssertionError(f"{left!r} is not {right!r}")
