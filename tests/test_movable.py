"""The figures to move: their arithmetic is that of Keras's layers, and the script draws it."""

import html
import itertools
import json
import re
import shutil
import subprocess

import numpy as np
import pytest

from course_utils import diagrams, movable
from course_utils.plotting import style

CONVOLUTION, TRANSPOSED = (
    list(itertools.product(*(range(least, most + 1) for least, most in ranges.values())))
    for ranges in (movable.CONVOLUTION, movable.TRANSPOSED)
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


def test_every_convolution_has_the_size_keras_gives():
    from keras.layers import Conv2D, ZeroPadding2D

    for size, kernel, stride, padding in CONVOLUTION:
        setting = movable.convolution_setting(size, kernel, stride, padding)
        padded = ZeroPadding2D(padding).compute_output_shape((1, size, size, 1))
        layer = Conv2D(1, kernel, strides=stride)
        value, result = value_of(setting.formula)
        if kernel > padded[1]:
            with pytest.raises(ValueError):
                layer.compute_output_shape(padded)
            assert (setting.out, setting.warning) == (0, True) and "fits nowhere" in setting.note
            assert value == result < 0 and not any(setting.counts)
        else:
            assert layer.compute_output_shape(padded) == (1, setting.out, setting.out, 1)
            assert np.floor(value) == result == setting.out
            assert ("⌊" in setting.formula) == (value != result)
        assert len(setting.counts) == padded[1]


def test_every_convolution_tells_which_rows_are_seen():
    for size, kernel, stride, padding in CONVOLUTION:
        setting = movable.convolution_setting(size, kernel, stride, padding)
        if not setting.out:
            continue
        rows = np.arange(size + 2 * padding)
        seen = np.lib.stride_tricks.sliding_window_view(rows, kernel)[::stride]
        counts = np.bincount(seen.ravel(), minlength=len(rows))
        np.testing.assert_array_equal(setting.counts, counts)
        unseen = np.flatnonzero(counts[padding : padding + size] == 0) + padding
        after, between = (unseen > seen.max()).sum(), (unseen < seen.max()).sum()
        assert setting.warning == bool(unseen.size)
        assert ("Every input pixel is seen" in setting.note) == (unseen.size == 0)
        lost = re.search(r"Never seen: the last (\d*)", setting.note)
        assert (int(lost[1] or 1) if lost else 0) == after
        skipped = re.search(r"skip (\d+) row", setting.note)
        assert (int(skipped[1]) if skipped else 0) == between


def test_every_transposed_convolution_is_one_of_ones():
    from keras.layers import Conv2DTranspose

    for size, kernel, stride, padding in TRANSPOSED:
        setting = movable.transposed_setting(size, kernel, stride, padding)
        shape = Conv2DTranspose(1, kernel, strides=stride).compute_output_shape((1, size, size, 1))
        full = shape[1] - max(stride - kernel, 0)  # Keras appends zeros to a short kernel
        value, result = value_of(setting.formula)
        assert value == result == full - 2 * padding
        assert setting.out == max(value, 0)
        np.testing.assert_array_equal(
            np.outer(setting.counts, setting.counts), diagrams.overlap_count(size, kernel, stride)
        )
        if not setting.out:
            assert setting.warning and "nothing is left" in setting.note


def test_every_transposed_convolution_tells_even_from_uneven():
    for size, kernel, stride, padding in TRANSPOSED:
        setting = movable.transposed_setting(size, kernel, stride, padding)
        if not setting.out:
            continue
        if "too few" in setting.note:
            assert max(setting.counts) < -(-kernel // stride) and not setting.warning
            continue
        counts = movable.transposed_setting(20, kernel, stride, 0).counts
        inside = np.unique(np.outer(counts[kernel:-kernel], counts[kernel:-kernel]))
        uneven = "a checkerboard" in setting.note or "stay 0" in setting.note
        assert uneven == setting.warning == (inside.size > 1)
        if kernel >= stride:
            told = setting.note.replace("one stamp", "1").split("border,")[1]
            assert [int(number) for number in re.findall(r"\d+", told)] == inside.tolist()


@pytest.mark.parametrize("figure", [movable.convolution, movable.transposed_convolution])
def test_fragment_is_small_and_needs_nothing_else(figure):
    fragment = figure().data
    assert len(fragment.encode()) < 40_000
    outside = re.findall(r"https?://[^\"']*|\bsrc=|@import|fetch\(|import\(", fragment)
    assert outside == ["http://www.w3.org/2000/svg"]  # a name, nothing to be fetched
    assert not re.search(r"comm|IPython|requirejs|localStorage|\bid=(?!\"movable-)", fragment)
    assert "input.dataset.lmSuppressShortcuts" in fragment  # or JupyterLab takes the arrow keys
    assert fragment.count("<script>") == fragment.count("</script>") == 1
    assert {style.BLUE, style.VERMILION, style.YELLOW} <= set(re.findall(r"#\w{6}", fragment))


@pytest.mark.parametrize("figure", [movable.convolution, movable.transposed_convolution])
def test_two_figures_have_their_own_ids(figure):
    first, second = (re.findall(r"movable-\w+", figure().data) for _ in range(2))
    assert len(set(first)) == len(set(second)) == 1 and first != second
    assert len(first) == 2  # where it stands, and where the script looks for it


def test_without_its_script_it_says_what_it_is():
    figure = movable.convolution(8, 3, 2, 0)
    assert "size 8, kernel 3, stride 2, padding 0" in repr(figure)
    assert "⌊(8 + 2·0 − 3) / 2⌋ + 1 = 3" in repr(figure) and "Never seen" in repr(figure)
    shown = html.unescape(re.sub(r"<script>.*</script>", "", figure.data, flags=re.DOTALL))
    assert repr(figure) in shown
    assert "transposed convolution" in repr(movable.transposed_convolution())


@pytest.mark.parametrize(
    ("figure", "arguments", "message"),
    [
        ("convolution", {"size": 10}, "size must be a whole number from 3 to 9, not 10"),
        ("convolution", {"stride": 0}, "stride must be"),
        ("convolution", {"padding": 0.5}, "padding must be"),
        ("convolution", {"position": (4, 0)}, "position .* 4 × 4"),
        ("transposed_convolution", {"kernel": 6}, "kernel must be"),
        ("transposed_convolution", {"position": (0, 4)}, "position .* 4 × 4"),
    ],
)
def test_wrong_settings_are_explained(figure, arguments, message):
    with pytest.raises(ValueError, match=message):
        getattr(movable, figure)(**arguments)


# Moves every slider of each figure in turn, and leaves what is drawn then as text in the page.
DRIVER = """
const drawn = [...document.querySelectorAll("[id^=movable-]")].map((root) => {
  const inputs = [...root.querySelectorAll("label > input[type=range]")];
  const move = (input, value) => {
    input.value = value;
    input.dispatchEvent(new Event("input"));
  };
  const look = () => {
    const of = (kind) => [...root.querySelectorAll(`rect[data-kind=${kind}]`)];
    const box = (r) => ["x", "y", "width"].map((name) => r.getAttribute(name) / 26);
    const [formula, note] = [...root.querySelectorAll("p")].map((p) => p.textContent);
    const kinds = ["input", "padding", "output", "count"].map((kind) => [kind, of(kind).length]);
    const boxes = ["input", "padding", "output", "count", "window", "pixel", "stamp", "kept"]
      .map((kind) => [kind, of(kind).slice(0, 1).map(box)[0]]);
    const missed = of("input").filter((r) => r.getAttribute("fill") === "#F0E442").length;
    const numbers = [...root.querySelectorAll("text")].map((t) => t.textContent);
    return { values: inputs.map((i) => +i.value), max: +inputs[4].max, formula, note, missed,
      kinds: Object.fromEntries(kinds), boxes: Object.fromEntries(boxes),
      unseen: root.querySelectorAll("path").length, numbers: numbers.filter((n) => n >= 0) };
  };
  const looks = [look()];
  const walk = (i) => {
    if (i < 4) {
      for (let value = +inputs[i].min; value <= +inputs[i].max; value++) {
        move(inputs[i], value);
        walk(i + 1);
      }
    } else {
      if (!inputs[4].disabled) {
        move(inputs[4], 1);
        looks.push(look());
        move(inputs[4], inputs[4].max);
      }
      looks.push(look());
    }
  };
  walk(0);
  return looks;
});
document.body.textContent = "DRAWN" + JSON.stringify(drawn) + "END";
"""


@pytest.mark.skipif(not BROWSER, reason="no Chromium or Chrome here to draw with")
def test_every_setting_is_drawn_as_worked_out(tmp_path):
    shown = [movable.convolution(7, 3, 2, 1, (1, 2)), movable.transposed_convolution(3, 4, 2, 1)]
    body = "".join(figure.data for figure in shown) + f"<script>{DRIVER}</script>"
    page = tmp_path / "page.html"
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
    page = html.unescape(done.stdout.decode())
    (start, *convolutions), (first, *transposed) = json.loads(
        page.split("DRAWN")[1].split("END")[0]
    )
    assert start["values"] == [7, 3, 2, 1, 6] and first["values"] == [3, 4, 2, 1, 8]

    assert {tuple(look["values"][:4]) for look in convolutions} == set(CONVOLUTION)
    for look in convolutions:
        *numbers, at = look["values"]
        size, kernel, stride, padding = numbers
        setting = movable.convolution_setting(*numbers)
        assert (look["formula"], look["note"]) == (setting.formula, setting.note)
        padded, out = len(setting.counts), setting.out
        expected = {"input": size**2, "padding": padded**2 - size**2, "output": out**2, "count": 0}
        assert look["kinds"] == expected
        seen = np.outer(setting.counts, setting.counts) > 0
        inside = seen[padding : padding + size, padding : padding + size]
        assert look["unseen"] == ((~seen).sum() if out else 0)
        assert look["missed"] == ((~inside).sum() if out else 0)
        row, column = divmod(at, out) if out else (0, 0)
        boxes = look["boxes"]
        assert boxes["window"] == [column * stride, 1 + row * stride, kernel]
        if out:
            assert look["max"] == out**2 - 1 and at in (min(1, out**2 - 1), out**2 - 1)
            offset = np.subtract(boxes["pixel"], boxes["output"])
            np.testing.assert_allclose(offset, [column, row, 0], atol=1e-9)

    assert {tuple(look["values"][:4]) for look in transposed} == set(TRANSPOSED)
    for look in transposed:
        *numbers, at = look["values"]
        size, kernel, stride, padding = numbers
        setting = movable.transposed_setting(*numbers)
        assert (look["formula"], look["note"]) == (setting.formula, setting.note)
        full = len(setting.counts)
        painted = np.zeros((full, full), int)
        for row, column in [divmod(stamp, size) for stamp in range(at + 1)]:
            top, left = row * stride, column * stride
            painted[top : top + kernel, left : left + kernel] += 1
        assert list(map(int, look["numbers"])) == painted.ravel().tolist()
        assert look["kinds"] == {"input": size**2, "padding": 0, "output": 0, "count": full**2}
        boxes = look["boxes"]
        stamp = np.subtract(boxes["stamp"], boxes["count"])
        np.testing.assert_allclose(stamp, [left, top, kernel - 1], atol=1e-9)
        offset = np.subtract(boxes["pixel"], boxes["input"])
        np.testing.assert_allclose(offset, [column, row, 0], atol=1e-9)
        if setting.out:
            kept = np.subtract(boxes["kept"], boxes["count"])
            np.testing.assert_allclose(kept, [padding, padding, setting.out - 1], atol=1e-9)
        else:
            assert "kept" not in boxes or boxes["kept"] is None
