"""A notebook in JupyterLab, used as a reader uses it: by its menus, its editors, its mouse."""

import os

from notebook_rules import ROOT

# The browser's program. What needs it takes minutes, and runs only where it is named.
CHROMIUM = os.environ.get("CHROMIUM")
PICTURES = ROOT / "build" / "browser"
MINUTE = 60_000  # in milliseconds, as the browser's waits are
CODE = """
    const panel = [...(window.jupyterapp?.shell.widgets('main') ?? [])]
        .find(widget => widget.context?.path === path);
    const cells = panel?.content.widgets ?? [];
    const code = cells.filter(cell => cell.model.type === 'code');
    const outputs = cell => cell.model.outputs.toJSON();
    const errors = code.flatMap(cell => outputs(cell)
        .filter(output => output.output_type === 'error')
        .map(error => `cell ${cell.model.id}: ${error.ename}: ${error.evalue}`));
    const kernel = panel?.sessionContext.session?.kernel;
"""


class NotebookPage:
    """A notebook that is open in a page of the browser.

    Parameters
    ----------
    page : playwright.sync_api.Page
    path : str
        Of the notebook, relative to the project.
    """

    def __init__(self, page, path):
        self.page = page
        self.path = path
        self.name = path.rpartition("/")[2].removesuffix(".ipynb")
        self.ids = []
        page.set_default_timeout(MINUTE)

    def open(self, address):
        """Go to an address that shows the notebook; wait for its cells and its kernel."""
        self.page.goto(address)
        self.wait("panel?.context.isReady && panel.sessionContext.isReady && kernel", 3)
        self.wait("kernel.status === 'idle' && cells.length", 2)
        self.ids = self.ask("cells.map(cell => cell.model.id)")

    def ask(self, expression):
        """Return the value of a JavaScript expression; `CODE` says which names it may use."""
        return self.page.evaluate(f"path => {{{CODE} return {expression};}}", self.path)

    def wait(self, expression, minutes=1):
        """Wait until such an expression holds.

        Raises
        ------
        playwright.sync_api.TimeoutError
            If it does not within these minutes.
        """
        function = f"path => {{{CODE} return {expression};}}"
        self.page.wait_for_function(function, arg=self.path, timeout=minutes * MINUTE, polling=500)

    def run_all(self, minutes=20):
        """Choose Run › Restart Kernel and Run All Cells…, agree, and wait for the end.

        The end is when the kernel is idle and the cells are numbered from 1 upwards without a
        gap, or one of them has failed, or the kernel has died.
        """
        self.ask(
            "panel.sessionContext.statusChanged.connect((_, status) => {"
            "    window.died ||= ['dead', 'autorestarting'].includes(status);"
            "})"
        )
        self.page.locator(".lm-MenuBar-item", has_text="Run").click()
        self.page.locator('.lm-Menu-item[data-command="runmenu:restart-and-run-all"]').click()
        self.page.locator(".jp-Dialog .jp-mod-accept").click()
        self.wait(
            "window.died || kernel?.status === 'idle' && (errors.length > 0 ||"
            "    code.every((cell, i) => cell.model.executionCount === i + 1))",
            minutes,
        )

    def cell(self, name):
        """Return the cell of an id, scrolled to."""
        index = self.ids.index(name)
        self.ask(f"panel.content.scrollToItem({index}) && null")
        cell = self.page.locator(
            f'.jp-NotebookPanel:visible .jp-Cell[data-windowed-list-index="{index}"]'
        )
        cell.scroll_into_view_if_needed()
        return cell

    def said(self, name):
        """Return the text that is to be seen below a code cell."""
        outputs = self.cell(name).locator(".jp-OutputArea-output").all()
        return "\n".join(output.inner_text() for output in outputs if output.is_visible())

    def fill_in(self, name, source):
        """Write over a code cell, run it, and return the text below it.

        Raises
        ------
        RuntimeError
            If the editor holds anything but what was typed.
        """
        find = f"code.find(cell => cell.model.id === '{name}').model"
        before = self.ask(f"{find}.executionCount")
        self.cell(name).locator(".cm-content").click()
        self.page.keyboard.press("ControlOrMeta+A")
        self.page.keyboard.insert_text(source)
        if (typed := self.ask(f"{find}.sharedModel.getSource()")) != source:
            raise RuntimeError(f"typed into {name}:\n{source}\nthere now:\n{typed}")
        self.page.keyboard.press("Shift+Enter")
        self.wait(f"{find}.executionCount > {before or 0} && kernel.status === 'idle'", 5)
        return self.said(name)

    def save(self):
        """Save with the keyboard; wait until it is done."""
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("ControlOrMeta+S")
        self.wait("!panel.context.model.dirty")

    def picture(self, what):
        """Take a picture of the window; return its file."""
        path = PICTURES / f"{self.name}-{what}.png"
        self.page.screenshot(path=path)
        return path

    def pictures(self):
        """Take pictures from top to bottom, a window each."""
        for old in PICTURES.glob(f"{self.name}-[0-9]*.png"):
            old.unlink()
        scrolled = "panel.content.node.querySelector('.jp-WindowedPanel-outer')"
        self.ask(f"{scrolled}.scrollTop = 0")
        for number in range(1, 100):
            self.page.wait_for_timeout(500)  # pictures and formulas come into view
            self.picture(f"{number:02}")
            if self.ask("cells.at(-1).node.getBoundingClientRect().bottom <= innerHeight"):
                return
            self.ask(f"{scrolled}.scrollTop += {scrolled}.clientHeight - 40")
