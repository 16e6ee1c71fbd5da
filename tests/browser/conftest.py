"""Fixtures: JupyterLab on a copy of the project, a browser, and a picture of every failure."""

import shutil
import signal

import lab_server
import pytest
from notebook_page import CHROMIUM, PICTURES, NotebookPage

WINDOW = {"width": 1280, "height": 1600}


@pytest.fixture(scope="session")
def project(tmp_path_factory):
    """A copy of the project whose notebooks have no outputs."""
    return lab_server.copy_project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="session")
def lab(project, tmp_path_factory):
    """JupyterLab, as `make lab` starts it."""
    # A run that is told to stop, as by `timeout`, ends what it started, as with Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with lab_server.running(project, tmp_path_factory.mktemp("jupyter")) as lab:
        yield lab


@pytest.fixture(scope="session")
def browser():
    """A browser without a window."""
    from playwright.sync_api import sync_playwright

    program = shutil.which(CHROMIUM)
    assert program, f"CHROMIUM={CHROMIUM}: there is no such program"
    for old in PICTURES.glob("failed-*.png"):
        old.unlink()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def opened(lab, browser):
    """Open a notebook in a page of its own, at its own address or at another."""
    contexts = []

    def open_page(path, address=None):
        while contexts:
            contexts.pop().close()
            lab.end_kernels()
        contexts.append(browser.new_context(viewport=WINDOW))
        notebook = NotebookPage(contexts[0].new_page(), path)
        notebook.open(address or lab.address(path, workspace=notebook.name))
        return notebook

    yield open_page
    for context in contexts:
        context.close()
    lab.end_kernels()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """Leave a picture of the browser as it was when a test failed."""
    report = yield
    browser = item.funcargs.get("browser")
    if report.failed and browser:
        for context in browser.contexts:
            for page in context.pages:
                page.screenshot(path=PICTURES / f"failed-{item.name}.png")
    return report
