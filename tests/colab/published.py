"""The course as it stands on GitHub, in a repository of this machine that git takes for it."""

import json
import subprocess
import sys
from typing import NamedTuple

from notebook_rules import ROOT
from test_project import files_of_the_project

# Nobody can register a name with two hyphens side by side.
NAME = "no--body/segmentation-course"
TAG = "v0.1.0-colab"
ADDRESS = f"https://github.com/{NAME}"


class Published(NamedTuple):
    """A stamped copy of the project, the commit of its tag, and git's settings that lead there."""

    copy: object
    commit: str
    git_config: object

    def notebook(self, chapter):
        """Return a chapter as it is at the tag."""
        show = ["git", "show", f"{TAG}:notebooks/{chapter}.ipynb"]
        return json.loads(subprocess.check_output(show, cwd=self.copy))


def leading_to(place, path):
    """Write settings of git with which GitHub's addresses lead to another place."""
    path.write_text(f'[url "{place}"]\n\tinsteadOf = https://github.com/\n', encoding="utf-8")
    return path


def publish(folder):
    """Stamp a copy of the project, commit and tag it, and let its main branch go astray after that.

    Returns
    -------
    Published
    """
    copy = folder / "work"
    for path in files_of_the_project():
        target = copy / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    stamp = [sys.executable, "data_scripts/stamp_repository.py", f"{NAME}@{TAG}"]
    subprocess.run(stamp, cwd=copy, check=True, stdout=subprocess.DEVNULL)

    def git(*words):
        who = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.invalid"]
        command = ["git", *who, "-c", "commit.gpgsign=false", *words]
        return subprocess.check_output(command, cwd=copy, text=True).strip()

    git("init", "--quiet", "--initial-branch=main")
    git("add", "--all")
    git("commit", "--quiet", "--message=The course")
    git("tag", TAG)
    commit = git("rev-parse", "HEAD")
    later = 'raise ImportError("this is the main branch, not the tag")\n'
    (copy / "course_utils" / "__init__.py").write_text(later, encoding="utf-8")
    git("commit", "--quiet", "--all", "--message=Not fit for readers")
    git("clone", "--quiet", "--bare", ".", str(folder / "github" / NAME))
    place = (folder / "github").as_uri() + "/"
    return Published(copy, commit, leading_to(place, folder / "gitconfig"))
