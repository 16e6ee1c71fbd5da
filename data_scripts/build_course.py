"""Run every chapter on made-up data and leave them as web pages with an index.

    python data_scripts/build_course.py
    python data_scripts/build_course.py --save   also save the outputs in notebooks/, for git

Open build/course/index.html afterwards.
"""

import argparse
import html
import re
import sys
import time
from pathlib import Path

import nbformat
from jinja2 import DictLoader
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbconvert import HTMLExporter
from notebook_runner import NOTEBOOKS, ROOT, execute, read

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Semantic segmentation: the course</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1.05rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto;
       padding: 0 1rem; }}
li {{ margin: 1.2rem 0; }}
a {{ font-weight: 600; }}
small {{ opacity: 0.75; }}
</style>
</head>
<body>
<h1>Semantic segmentation: the course</h1>
<p>Every chapter as it runs on made-up data (the sample profile), from top to bottom. The figures
are those of a few seconds of training; what the real data gives stands in each scoreboard.</p>
<ol start="0">
{items}
</ol>
</body>
</html>
"""

# What nbconvert's pages lack: dark colours, a column's width, and code that can be scrolled.
STYLE = """<meta name="color-scheme" content="light dark">
<style media="(prefers-color-scheme: dark)">
{dark}
</style>
<style>
body.jp-Notebook {{ max-width: 62rem; margin: auto; }}
body.jp-Notebook .jp-InputArea-editor {{ overflow-x: auto; }}
</style>
"""

# nbconvert's "lab" pages leave out what a figure says to readers who cannot see it.
TEMPLATE = """{%- extends "lab/index.html.j2" -%}
{%- block data_png -%}
{%- set alt = output | get_metadata("alt", "image/png") or "Figure" -%}
{{ super() | replace("<img ", '<img alt="' ~ (alt | escape_html) ~ '" ', 1) }}
{%- endblock -%}
"""


def title_and_promise(notebook):
    """Return the chapter's title and its first paragraph as plain text."""
    first = next(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    paragraphs = [part.strip() for part in first.split("\n\n") if part.strip()]
    title = paragraphs[0].splitlines()[0].lstrip("# ").strip()
    prose = [p for p in paragraphs[1:] if not p.startswith(("[![", "#", "|", ">", "-", "<"))]
    promise = re.sub(r"\[([^\]]*)\]\([^)]*\)|[*_`]", r"\1", prose[0]) if prose else ""
    return title, " ".join(promise.split())


def to_html(notebook, title):
    """Return the notebook as one web page; links between chapters lead to their pages.

    It follows the reader's choice of light or dark, and is read on a telephone as on a wide screen.
    """
    # With embed_images=True nbconvert closes each <details> at once, and solutions stand open.
    exporter = HTMLExporter(
        extra_loaders=[DictLoader({"course.html.j2": TEMPLATE})], template_file="course.html.j2"
    )
    page, _ = exporter.from_notebook_node(notebook, resources={"metadata": {"name": title}})
    jinja = exporter.environment
    dark, _, _ = jinja.loader.get_source(jinja, "static/theme-dark.css")
    page = page.replace("</head>", STYLE.format(dark=dark) + "</head>", 1)
    page = re.sub(r'href="(?:\./)?([\w.-]+)\.ipynb', r'href="\1.html', page)
    return page.replace('href="../', 'href="../../')  # the pages lie one folder deeper


def build(target, notebooks=NOTEBOOKS, echo=print, cell_timeout=600, save=False):
    """Execute the notebooks and write their pages and index.html.

    Parameters
    ----------
    target, notebooks : pathlib.Path
        Folders of the pages and of the chapters.
    echo : callable
        Gets a line for each chapter.
    cell_timeout : int
        Seconds one cell may take.
    save : bool
        Also save the chapters that reached their end, with their outputs, where they are.

    Returns
    -------
    list of str
        The chapters that failed; their pages show how far they got.
    """
    target.mkdir(parents=True, exist_ok=True)
    items, failed = [], []
    for path in sorted(notebooks.glob("*.ipynb")):
        notebook, begin, note = read(path), time.monotonic(), ""
        try:
            execute(
                notebook,
                folder=path.parent,
                cell_timeout=cell_timeout,
                COURSE_PROFILE="sample",
                COURSE_SEED="0",
            )
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            echo(f"{path.name} failed: {error}")
            failed.append(path.stem)
            note = " · failed"
        else:
            if save:
                notebook.metadata = read(path).metadata  # the kernel adds its versions to it
                nbformat.write(notebook, path)
        seconds = time.monotonic() - begin
        title, promise = title_and_promise(notebook)
        page = to_html(notebook, title)
        (target / f"{path.stem}.html").write_text(page, encoding="utf-8")
        items.append(
            f'<li><a href="{path.stem}.html">{html.escape(title)}</a><br>{html.escape(promise)}'
            f"<br><small>ran in {seconds:.0f} s{note}</small></li>"
        )
        echo(f"{path.stem}: {seconds:.0f} s{note}")
    (target / "index.html").write_text(PAGE.format(items="\n".join(items)), encoding="utf-8")
    echo(f"Open {target / 'index.html'}")
    return failed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--target", type=Path, default=ROOT / "build" / "course")
    parser.add_argument("--save", action="store_true", help="save the outputs in notebooks/ too")
    chosen = parser.parse_args()
    sys.exit(1 if build(chosen.target, save=chosen.save) else 0)
