"""The page of the service, in a headless Chromium: a picture chosen, and one that is refused."""

import os
import shutil

import numpy as np
import pytest

from course_utils import inference, serve

CHROMIUM = os.environ.get("CHROMIUM")
if not CHROMIUM or not serve.is_installed():
    pytest.skip("CHROMIUM is not set, or `serve` not installed", allow_module_level=True)


def test_the_page_shows_what_came_back_and_why_something_is_refused(tmp_path):
    import keras
    from PIL import Image
    from playwright.sync_api import sync_playwright

    keras.utils.set_random_seed(0)
    network = keras.Sequential(
        [keras.Input((32, 32, 3)), keras.layers.Conv2D(1, 3, padding="same")]
    )
    model = inference.Segmenter(network, ("background", "thing"), (32, 32))
    inference.save(model, tmp_path / "model")
    Image.fromarray(np.eye(90, 120, dtype=np.uint8) * 255).save(tmp_path / "picture.png")
    (tmp_path / "text.png").write_text("Dear service")
    with (
        serve.started(tmp_path / "model", tmp_path / "log") as (address, _),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=shutil.which(CHROMIUM))
        page, complaints = browser.new_page(), []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        page.set_input_files("#file", tmp_path / "picture.png")
        page.wait_for_selector("#painted:not([hidden])")
        assert (
            page.evaluate("async () => { await painted.decode(); return painted.naturalWidth; }")
            == 120
        )
        assert page.inner_text("#said").startswith("background ")
        # What a browser does with a file that is let go over the page.
        page.evaluate(
            """() => {
                const data = new DataTransfer();
                data.items.add(new File(["Dear service"], "text.png"));
                drop.dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true}));
            }"""
        )
        page.wait_for_function("() => said.textContent.includes('no picture of these kinds')")
        assert not page.is_visible("#painted") and complaints == []
        browser.close()
