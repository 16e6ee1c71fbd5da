"""Every command that the workflows and the instructors' page name exists, and so do its options."""

import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from functools import cache
from importlib.util import find_spec

import pytest
import stamp_repository
import yaml
from notebook_rules import ROOT
from test_project import files_of_the_project

from course_utils.chapters import CHAPTERS
from course_utils.datasets import catalog

FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = {path.stem: yaml.safe_load(path.read_text("utf-8")) for path in FOLDER.glob("*.yml")}
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.search(r"^\.PHONY: (.*(?:\n\.PHONY: .*)*)", MAKEFILE, re.M)[1].split())
TARGETS.discard(".PHONY:")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PYTHONS = [c.rsplit(" ", 1)[1] for c in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", c)]
PAGE = (ROOT / "docs" / "instructors.md").read_text(encoding="utf-8")
# What a surrounding make hands down would change what the one under test does.
HANDED_DOWN = re.compile(
    r"(MAKE\w*|MFLAGS|PYTHON|VERSIONS|PROFILE|CHAPTER|SEEDS|REPO|DATA|CELL_TIMEOUT|LAB_ARGS)$"
)
MAKE = os.name != "nt" and shutil.which("make")
needs_make = pytest.mark.skipif(not MAKE, reason="there is no make")


def jobs():
    """Yield (workflow, name, job)."""
    for workflow, content in WORKFLOWS.items():
        for name, job in content["jobs"].items():
            yield workflow, name, job


def filled_in(text, matrix):
    """Yield a text once for each combination of the values that it takes from the matrix."""
    names = sorted(set(re.findall(r"\$\{\{ matrix\.(\w+) \}\}", text)))
    for values in itertools.product(*(matrix[name] for name in names)):
        line = text
        for name, value in zip(names, values, strict=True):
            line = line.replace(f"${{{{ matrix.{name} }}}}", str(value))
        yield line


def workflow_commands():
    """Yield (command, its environment) of each `run:`; expressions of the run itself are "0"."""
    for _, _, job in jobs():
        matrix = job.get("strategy", {}).get("matrix", {})
        for step in job["steps"]:
            environment = job.get("env", {}) | step.get("env", {})
            keys, lines = list(environment), [step.get("run", ""), *environment.values()]
            for filled in filled_in("\0".join(lines), matrix):
                run, *values = re.sub(r"\$\{\{ [^}]* \}\}", "0", filled).split("\0")
                for line in run.splitlines():
                    yield line, dict(zip(keys, values, strict=True))


def page_commands():
    """Yield the lines of the page's blocks of code."""
    for block in re.findall(r"^```\n(.*?)^```", PAGE, re.M | re.S):
        yield from block.replace("\\\n", " ").splitlines()


COMMANDS = [*workflow_commands(), *((line, {}) for line in page_commands())]


def outer(environment):
    """Return this process's environment without what a surrounding make handed down."""
    kept = {key: value for key, value in os.environ.items() if not HANDED_DOWN.match(key)}
    return kept | environment


@cache
def help_of(*command):
    """Return what a Python command says of its options."""
    done = subprocess.run(
        [sys.executable, *command, "--help"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},  # as the editable install does
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def check_python(words):
    """Assert that the module or script of a Python command exists and has the options named."""
    if words[0] == "-c":
        compile(words[1], "-c", "exec")
        return
    if words[0] == "-m":
        module, *arguments = words[1:]
        assert find_spec(module), module
        start = ["-m", module]
        if module in ("pip", "ruff", "course_utils.exercises"):
            start.append(arguments[0])
        if module in ("venv", "jupyterlab"):
            return
    else:
        script, *arguments = words
        assert (ROOT / script).is_file(), script
        start = [script]
    options = {word.partition("=")[0] for word in arguments if word.startswith("--")}
    for option in options:
        assert re.search(rf"(?<![\w-]){option}(?![\w-])", help_of(*start)), (start, option)


def is_python(word):
    """Say whether a word is a Python, as the Makefile, the workflows or the page call one."""
    return bool(re.fullmatch(r"([\w./-]*/)?python[\d.]*", word)) or word == sys.executable


def check(line, environment):
    """Assert that a command could run."""
    words = shlex.split(line.replace("$<", "x"))
    while re.match(r"\w+=", words[0]):
        words.pop(0)
    if words[0] == "bwrap":  # the command that it shuts in
        words = words[words.index(".venv/bin/python") :]
    if words[0] == "make":
        check_make(words[1:], environment)
    elif is_python(words[0]):
        check_python(words[1:])
    else:
        assert os.access(ROOT / words[0], os.X_OK), line


def check_make(words, environment):
    """Assert that the targets and variables exist, and that what make would run could run."""
    given = dict(word.split("=", 1) for word in words if "=" in word)
    targets = [word for word in words if "=" not in word]
    assert targets
    assert set(targets) <= TARGETS
    for name in [*given, *environment]:
        assert re.search(rf"\b{name}\b", re.sub("^#.*", "", MAKEFILE, flags=re.M)), name
    given = environment | given
    chapter = given.get("CHAPTER", "01_mri_mlp")
    assert (ROOT / "notebooks" / f"{chapter}.ipynb").is_file(), chapter
    assert (ROOT / given.get("RUNTIME", "requirements.lock")).is_file(), given["RUNTIME"]
    if not MAKE:
        return
    done = subprocess.run(
        ["make", "--no-print-directory", "-n", *words],
        cwd=ROOT,
        env=outer({"PYTHON": "python3"} | environment),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    ran = [shlex.split(line) for line in done.stdout.replace("\\\n", " ").splitlines()]
    for command in ran:
        while re.match(r"\w+=", command[0]):
            command.pop(0)
        if is_python(command[0]):
            check_python(command[1:])


def test_there_are_commands_to_check():
    assert set(WORKFLOWS) == {"test", "weekly", "gpu"}
    lines = [line for line, _ in COMMANDS]
    assert ".ci/run" in lines
    assert {"make test-newest", "make test-oldest", "make links", "make gpu"} <= set(lines)
    assert sum(line == "make results" for line in lines) == len(CHAPTERS)


@pytest.mark.parametrize(("line", "environment"), COMMANDS, ids=lambda value: str(value)[:60])
def test_command_exists(line, environment):
    if line == ".ci/run" and os.name == "nt":
        pytest.skip("there is no executable bit here")
    check(line, environment)


@pytest.mark.parametrize(
    "line",
    [
        "make no-such-target",
        "make data NO_SUCH=1",
        "make test-notebooks CHAPTER=99_none",
        "make test-colab RUNTIME=tests/colab/none.txt",
        "python data_scripts/none.py",
        "python data_scripts/fetch_data.py --no-such-option",
        "python -m pytest --no-such-option tests",
        "python -m no_such_module",
        ".ci/none",
        "bwrap --tmpfs /tmp .venv/bin/python data_scripts/none.py",
    ],
)
def test_what_does_not_exist_is_noticed(line):
    with pytest.raises(AssertionError):
        check(line, {})


@needs_make
def test_every_target_could_run_and_is_named_at_the_top():
    for target in sorted(TARGETS):
        check_make([target, "CHAPTER=01_mri_mlp", "REPO=some-one/course"], {})
    comment = MAKEFILE.split("\n\n")[0]
    assert TARGETS - set(re.findall(r"make ([a-z-]+)", comment)) <= {"clean"}


@needs_make
def test_one_chapter_or_all_in_the_profile_asked_for():
    def notebooks(*words):
        made = ["make", "-n", "test-notebooks", *words]
        return subprocess.check_output(made, cwd=ROOT, env=outer({}), text=True)

    assert "COURSE_PROFILE=sample " in notebooks()
    assert notebooks().rstrip().endswith(" notebooks/")
    one = notebooks("CHAPTER=02_mri_fcn", "PROFILE=full")
    assert "COURSE_PROFILE=full " in one
    assert one.rstrip().endswith(" notebooks/02_mri_fcn.ipynb")


@needs_make
def test_other_versions_have_an_environment_of_their_own():
    words = ["make", "-n", "test-package", "VERSIONS=oldest", "PYTHON=python3"]
    said = subprocess.check_output(words, cwd=ROOT, env=outer({}), text=True)
    assert "build/oldest-python3/bin/python -m pytest tests" in said
    assert ".venv" not in said


def test_same_pythons_everywhere():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    in_words = f"Python {', '.join(PYTHONS[:-1])} or {PYTHONS[-1]}"
    assert in_words in readme
    assert in_words in MAKEFILE
    assert PROJECT["requires-python"] == f">={PYTHONS[0]}"
    for workflow, name in (("test", "all"), ("weekly", "versions")):
        assert WORKFLOWS[workflow]["jobs"][name]["strategy"]["matrix"]["python"] == PYTHONS
    for _, _, job in jobs():
        for step in job["steps"]:
            version = step.get("with", {}).get("python-version", PYTHONS[0])
            assert version in [*PYTHONS, "${{ matrix.python }}"]
    assert WORKFLOWS["gpu"]["jobs"]["full"]["env"]["PYTHON"] in [f"python{p}" for p in PYTHONS]


def test_workflows_run_when_they_should():
    triggers = {name: content[True] for name, content in WORKFLOWS.items()}  # YAML's `on`
    assert set(triggers["test"]) == {"push", "pull_request"}
    assert triggers["test"] == {"push": None, "pull_request": None}
    for name in ("weekly", "gpu"):
        assert set(triggers[name]) == {"schedule", "workflow_dispatch"}
        [minute_to_weekday] = [t["cron"].split() for t in triggers[name]["schedule"]]
        assert minute_to_weekday[2:4] == ["*", "*"]
        assert minute_to_weekday[4] in "0123456"


def test_workflows_may_little_and_end():
    for workflow, content in WORKFLOWS.items():
        assert content["permissions"] == {"contents": "read"}, workflow
        assert content["concurrency"]["group"], workflow
    for workflow, name, job in jobs():
        assert "permissions" not in job, (workflow, name)
        assert 0 < job["timeout-minutes"] <= 360, (workflow, name)
        for step in job["steps"]:
            if "uses" in step:
                assert re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"]), step["uses"]


def test_gpu_run_is_off_until_asked_for_and_takes_every_chapter():
    job = WORKFLOWS["gpu"]["jobs"]["full"]
    assert job["if"] == "vars.GPU_RUNNER != ''"
    assert job["runs-on"] == ["self-hosted", "${{ vars.GPU_RUNNER }}"]
    assert job["strategy"]["matrix"]["chapter"] == list(CHAPTERS)
    assert job["env"]["PROFILE"] == "full"


def test_no_image_of_a_data_set_is_uploaded():
    uploads = [
        step["with"]["path"].splitlines()
        for _, _, job in jobs()
        for step in job["steps"]
        if "upload" in step.get("uses", "")
    ]
    assert len(uploads) == 1
    assert {path.rpartition(".")[2] for path in uploads[0]} == {"json", "log"}


def test_every_data_address_is_asked_for_weekly():
    rows = WORKFLOWS["weekly"]["jobs"]["data"]["strategy"]["matrix"]["data"]
    asked = [word for row in rows for word in row.split() if word != "--weights"]
    loadable = [name for name, entry in catalog.CATALOG.items() if entry.layout]
    assert sorted(asked) == sorted([*loadable, *catalog.WEIGHTS])


def test_the_page_names_only_what_there_is():
    assert set(re.findall(r"`make ([a-z-]+)", PAGE.replace("`make\n", "`make "))) <= TARGETS
    for name in re.findall(r"`([\w./-]+\.(?:py|yml|lock|toml|md))`", PAGE):
        assert (ROOT / name).exists() or (FOLDER / name).exists(), name
    for link in re.findall(r"\]\(([^)]+)\)", PAGE):
        assert (ROOT / "docs" / link).exists(), link


@pytest.fixture
def copy(tmp_path):
    """A copy of the project's text, not yet stamped."""
    for path in files_of_the_project():
        name = path.relative_to(ROOT)
        if "tests" not in name.parts and path.suffix != ".png":
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, tmp_path / name)
    stamp_repository.stamp(stamp_repository.PLACEHOLDER, tmp_path)
    return tmp_path


def make_badges(folder, *words):
    """Run `make badges` in a copy."""
    return subprocess.run(
        ["make", "badges", f"PYTHON={sys.executable}", *words],
        cwd=folder,
        env=outer({}),
        capture_output=True,
        text=True,
        timeout=60,
    )


def naming(folder, what):
    """Return the files of a copy that hold a text."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {p.name for p in paths if what in p.read_text("utf-8", errors="replace")}


@needs_make
def test_badges_restamps_everything_in_one_step(copy):
    before = naming(copy, "not-stamped") - {"stamp_repository.py"}
    assert {"README.md", "pyproject.toml"} < before
    done = make_badges(copy, "REPO=some-one/a.course")
    assert done.returncode == 0, done.stderr
    assert naming(copy, "not-stamped") == {"stamp_repository.py"}
    assert naming(copy, "some-one/a.course") == before
    assert done.stdout.count("stamped ") == len(before)


@needs_make
@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "Which repository? make badges REPO=owner/name"),
        (["REPO=course"], "or OWNER/NAME, got 'course'"),
        (["REPO=me/my course"], "or OWNER/NAME, got 'me/my course'"),
        (["REPO=https://gitlab.com/me/course"], "or OWNER/NAME, got 'https://gitlab.com/"),
        (["REPO=owner/name"], "owner/name is the example. Name your own"),
    ],
)
def test_badges_tells_a_wrong_repository_plainly(copy, words, told):
    before = naming(copy, "not-stamped")
    done = make_badges(copy, *words)
    assert done.returncode
    assert told in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert naming(copy, "not-stamped") == before


def test_a_chapter_from_another_repository_is_restamped_too(copy):
    stamp_repository.stamp("https://github.com/upstream/course", copy)
    theirs = (copy / "notebooks" / "01_mri_mlp.ipynb").read_bytes()
    unstamped = (ROOT / "notebooks" / "02_mri_fcn.ipynb").read_bytes()
    stamp_repository.stamp("me/fork", copy)
    (copy / "notebooks" / "01_mri_mlp.ipynb").write_bytes(theirs)
    (copy / "notebooks" / "02_mri_fcn.ipynb").write_bytes(unstamped)
    changed = stamp_repository.stamp("me/fork", copy)
    assert {path.name for path in changed} == {"01_mri_mlp.ipynb", "02_mri_fcn.ipynb"}
    assert not naming(copy, "upstream/course")
    assert naming(copy, "not-stamped") == {"stamp_repository.py"}
