"""Fixtures: the course's repository, and a runtime as Colab hands it to a new notebook."""

import shutil
from pathlib import Path

import colab_runtime
import published as publishing
import pytest


@pytest.fixture(scope="session")
def published(tmp_path_factory):
    """The course, stamped and tagged, where git finds it at GitHub's address."""
    return publishing.publish(tmp_path_factory.mktemp("published"))


@pytest.fixture(scope="session")
def built():
    """The folder of the environment that every runtime here is a copy of."""
    return colab_runtime.build(Path(colab_runtime.RUNTIME).absolute())


@pytest.fixture(scope="module")
def runtimes(built, tmp_path_factory):
    """Return a function that makes a fresh runtime; they go with the module."""
    made = []

    def fresh():
        # Beside the original: hard links do not lead to another disk.
        made.append(built.with_name(f"{built.name}-copy{len(made)}"))
        shutil.rmtree(made[-1], ignore_errors=True)  # what a killed run left
        return colab_runtime.copy(built, made[-1])

    yield fresh
    for folder in made:
        shutil.rmtree(folder, ignore_errors=True)
