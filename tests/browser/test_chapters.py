"""Each chapter in JupyterLab and a headless Chromium, as a reader uses it: `make test-browser`.

CHROMIUM=chromium python -m pytest tests/browser -k 01_mri_mlp
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import nbformat
import pytest
from notebook_rules import ROOT
from test_project import files_of_the_project

from course_utils.chapters import CHAPTERS

# The browser's program. What needs it takes minutes, and runs only where it is named.
CHROMIUM = os.environ.get("CHROMIUM")
if not CHROMIUM:
    pytest.skip("CHROMIUM does not name a browser's program", allow_module_level=True)

PICTURES = ROOT / "build" / "browser"
MINUTE = 60_000  # in milliseconds, as the browser's waits are
# No questions at the first start; all cells in the page at once, not only those in sight.
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
}
NAMES = """
    const panel = [...(window.jupyterapp?.shell.widgets('main') ?? [])].find(one => one.context);
    const code = panel?.content.widgets.filter(cell => cell.model.type === 'code') ?? [];
    const counts = code.map(cell => cell.model.executionCount);
    const errors = code.flatMap(cell => cell.model.outputs.toJSON()
        .filter(output => output.output_type === 'error' || output.name === 'stderr')
        .map(output => `${cell.model.id}: ${output.evalue ?? output.text}`));
    const kernel = panel?.sessionContext.session?.kernel;
"""
SHOWN = """async image => {
    image.closest('details')?.setAttribute('open', '');
    try { await image.decode(); } catch { return 0; }
    return image.checkVisibility() && image.naturalWidth;
}"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Where JupyterLab shows a notebook, run by `make lab` on a copy without outputs."""
    folder, copy = tmp_path_factory.mktemp("jupyter"), tmp_path_factory.mktemp("project")
    for path in files_of_the_project():
        target = copy / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    for path in (copy / "notebooks").glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        nbformat.write(notebook, path)
    for name, values in SETTINGS.items():
        path = folder / "lab" / "user-settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(values), encoding="utf-8")
    # MPLBACKEND is what the other tests set, MAKE… what `make test-browser` leaves.
    dropped = ("MPLBACKEND", "MAKEFLAGS", "MFLAGS", "MAKELEVEL")
    environment = {key: value for key, value in os.environ.items() if key not in dropped}
    environment |= {
        "COURSE_PROFILE": "sample",
        "COURSE_RESULTS": "",
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_CONFIG_DIR": str(folder),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
    }
    options = "--no-browser --allow-root --LabApp.expose_app_in_browser=True"
    command = ["make", "--old-file=ready", "lab", "READY=ready", f"PY={sys.executable}"]
    with (folder / "log").open("w") as log:
        lab = subprocess.Popen(
            [*command, f"LAB_ARGS={options}"], cwd=copy, env=environment, stdout=log, stderr=log
        )
    end = time.monotonic() + 120
    while not (found := list(folder.glob("runtime/jpserver-*.json"))):
        assert lab.poll() is None and time.monotonic() < end, (folder / "log").read_text()[-3000:]
        time.sleep(0.5)
    time.sleep(1)  # until the file is written
    server = json.loads(found[0].read_text(encoding="utf-8"))
    where = (
        f"{server['url']}lab/workspaces/{{0}}/tree/notebooks/{{0}}.ipynb?token={server['token']}"
    )
    yield where.format
    os.kill(server["pid"], signal.SIGTERM)  # JupyterLab then ends its kernels
    lab.wait(60)


@pytest.fixture(scope="module")
def browser():
    """A browser without a window."""
    from playwright.sync_api import sync_playwright

    program = shutil.which(CHROMIUM)
    assert program, f"CHROMIUM={CHROMIUM}: there is no such program"
    with sync_playwright() as playwright:
        yield (chromium := playwright.chromium.launch(executable_path=program))
        chromium.close()


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_chapter(chapter, address, browser):
    page = browser.new_page(viewport={"width": 1280, "height": 1600})
    page.set_default_timeout(MINUTE)

    def ask(expression):
        return page.evaluate(f"() => {{{NAMES} return {expression};}}")

    def wait(expression, minutes):
        page.wait_for_function(
            f"() => {{{NAMES} return {expression};}}", timeout=minutes * MINUTE, polling=500
        )

    try:
        page.goto(address(chapter))
        wait("panel?.sessionContext.isReady && code.length && kernel?.status === 'idle'", 3)
        ask("void kernel.statusChanged.connect((_, now) => window.died ||= /dead|auto/.test(now))")
        page.locator(".lm-MenuBar-item", has_text="Run").click()
        page.locator('.lm-Menu-item[data-command="runmenu:run-all"]').click()
        wait("window.died || errors.length || counts.every(count => count)", 20)
        assert not ask("window.died"), "the kernel died"
        assert ask("errors") == []
        assert ask("counts") == list(range(1, ask("counts.length") + 1))

        saved = nbformat.read(ROOT / "notebooks" / f"{chapter}.ipynb", 4).cells
        outputs = [one.get("data", {}) for cell in saved for one in cell.get("outputs", [])]
        images = page.locator(".jp-OutputArea-output img").all()
        assert len(images) == sum("image/png" in o or "image/svg+xml" in o for o in outputs)
        assert all(image.evaluate(SHOWN) for image in images), "a figure is not to be seen"

        for figure in page.locator('[id^="interactive-"]').all():
            before = figure.locator("svg").inner_html()
            figure.locator("input[type=range]").first.focus()
            page.keyboard.press("ArrowLeft")
            assert figure.locator("svg").inner_html() != before, "a slider moves nothing"

        folds = page.locator(".jp-MarkdownCell details").all()  # a scoreboard may have one, too
        assert len(folds) == sum(c.source.count("<details>") for c in saved if "outputs" not in c)
        for fold in folds:
            inside = fold.locator(":scope > :not(summary)").first
            assert not inside.is_visible(), "a solution stands open"
            fold.locator("summary").click()
            assert inside.is_visible(), "a solution stays shut"
    finally:
        page.screenshot(path=PICTURES / f"{chapter}.png")
        ask("panel?.sessionContext.shutdown()")
        page.close()
