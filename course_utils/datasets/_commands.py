"""The course's command lines, as they can be typed where a reader stands."""

import os
import sys
from pathlib import Path

_SCRIPTS = Path(__file__).resolve().parents[2] / "data_scripts"


def command_of(script: str) -> str:
    """How to run a file of ``data_scripts`` with the Python that runs now, from this folder."""
    return f"{quoted(_from_here(sys.executable))} {quoted(_from_here(_SCRIPTS / script))}"


def quoted(path: Path | str) -> str:
    """A path for a command line."""
    return f'"{path}"' if " " in str(path) else str(path)


def _from_here(path: Path | str) -> str:
    # Not resolved: the Python of an environment is a link to another that lacks its packages.
    try:
        return str(Path(path).relative_to(os.getcwd()))
    except ValueError:
        return str(path)
