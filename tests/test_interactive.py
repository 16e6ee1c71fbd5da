"""Convolutions drawn and to explore: their arithmetic is Keras's, and the script draws it."""

import html
import itertools
import re
import shutil
import subprocess

import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")

from course_utils.plotting import interactive

CONVOLUTION, TRANSPOSED = (
    list(itertools.product(*(range(least, most + 1) for least, most in ranges.values())))
    for ranges in (interactive.CONVOLUTION, interactive.TRANSPOSED)
)
BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), 0
)


def value_of(formula):
    """Work out the first equation of a formula: its left side, as written, and its result."""
    sides = formula.removeprefix("out = ").split(":")[0].split(",")[0].split(" = ")
    term = sides[0].replace("·", "*").replace("−", "-").replace("⌊", "").replace("⌋", "")
    assert re.fullmatch(r"[\d+*/() -]+", term), formula
    return eval(term), int(sides[1].replace("−", "-"))


def test_every_convolution_has_the_size_keras_gives_and_tells_what_is_seen():
    from keras.layers import Conv2D

    for size, kernel, stride, padding in CONVOLUTION:
        case = interactive.convolution_arithmetic(size, kernel, stride, padding)
        padded = size + 2 * padding
        value, result = value_of(case.formula)
        if kernel > padded:
            assert not case.out and case.warning and "fits nowhere" in case.note and result < 0
            continue
        layer = Conv2D(1, kernel, strides=stride)
        assert layer.compute_output_shape((1, padded, padded, 1))[1] == case.out == result
        assert np.floor(value) == pytest.approx(result)
        windows = np.lib.stride_tricks.sliding_window_view(np.arange(padded), kernel)[::stride]
        counts = np.bincount(windows.ravel(), minlength=padded)
        np.testing.assert_array_equal(case.counts, counts)
        unseen = (counts[padding : padding + size] == 0).sum()
        told = re.findall(
            r"skip (\d+) row|the last (\d*) ?rows? and columns? of the input", case.note
        )
        assert sum(int("".join(number) or 1) for number in told) == unseen
        assert case.warning == bool(unseen) != ("Every input pixel is seen" in case.note)


def test_every_transposed_convolution_is_one_of_ones_and_tells_even_from_uneven():
    from keras.layers import Conv2DTranspose

    for size, kernel, stride, padding in TRANSPOSED:
        case = interactive.transposed_arithmetic(size, kernel, stride, padding)
        layer = Conv2DTranspose(1, kernel, strides=stride)
        full = layer.compute_output_shape((1, size, size, 1))[1]
        full -= max(stride - kernel, 0)  # Keras appends zeros to a short kernel
        value, result = value_of(case.formula)
        assert value == pytest.approx(result) and result == full - 2 * padding
        assert (case.out, len(case.counts)) == (max(result, 0), full)
        stamps = np.convolve(np.arange(stride * size - stride + 1) % stride == 0, np.ones(kernel))
        np.testing.assert_array_equal(case.counts, np.rint(stamps))
        if not case.out:
            assert case.warning and "nothing is left" in case.note
        elif "too few" not in case.note:
            inside = np.unique(
                interactive.transposed_arithmetic(20, kernel, stride, 0).counts[9:-9]
            )
            uneven = "a checkerboard" in case.note or "stay 0" in case.note
            assert uneven == case.warning == (inside.size > 1)


def test_figures_say_what_is_drawn():
    figure = interactive.draw_convolution(8, 3, 2, 0, position=(1, 2))
    assert re.search("8 by 8.*kernel 3.*output of 3 by 3.*row 1, column 2.*Never seen", figure.alt)
    figure = interactive.draw_transposed_convolution(3, 4, 2, 1)
    assert re.search("3 by 3 paints 4 by 4.*6 by 6 remain.*1 to 4 of them add up", figure.alt)
    numbers = [int(text.get_text()) for text in figure.axes[0].texts if text.get_text().isdigit()]
    along = [1, 1, 2, 2, 2, 2, 1, 1]
    np.testing.assert_array_equal(np.reshape(numbers, (8, 8)), np.outer(along, along))
    figure = interactive.draw_window(
        np.arange(12).reshape(3, 4), np.array([[1, 0], [2, -3]]), (1, 2)
    )
    assert re.search("2 by 2.*row 1, column 2.*1·6 . 0·7 . 2·10 − 3·11 = −7", figure.alt)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("draw_convolution", (3, 6, 2, 1), "kernel is 6 .* only 5"),
        ("draw_convolution", (2.5,), "size must be a whole number from 1 to 32, not 2.5"),
        ("draw_convolution", (7, 3, 2, 1, (4, 0)), "position .* 4 × 4"),
        ("draw_transposed_convolution", (1, 2, 1, 1), "nothing is left"),
        ("explore_convolution", (10,), "size must be a whole number from 3 to 9, not 10"),
        ("explore_convolution", (7, 3, 2, 1, (0, -5)), "position .* 4 × 4"),
        ("explore_transposed_convolution", (4, 6), "kernel must be"),
    ],
)
def test_what_cannot_be_is_explained(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        getattr(interactive, name)(*arguments)


SLIDERS = interactive.explore_convolution, interactive.explore_transposed_convolution
ARITHMETIC = interactive.convolution_arithmetic, interactive.transposed_arithmetic


@pytest.mark.parametrize("explore", SLIDERS)
def test_sliders_need_nothing_else_and_say_what_they_are_without_their_script(explore):
    figure, other = explore(), explore()
    outside = re.findall(r"https?://[^\"']*|\bsrc=|@import|fetch\(|import\(", figure.data)
    assert outside == ["http://www.w3.org/2000/svg"]  # a name, nothing to be fetched
    assert len(figure.data.encode()) < 40_000 and figure.data.count("</script>") == 1
    names = [set(re.findall(r"interactive-\w+", html)) for html in (figure.data, other.data)]
    assert len(names[0]) == 1 and not names[0] & names[1]  # two of them leave each other alone
    shown = html.unescape(figure.data.partition("<script>")[0])
    assert "out = " in repr(figure) and f"<p>{figure!r}" in shown


@pytest.mark.skipif(not BROWSER, reason="no Chromium or Chrome here to draw with")
def test_a_browser_draws_what_was_worked_out(tmp_path):
    from bs4 import BeautifulSoup

    settings = [(0, (7, 3, 2, 1)), (0, (8, 1, 3, 0)), (0, (3, 5, 1, 0))]  # seen, skipped, nowhere
    settings += [(1, (4, 3, 2, 0)), (1, (5, 4, 2, 1)), (1, (2, 1, 2, 2))]  # cropped, nothing left
    page = tmp_path / "page.html"
    body = "".join(SLIDERS[transposed](*numbers).data for transposed, numbers in settings)
    page.write_text(f'<meta charset="utf-8"><body>{body}</body>', encoding="utf-8")
    options = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking"
    command = [
        BROWSER,
        *options.split(),
        f"--user-data-dir={tmp_path}",
        "--dump-dom",
        page.as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, timeout=120, check=True)
    drawn = BeautifulSoup(done.stdout.decode(), "html.parser").select("[id^=interactive-]")
    for root, (transposed, numbers) in zip(drawn, settings, strict=True):
        case = ARITHMETIC[transposed](*numbers)
        assert f"{case.formula}. {case.note}" in root.svg["aria-label"]
        assert [p.text for p in root.select("p")][:2] == [case.formula, case.note]
        sums = np.outer(case.counts, case.counts)
        if transposed:  # after the last stamp
            numbers = [int(text.text) for text in root.select("text") if text.text.isdigit()]
            np.testing.assert_array_equal(numbers, sums.ravel())
        else:  # crossed: never seen
            assert len(root.select("path")) == ((sums == 0).sum() if case.out else 0)
