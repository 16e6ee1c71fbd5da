"""Only what trains or feeds a network imports TensorFlow; the rest is quick to import."""

import ast
import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import course_utils

PROJECT = Path(__file__).parents[1]
# What may import Keras, and whether it may import TensorFlow itself as well.
WITH_KERAS = {
    "keras_metrics": False,
    "losses": False,
    "models": False,
    "pipeline": True,
    "training": True,
}
HEAVY = ("tensorflow", "keras", "torch", "jax")
CODE = """
import importlib, json, sys, time
began, found = time.perf_counter(), {}
for name in sys.argv[2:]:
    importlib.import_module(name)
    loaded = sorted(heavy for heavy in json.loads(sys.argv[1]) if heavy in sys.modules)
    found[name] = {"heavy": loaded, "seconds": time.perf_counter() - began}
print(json.dumps(found))
"""


def modules():
    walked = pkgutil.walk_packages(course_utils.__path__, "course_utils.")
    return ["course_utils", *(module.name for module in walked)]


def test_modules_without_training_import_no_tensorflow():
    names = [name for name in modules() if name.removeprefix("course_utils.") not in WITH_KERAS]
    light = "metrics datasets datasets.fetch datasets.samples datasets.sunnybrook plotting"
    light += " diagrams exercises runtime scoreboard environment"
    assert {f"course_utils.{name}" for name in light.split()} < set(names)
    done = subprocess.run(
        [sys.executable, "-c", CODE, json.dumps(HEAVY), *names],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert list(found) == names
    assert {name: entry["heavy"] for name, entry in found.items() if entry["heavy"]} == {}
    # How long it took is shown, not judged: benchmarks/imports.py measures it.
    print(f"{len(names)} modules imported in {found[names[-1]]['seconds']:.2f} s")


def imported(path):
    """Return the top packages that a module imports, wherever in it that stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.partition(".")[0]


def test_networks_and_metrics_run_on_any_keras_backend():
    for name, may in WITH_KERAS.items():
        path = PROJECT / "course_utils" / name.replace(".", "/")
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        packages = set(imported(path))
        assert "keras" in packages or path.name == "__init__.py"
        assert may or not packages & {"tensorflow", "torch", "jax"}, name


def test_the_package_knows_nothing_of_scripts_and_notebooks():
    scripts = {path.stem for path in (PROJECT / "data_scripts").glob("*.py")}
    assert scripts
    for path in (PROJECT / "course_utils").rglob("*.py"):
        assert not set(imported(path)) & (scripts | {"notebooks", "tests"}), path
