"""The survey's drawings carry the papers' numbers, and nothing in them lies over anything else."""

import itertools
import subprocess
import sys

import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")

from matplotlib.figure import Figure

from course_utils import architectures
from course_utils.architectures import _deeplab

DRAWINGS = "fcn segnet unet pspnet atrous deeplab fastfcn timeline".split()
VARIANTS = [(name, {}) for name in DRAWINGS]
VARIANTS += [
    ("fcn", {"size": (224, 1024), "classes": 8}),
    ("segnet", {"numbers": np.arange(16).reshape(4, 4)}),
    ("unet", {"size": 1532, "classes": 19}),
    ("atrous", {"rate": 6}),
    ("atrous", {"rate": (1, 2, 3, 5)}),
    ("atrous", {"rate": (6, 12, 18)}),
]


@pytest.fixture(autouse=True)
def close_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts if text.get_text()]


def said(figure):
    return " | ".join(text.replace("\n", " ") for text in texts(figure))


def parts(figure, kind):
    return [patch for patch in figure.axes[0].patches if patch.get_gid() == kind]


@pytest.mark.parametrize(("name", "arguments"), VARIANTS)
def test_every_text_is_legible_and_none_lies_over_another(name, arguments):
    figure = getattr(architectures, name)(**arguments)
    assert isinstance(figure, Figure) and 8 <= figure.get_figwidth() <= 9.5
    assert 2 < figure.get_figheight() < 4.5
    figure.draw_without_rendering()
    drawn = [text for text in figure.axes[0].texts if text.get_text()]
    assert len(drawn) >= 3 and min(text.get_fontsize() for text in drawn) >= 8
    frames = [(text.get_text(), text.get_window_extent()) for text in drawn]
    page = figure.bbox
    for text, frame in frames:
        assert page.x0 <= frame.x0 and frame.x1 <= page.x1, text
        assert page.y0 <= frame.y0 and frame.y1 <= page.y1, text
    for (one, first), (other, second) in itertools.combinations(frames, 2):
        assert not first.overlaps(second), (one, other)


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_text_stays_in_its_box(name):
    figure = getattr(architectures, name)()
    figure.draw_without_rendering()
    kinds = {"encoder", "decoder", "skip", "context", "plain"}
    boxes = [p.get_window_extent() for p in figure.axes[0].patches if p.get_gid() in kinds]
    for text in figure.axes[0].texts:
        if text.get_gid() == "inside":
            frame = text.get_window_extent()
            around = [b for b in boxes if b.x0 <= frame.x0 and frame.x1 <= b.x1]
            assert any(b.y0 <= frame.y0 and frame.y1 <= b.y1 for b in around), text.get_text()


def test_fcn_takes_any_size_and_has_a_thirty_second_of_it():
    words = said(architectures.fcn())
    assert "384 × 512 × 3" in words and "12 × 16 × 4096" in words and "12 × 16 × 21" in words
    assert "7 × 7 × 512" in words and "7 × 7 convolution" in words
    for name, factor in (("FCN-32s", 32), ("FCN-16s", 16), ("FCN-8s", 8)):
        assert name in words and f"× {factor}" in texts(architectures.fcn())
    assert "from pool4" in words and "from pool3" in words and "from pool5" not in words
    other = said(architectures.fcn((64, 96), classes=2))
    assert "2 × 3 × 2" in other and "64 × 96 × 2" in other
    for size in ((100, 128), (0, 32)):
        with pytest.raises(ValueError, match="multiples of 32"):
            architectures.fcn(size)


def test_pooling_and_unpooling_by_hand():
    numbers = [[1, 9, 4, 4], [2, 3, 0, 1], [5, 0, -3, -8], [6, 5, -2, -1]]
    pooled, positions = architectures.pool_with_positions(numbers)
    np.testing.assert_array_equal(pooled, [[9, 4], [6, -1]])
    np.testing.assert_array_equal(positions, [[1, 0], [2, 3]])
    restored = architectures.unpool(pooled, positions)
    expected = [[0, 9, 4, 0], [0, 0, 0, 0], [0, 0, 0, 0], [6, 0, 0, -1]]
    np.testing.assert_array_equal(restored, expected)
    with pytest.raises(ValueError, match="even"):
        architectures.pool_with_positions(np.zeros((3, 4)))


def test_unpooling_keeps_every_maximum_at_its_place():
    numbers = np.random.default_rng(0).permutation(6 * 10).reshape(6, 10) + 1
    restored = architectures.unpool(*architectures.pool_with_positions(numbers))
    for row, column in np.ndindex(3, 5):
        window = np.s_[2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
        expected = np.where(numbers[window] == numbers[window].max(), numbers[window], 0)
        np.testing.assert_array_equal(restored[window], expected)


def test_segnet_draws_the_numbers_it_was_given():
    numbers = np.random.default_rng(1).permutation(16).reshape(4, 4)
    figure = architectures.segnet(numbers)
    drawn = [int(t.get_text()) for t in figure.axes[0].texts if t.get_gid() == "number"]
    pooled, positions = architectures.pool_with_positions(numbers)
    restored = architectures.unpool(pooled, positions)
    expected = np.concatenate([part.ravel() for part in (numbers, pooled, positions, restored)])
    np.testing.assert_array_equal(drawn, expected)
    assert len(parts(figure, "marked")) == 4 * 4  # four maxima in each of the four grids
    assert len(parts(figure, "skip arrow")) == 5  # one a pooling
    depths = [t for t in texts(figure) if t in ("64", "128", "256", "512")]
    assert depths == "64 128 256 512 512 512 256 128 64".split()
    with pytest.raises(ValueError, match="shape"):
        architectures.segnet(np.zeros((2, 4)))


def test_unet_has_the_papers_sizes():
    words = said(architectures.unet())
    for level in ("568 × 568 × 64", "280 × 280 × 128", "136 × 136 × 256", "64 × 64 × 512"):
        assert level in words
    for level in ("52 × 52 × 512", "100 × 100 × 256", "196 × 196 × 128", "388 × 388 × 64"):
        assert level in words
    assert "28 × 28 × 1024" in words and "388 × 388 × 2" in words
    crops = ("568 → 392", "280 → 200", "136 → 104", "64 → 56")
    assert all(f"cropped {crop}" in words for crop in crops)
    assert len(parts(architectures.unet(), "skip arrow")) == 4


def test_unet_says_which_sizes_fit():
    assert "scores 4 × 4 × 3" in said(architectures.unet(188, classes=3))
    with pytest.raises(ValueError, match="level 2 would pool 281"):
        architectures.unet(574)
    with pytest.raises(ValueError, match="does not fit"):
        architectures.unet(4)
    with pytest.raises(ValueError, match="too small"):
        architectures.unet(140)


def test_pspnet_pools_to_four_grids_and_doubles_the_channels():
    figure = architectures.pspnet()
    words = texts(figure)
    assert [t for t in words if t in ("1 × 1", "2 × 2", "3 × 3", "6 × 6")] == (
        ["1 × 1", "2 × 2", "3 × 3", "6 × 6"]
    )
    assert len(parts(figure, "marked")) == 1 + 4 + 9 + 36
    assert words.count("1 × 1,\n512") == words.count("60 × 60\n× 512") == 4
    assert "features\n60 × 60\n× 2048" in words and "4096" in words


@pytest.mark.parametrize("rate", [1, 2, 3, 4, 6])
def test_atrous_taps_are_those_of_keras(rate):
    import keras

    layer = keras.layers.Conv2D(
        1, 3, dilation_rate=rate, padding="same", use_bias=False, kernel_initializer="ones"
    )
    side = 2 * rate + 5
    point = np.zeros((1, side, side, 1), np.float32)
    point[0, side // 2, side // 2, 0] = 1
    seen = np.asarray(layer(point))[0, ..., 0]
    expected = np.zeros_like(seen)
    expected[tuple((architectures.atrous_taps(rate) + side // 2).T)] = 1
    np.testing.assert_array_equal(seen, expected)


def test_atrous_draws_the_taps_in_a_frame_of_the_view():
    figure = architectures.atrous((1, 3))
    marked, frames = parts(figure, "marked"), parts(figure, "view")
    assert len(marked) == 18 and len(frames) == 2
    cell = marked[0].get_width()
    for rate, frame, taps in zip((1, 3), frames, (marked[:9], marked[9:]), strict=True):
        assert f"9 weights, view {2 * rate + 1} × {2 * rate + 1}" in texts(figure)
        assert round(frame.get_width() / cell) == 2 * rate + 1
        middle = np.array(taps[4].get_xy())
        offsets = np.rint((np.array([tap.get_xy() for tap in taps]) - middle) / cell).astype(int)
        expected = architectures.atrous_taps(rate) * [-1, 1]  # rows go down, y goes up
        np.testing.assert_array_equal(offsets, expected[:, ::-1])
    numbers = [t.get_text() for t in figure.axes[0].texts if t.get_gid() == "number"]
    assert [n for n in numbers if n] == [str(n) for n in range(1, 10)] * 2


@pytest.mark.parametrize("rate", [0, -1, 1.5, (), (1, 2, 3, 4, 5)])
def test_atrous_explains_what_cannot_be(rate):
    with pytest.raises(ValueError, match="rate must be"):
        architectures.atrous(rate)


def test_deeplab_says_what_each_version_added():
    figure = architectures.deeplab()
    words = texts(figure)
    titles = [t for t in words if t.startswith("DeepLab")]
    assert [t.split(" · ")[1] for t in titles] == ["2015", "2017", "2017", "2018"]
    assert [t for t in words if t.startswith("3 × 3\nrate")] == (
        [f"3 × 3\nrate\n{rate}" for rate in (6, 12, 18, 24)]
    )
    assert [t for t in words if t.startswith("rate\n")] == [f"rate\n{r}" for r in (6, 12, 18)]
    assert "whole\nimage" in words and "1 × 1" in words
    assert "1280" in said(figure) and "256 + 48 = 304" in said(figure)
    assert sum("CRF" in t and "no CRF" not in t for t in words) == 2  # v1 and v2 only
    assert len(parts(figure, "marked")) == 9


def test_separable_weights_are_those_of_keras():
    import keras

    whole = keras.layers.Conv2D(20, 3, use_bias=False)
    apart = keras.layers.SeparableConv2D(20, 3, use_bias=False)
    for layer in (whole, apart):
        layer.build((None, 8, 8, 12))
    counted = _deeplab.separable_weights(3, 12, 20)
    assert counted == (whole.count_params(), apart.count_params())
    assert "67,840 weights, not 589,824" in said(architectures.deeplab())


def test_fastfcn_joins_three_stages_at_four_rates():
    words = texts(architectures.fastfcn())
    for stage, stride, depth in ((3, 8, 512), (4, 16, 1024), (5, 32, 2048)):
        assert f"conv{stage}: stride {stride}\n{depth} channels" in words
    assert words.count("3 × 3, 512") == 3 and {"× 2", "× 4", "1536", "2048"} <= set(words)
    assert [t for t in words if t.startswith("separable")] == (
        [f"separable 3 × 3,\nrate {rate}: 512" for rate in (1, 2, 4, 8)]
    )
    assert "conv4: stride 8\nrate 2" in words and "conv5: stride 8\nrate 4" in words


def test_timeline_stands_each_work_at_its_year():
    figure = architectures.timeline()
    place = {t.get_text(): t.get_position() for t in figure.axes[0].texts}
    years = {"FCN": 2015, "U-Net": 2015, "SegNet": 2017, "PSPNet": 2017, "FastFCN": 2019}
    years |= {"DeepLab v1": 2015, "DeepLab v2": 2017, "DeepLab v3": 2017, "DeepLab v3+": 2018}
    assert {work[0] for work in architectures.WORKS} == set(years)
    for name, year in years.items():
        assert place[name][0] == pytest.approx(place[str(year)][0])
    for name, _, kind, _ in architectures.WORKS:
        assert (place[name][1] > place["2015"][1]) == (kind == "decoder")


def test_importing_takes_no_keras_and_no_pyplot():
    code = (
        "import sys, course_utils.architectures;"
        "print([n for n in ('tensorflow', 'keras', 'matplotlib.pyplot') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
