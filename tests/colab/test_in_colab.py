"""Every chapter as a stranger opens it in Colab: the notebook alone, nothing else of the course.

COLAB_RUNTIME=requirements.lock python -m pytest tests/colab                  # all chapters
COLAB_RUNTIME=requirements.lock python -m pytest tests/colab -k 01_mri_mlp    # one
"""

import colab_runtime
import nbformat
import pytest
import session
from published import ADDRESS, TAG

from course_utils.chapters import CHAPTERS

if not colab_runtime.RUNTIME:
    pytest.skip("COLAB_RUNTIME names no list of versions", allow_module_level=True)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_chapter(chapter, published, runtimes, tmp_path):
    environment = runtimes()
    before = colab_runtime.inventory(environment)
    assert before.keys().isdisjoint({"segmentation-course", *colab_runtime.NOT_IN_COLAB})
    notebook = session.run(
        published.notebook(chapter),
        environment,
        tmp_path,
        published.git_config,
        COURSE_PROFILE="sample",
    )
    nbformat.write(notebook, colab_runtime.BUILT / f"{chapter}.ipynb")
    assert list(session.errors(notebook)) == []
    after = colab_runtime.inventory(environment)
    assert list(colab_runtime.changes(before, after)) == []
    found = session.answer(notebook)
    wrong = session.misplaced(found, environment, ADDRESS, TAG, published.commit, after)
    assert list(wrong) == []
