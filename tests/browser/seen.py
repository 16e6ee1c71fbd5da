"""What is wrong with a notebook as JupyterLab shows it. Each function yields what it finds."""

from course_utils.exercises import judge

SHOWN = """async image => {
    try { await image.decode(); } catch { return 0; }
    return image.naturalWidth;
}"""


def not_run(notebook):
    """Say which cells failed or did not run, and which of them wrote to the error stream."""
    if notebook.ask("window.died"):
        yield "the kernel died"
    yield from notebook.ask("errors")
    counts = notebook.ask("code.map(cell => [cell.model.id, cell.model.executionCount])")
    for wanted, (name, count) in enumerate(counts, start=1):
        if count != wanted:
            yield f"cell {name}: number {count} instead of {wanted}"
    red = "outputs(cell).filter(output => output.name === 'stderr').map(output => output.text)"
    for name, texts in notebook.ask(f"code.map(cell => [cell.model.id, {red}])"):
        for text in texts:
            yield f"cell {name}: in red: {text[:200]}"


def figures_missing(notebook, wanted):
    """Say which figures are not to be seen.

    Parameters
    ----------
    notebook : NotebookPage
    wanted : dict
        Id of a cell -> how many figures it shows at the least.
    """
    for name in notebook.ask("code.map(cell => cell.model.id)"):
        images = notebook.cell(name).locator(".jp-OutputArea-output img").all()
        if len(images) < wanted.get(name, 0):
            yield f"cell {name}: {len(images)} figures of {wanted[name]}"
        for image in images:
            image.scroll_into_view_if_needed()
            if not image.is_visible() or not image.evaluate(SHOWN):
                yield f"cell {name}: a figure is not to be seen"


def not_folded(notebook, wanted):
    """Say which folded parts stand open at first, or do not show their text when opened.

    Parameters
    ----------
    notebook : NotebookPage
    wanted : dict
        Id of a cell -> for each of its folded parts, words that stand in it.
    """
    for name, parts in wanted.items():
        found = notebook.cell(name).locator("details").all()
        if len(found) != len(parts):
            yield f"cell {name}: {len(found)} folded parts of {len(parts)}"
            continue
        for part, words in zip(found, parts, strict=True):
            inside = part.locator(":scope > :not(summary)")
            if part.get_attribute("open") is not None or any(map(_visible, inside.all())):
                yield f"cell {name}: a folded part stands open"
                continue
            part.locator("summary").click()
            texts = [one.inner_text() for one in inside.all() if one.is_visible()]
            if words not in " ".join(" ".join(texts).split()):
                yield f"cell {name}: opened, it does not show {words!r}"


def _visible(element):
    return element.is_visible()


def not_open(notebook, stubs):
    """Say which exercises do not begin by telling what is still missing."""
    for name in stubs:
        if judge.OPENINGS[judge.MISSING] not in (said := notebook.said(name)):
            yield f"cell {name}: says {said!r}"


def not_moving(notebook):
    """Say which figures with sliders stay as they are when a slider is moved."""
    for name in notebook.ask("code.map(cell => cell.model.id)"):
        for figure in notebook.cell(name).locator('[id^="interactive-"]').all():
            sliders = figure.locator("input[type=range]")
            if not sliders.count() or not figure.locator("svg").is_visible():
                yield f"cell {name}: a figure without sliders or drawing"
                continue
            before = figure.locator("svg").inner_html()
            sliders.first.focus()
            notebook.page.keyboard.press("ArrowLeft")
            if figure.locator("svg").inner_html() == before:
                yield f"cell {name}: a slider moves nothing"


def formulas_wrong(notebook):
    """Say which formulas stand there as their source, for an error or an unknown command."""
    spoken = notebook.page.locator("mjx-assistive-mml")  # what a screen reader is given
    for formula in spoken.locator("merror, mtext[mathcolor=red]").all():
        yield f"a formula is not set: {formula.text_content()}"
