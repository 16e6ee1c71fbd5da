"""Write requirements.lock: one set of versions, with the hashes of all their files.

    python -m pip install uv
    python data_scripts/lock.py            keep what still fits, change what pyproject.toml asks for
    python data_scripts/lock.py --upgrade  the newest versions that fit together

The lock holds for Python 3.11 to 3.13 on Linux, Windows and macOS. It names no package index, so
that it works with whichever one pip is set up for.
"""

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEADER = "# Written by data_scripts/lock.py from pyproject.toml. Do not edit.\n"


def lock(target, upgrade=False):
    """Resolve pyproject.toml's extras `local` and `test` into the file `target`.

    Raises
    ------
    SystemExit
        If uv is not installed, finds no versions that fit together, or names an address.
    """
    if subprocess.run([sys.executable, "-m", "uv", "--version"], capture_output=True).returncode:
        raise SystemExit("This script needs uv: python -m pip install uv")
    options = (
        "--extra local --extra test --universal --python-version 3.11 --fork-strategy fewest "
        "--generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links"
    ).split()
    if upgrade:
        options.append("--upgrade")
    command = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", *options]
    subprocess.run([*command, "--quiet", "--output-file", target], cwd=ROOT, check=True)
    text = Path(target).read_text(encoding="utf-8")
    if "://" in text:
        raise SystemExit(f"{target} names an address; only versions and hashes belong there.")
    Path(target).write_text(HEADER + text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--upgrade", action="store_true", help="move to the newest versions")
    lock(ROOT / "requirements.lock", parser.parse_args().upgrade)
