"""Fill the environment that runs this script with the oldest or the newest versions allowed.

    make test-oldest PYTHON=python3.12
    make test-newest

make calls it in an environment of its own under build/. For the oldest versions, pip fetches uv
into that environment first. The versions are left there in `oldest.txt` or `newest.txt`.
"""

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = ("local", "test")
# pyproject.toml leaves both to TensorFlow. Named here, they too are taken as old as it allows.
LEFT_TO_TENSORFLOW = "keras>=3\nnumpy>=1.26\n"


def oldest_options(python, also, target):
    """Return the arguments of `uv` that resolve pyproject.toml to its lower bounds.

    What the project does not name itself stays new: the oldest versions of those rarely fit
    together, and no reader has them.

    Parameters
    ----------
    python : str
        As in "3.12". A version without a ready-made file for it is passed over.
    also : path
        A file with `LEFT_TO_TENSORFLOW`.
    target : path
        The list to write.
    """
    extras = [word for extra in EXTRAS for word in ("--extra", extra)]
    options = (
        f"--resolution lowest-direct --prerelease disallow --only-binary :all: "
        f"--python-version {python} --generate-hashes --no-header --no-annotate "
        "--no-emit-index-url --no-emit-find-links --quiet --output-file"
    ).split()
    return ["pip", "compile", "pyproject.toml", str(also), *extras, *options, str(target)]


def install_oldest(folder, run):
    """Resolve and install the oldest versions.

    Parameters
    ----------
    folder : pathlib.Path
        The environment's folder, for the list.
    run : callable
        Gets a module's name and its arguments, and raises if that fails.
    """
    also, target = folder / "also.in", folder / "oldest.txt"
    also.write_text(LEFT_TO_TENSORFLOW, encoding="utf-8")
    target.unlink(missing_ok=True)  # uv keeps to a list that it finds
    run("pip", "install", "--quiet", "uv")
    run("uv", *oldest_options("{}.{}".format(*sys.version_info), also, target))
    run("pip", "install", "--quiet", "--require-hashes", "-r", str(target))
    run("pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "-e", ".")


def install_newest(folder, run):
    """Install the newest versions, as pip chooses them for a reader; see `install_oldest`."""
    run("pip", "install", "--quiet", "--upgrade", "-e", f".[{','.join(EXTRAS)}]")
    frozen = run("pip", "freeze", "--exclude-editable", stdout=subprocess.PIPE, text=True).stdout
    (folder / "newest.txt").write_text(frozen, encoding="utf-8")


INSTALL = {"oldest": install_oldest, "newest": install_newest}


def run_module(module, *arguments, **options):
    """Run a module of this Python in the project's folder; raise if it fails."""
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, **options)


def main(arguments=None):
    """Run the command line.

    Raises
    ------
    SystemExit
        Outside a virtual environment, or if the versions cannot be found or installed.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("versions", choices=INSTALL)
    chosen = parser.parse_args(arguments).versions
    if sys.prefix == sys.base_prefix:
        raise SystemExit("This would change your own Python. Use make test-oldest or test-newest.")
    folder = Path(sys.prefix)
    try:
        INSTALL[chosen](folder, run_module)
    except subprocess.CalledProcessError as error:
        raise SystemExit(
            f"{chosen} versions: {' '.join(error.cmd[1:4])} failed, see above."
        ) from None
    listed = (folder / f"{chosen}.txt").read_text(encoding="utf-8").splitlines()
    print("\n".join(line.split()[0] for line in listed if line and not line.startswith(" ")))


if __name__ == "__main__":
    main()
