"""The workflows can be read, and what they, the pages and the Makefile name exists."""

import json
import re
import shlex
import subprocess
import sys

import pytest
import yaml
from notebook_rules import ROOT

from course_utils.chapters import CHAPTERS
from course_utils.datasets import catalog

PATHS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
WORKFLOWS = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in PATHS}
JOBS = [job for workflow in WORKFLOWS.values() for job in workflow["jobs"].values()]
STEPS = [step for job in JOBS for step in job["steps"]]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(" ".join(re.findall(r"^\.PHONY:(.*)", MAKEFILE, re.M)).split())
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "docs" / "instructors.md"]


def commands(path):
    """Return the commands of a workflow, of a page's blocks and its text, or of the Makefile."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    if path.suffix == ".yml":
        text = re.sub(r"\$\{\{ matrix\.(\w+) \}\}", r"$\1", text)
        return re.findall(r"^ +- run: (.*)", text, re.M)
    if path.suffix == ".md":
        block = re.compile(r"^(```+)\w*\n(.*?)^\1$", re.M | re.DOTALL)
        lines = "\n".join(found[2] for found in block.finditer(text)).splitlines()
        return [*lines, *re.findall(r"`([^`]+)`", block.sub("", text))]
    return re.findall(r"^\t@?(.*)", text, re.M)


@pytest.mark.parametrize("path", [*PATHS, *PAGES, ROOT / "Makefile"], ids=lambda path: path.name)
def test_what_commands_name_exists(path):
    found = commands(path)
    assert found
    for line in found:
        made = re.search(r"(?:^|[A-Z]=\S+ )make ((?:\S+ ?)+)", line)
        for word in shlex.split(made[1], comments=True) if made else []:
            name, assigned, value = word.partition("=")
            if assigned:
                assert re.search(rf"\b{name}\b", re.sub("^#.*", "", MAKEFILE, flags=re.M)), line
                assert name != "CHAPTER" or set(value.split()) <= {*CHAPTERS, "NN_data_model"}, line
            else:
                assert name in TARGETS or "$versions" in name, line
        for script in re.findall(r"\b(?:tools|data_scripts|tests)/\S+\.(?:py|txt)", line):
            source = (ROOT / script).read_text(encoding="utf-8")
            for option in re.findall(r" (--[a-z-]+)", line.partition(script)[2]):
                assert f'"{option}"' in source, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_and_links_of_pages_exist(page):
    text = page.read_text(encoding="utf-8")
    places = ROOT, PATHS[0].parent
    for name in re.findall(r"`([\w.-]+/[\w./-]+\.\w+|[\w-]+\.yml)`", text):
        if not re.search(r"NN|CHAPTER|^build/", name):
            assert any((place / name).exists() for place in places), name
    for link in re.findall(r"\]\((?!https?:)([^)#]+)[)#]", text):
        assert (page.parent / link).exists(), link


def test_workflows_may_little_and_end():
    assert all(workflow["permissions"] == {"contents": "read"} for workflow in WORKFLOWS.values())
    assert not any("permissions" in job for job in JOBS)  # a job's own would take their place
    assert all(0 < job["timeout-minutes"] <= 360 for job in JOBS)
    for uses in (step["uses"] for step in STEPS if "uses" in step):
        # GitHub's own by version, those of others by commit.
        assert re.fullmatch(r"actions/[\w-]+@v\d+|[\w-]+/[\w-]+@[0-9a-f]{40}", uses), uses


def test_gpu_run_is_off_until_asked_for_takes_every_chapter_and_uploads_no_picture():
    jobs = WORKFLOWS["gpu"]["jobs"]
    assert jobs["chapters"]["if"] == "vars.GPU_RUNNER != ''" and jobs["full"]["needs"] == "chapters"
    [listing] = [step["run"] for step in jobs["chapters"]["steps"] if "run" in step]
    command = [sys.executable, "-c", shlex.split(listing)[2]]
    printed = subprocess.check_output(command, cwd=ROOT, text=True)
    assert json.loads(printed.removeprefix("names=")) == list(CHAPTERS)
    [upload] = [step for step in STEPS if "upload" in step.get("uses", "")]
    endings = {path.rpartition(".")[2] for path in upload["with"]["path"].splitlines()}
    assert endings == {"json", "log"}


def test_every_data_address_is_asked_for_weekly():
    [when] = WORKFLOWS["weekly"][True]["schedule"]  # to YAML the key `on` is True
    assert re.fullmatch(r"\d+ \d+ \* \* [0-6]", when["cron"])
    rows = WORKFLOWS["weekly"]["jobs"]["data"]["strategy"]["matrix"]["data"]
    asked = [word for row in rows for word in row.split() if word != "--weights"]
    loadable = [name for name, entry in catalog.CATALOG.items() if entry.layout]
    assert sorted(asked) == sorted([*loadable, *catalog.WEIGHTS])
