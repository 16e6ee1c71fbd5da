"""Sphinx makes the site from README, the saved notebooks and the pages beside them: `make site`."""

import json
import re
import shutil
import sys
import tomllib
from pathlib import Path

from docutils import nodes
from latex2mathml.converter import convert

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from course_utils.chapters import CHAPTERS  # noqa: E402

settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
address = settings["project"]["urls"]["Repository"]
stamped = ".invalid/" not in address  # until then there is nowhere that a button could lead

project = "Semantic segmentation"
author = "The authors of the segmentation course"
copyright = f"2026, {author}. Text and figures CC BY 4.0, code BSD 3-Clause"
root_doc = "README"
include_patterns = [
    "README.md",
    "CONTRIBUTING.md",
    "notebooks/*.ipynb",
    "docs/*.md",
    "results/*.md",
]
exclude_patterns = [".venv", "build", ".git"]
extensions = ["myst_nb"]
nb_execution_mode = "off"  # the outputs are those that are saved
myst_heading_anchors = 3
myst_enable_extensions = ["dollarmath"]
html_math_renderer = "mathml"
suppress_warnings = ["mystnb.unknown_mime_type"]

html_theme = "sphinx_book_theme"
html_title = project
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "home_page_in_toc": True,
    "show_toc_level": 2,
    "use_download_button": False,
    "use_fullscreen_button": False,
    "navbar_persistent": [],  # the search field stands in the sidebar
}
if stamped:
    html_theme_options |= {
        "repository_url": address,
        "repository_provider": "github",
        "repository_branch": settings["tool"]["segmentation-course"]["tag"] or "main",
        "path_to_docs": "",
        "use_repository_button": True,
        "launch_buttons": {"colab_url": "https://colab.research.google.com"},
    }

CONTENTS = """
```{{toctree}}
:hidden:
:caption: Chapters

{chapters}
```

```{{toctree}}
:hidden:
:caption: More

docs/glossary
results/README
docs/instructors
CONTRIBUTING
```
"""
BADGE = re.compile(r"\s*\[!\[Open in Colab\]\([^)]*\)\]\([^)]*\)")


def prepare(app, name, source):
    """Take away the Colab badges, for which a page has its button, and give README the contents."""
    if name.startswith("notebooks/"):
        notebook = json.loads(source[0])
        title = notebook["cells"][0]
        title["source"] = BADGE.sub("", "".join(title["source"]))
        for cell in notebook["cells"]:
            if cell["id"] == "setup":  # the same in every chapter
                cell["metadata"]["tags"] = ["hide-input"]
        source[0] = json.dumps(notebook)
    elif name == root_doc:
        chapters = "\n".join(f"notebooks/{chapter}" for chapter in CHAPTERS)
        source[0] = BADGE.sub("", source[0]) + CONTENTS.format(chapters=chapters)


def describe_figures(app, doctree):
    """Give each figure its text, which the notebooks keep as the figure's plain form."""
    for bundle in doctree.findall(nodes.container):
        if bundle.get("nb_element") != "mime_bundle":
            continue
        forms = {form.get("mime_type"): form for form in bundle.children}
        if "text/plain" in forms:
            for image in bundle.findall(nodes.image):
                image["alt"] = forms["text/plain"].astext().strip()


def write_formula(translator, node):
    """Write a formula as MathML, which browsers and screen readers know without a script."""
    display = "block" if isinstance(node, nodes.math_block) else "inline"
    translator.body.append(convert(node.astext(), display=display))
    raise nodes.SkipNode


def write_index(app, error):
    """Let the folder's own address lead to the front page."""
    if not error:
        shutil.copy(Path(app.outdir, "README.html"), Path(app.outdir, "index.html"))


def setup(app):
    """Hook all this into Sphinx."""
    app.add_html_math_renderer("mathml", (write_formula, None), (write_formula, None))
    app.connect("source-read", prepare)
    app.connect("doctree-read", describe_figures)
    app.connect("build-finished", write_index)
