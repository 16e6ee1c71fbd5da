"""Say in a line that the Python which runs a script lacks what the course needs."""

import os
from contextlib import contextmanager

PYTHON = r".venv\Scripts\python" if os.name == "nt" else ".venv/bin/python"


@contextmanager
def needed():
    """Around a script's imports.

    Raises
    ------
    SystemExit
        If a module is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise SystemExit(
            f"{error}. Run this with {PYTHON} in the course's folder (`make lab` sets it up), "
            "or with the Python of the conda environment."
        ) from None
