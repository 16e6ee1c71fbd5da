"""Only what trains or feeds a network imports TensorFlow, and imports point one way."""

import ast
import pkgutil
import subprocess
import sys
from pathlib import Path

import course_utils

PROJECT = Path(__file__).parents[1]
# What may import Keras, and whether it may import TensorFlow by itself as well.
WITH_KERAS = {
    "first_look": False,
    "inference": False,
    "keras_metrics": False,
    "losses": False,
    "models": False,
    "multiworker": True,
    "pipeline": True,
    "serve": False,
    "training": True,
}
# Each takes a second or more, or is in no reader's environment.
HEAVY = {
    "tensorflow",
    "keras",
    "torch",
    "jax",
    "segmentation_models",
    "sklearn",
    "pandas",
    "pydicom",
}
CODE = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(*sys.modules)
"""


def imported(path):
    """Return the top packages that a module imports, wherever in it that stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.partition(".")[0]


def paths_of(folder):
    found = sorted((PROJECT / folder).rglob("*.py"))
    assert found, folder
    return found


def test_modules_without_training_import_nothing_heavy():
    walked = pkgutil.walk_packages(course_utils.__path__, "course_utils.")
    names = [one.name for one in walked if one.name.split(".")[1] not in WITH_KERAS]
    light = "chapters datasets environment exercises metrics plotting runtime scoreboard".split()
    assert {f"course_utils.{name}" for name in light} < set(names)
    done = subprocess.run(
        [sys.executable, "-c", CODE, *names], capture_output=True, text=True, cwd=PROJECT
    )
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()).isdisjoint(HEAVY)


def test_networks_losses_and_metrics_run_on_any_keras_backend():
    for path in paths_of("course_utils"):
        top = path.relative_to(PROJECT / "course_utils").parts[0].removesuffix(".py")
        if not WITH_KERAS.get(top, True):
            assert {"tensorflow", "torch", "jax"}.isdisjoint(imported(path)), path


def test_the_package_knows_nothing_of_what_uses_it():
    users = {path.stem for folder in ("tools", "data_scripts") for path in paths_of(folder)}
    for path in paths_of("course_utils"):
        assert (users | {"tools", "tests"}).isdisjoint(imported(path)), path
