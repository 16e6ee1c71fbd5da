"""The drawings carry the papers' and the models' numbers, and no text lies over another."""

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

DRAWINGS = "fcn segnet unet padded_unet unetpp pspnet atrous deeplab fastfcn timeline".split()
VARIANTS = [(name, {}) for name in DRAWINGS]
VARIANTS += [
    ("fcn", {"size": (224, 1024), "classes": 8}),
    ("segnet", {"numbers": np.arange(16).reshape(4, 4)}),
    ("unet", {"size": 1532, "classes": 19}),
    ("padded_unet", {"size": (1040, 1388), "channels": 3}),
    ("padded_unet", {"size": 255, "filters": (64, 128, 256, 512, 1024)}),
    ("padded_unet", {"size": (63, 251), "filters": (8, 16, 32), "upsampling": "transposed"}),
    ("padded_unet", {"size": 3, "filters": (8, 16)}),
    ("unetpp", {"deep_supervision": True}),
    ("unetpp", {"deep_supervision": True, "highlight": 3}),
    ("unetpp", {"highlight": (0, 4)}),
    ("unetpp", {"filters": (8, 16), "highlight": (0, 0)}),
    ("unetpp", {"filters": (1024, 1024, 1024, 1024), "highlight": (0, 3)}),
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
    assert 2 < figure.get_figheight() < 5.2
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


@pytest.mark.parametrize(("name", "arguments"), VARIANTS)
def test_a_text_stays_in_its_box(name, arguments):
    figure = getattr(architectures, name)(**arguments)
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
    assert "logits 4 × 4 × 3" in said(architectures.unet(188, classes=3))
    with pytest.raises(ValueError, match="level 2 would pool 281"):
        architectures.unet(574)
    with pytest.raises(ValueError, match="does not fit"):
        architectures.unet(4)
    with pytest.raises(ValueError, match="too small"):
        architectures.unet(140)


def boxed(figure):
    """The text in each box that has a label: label -> text."""
    ax = figure.axes[0]
    boxes = [patch for patch in ax.patches if patch.get_label()]
    inside = {text.get_position(): text.get_text() for text in ax.texts if text.get_text()}
    found = {}
    for box in boxes:
        if hasattr(box, "get_xy"):
            (x, y), wide, tall = box.get_xy(), box.get_width(), box.get_height()
            (found[box.get_label()],) = [
                text for (a, b), text in inside.items() if x < a < x + wide and y < b < y + tall
            ]
    return found


@pytest.mark.parametrize("upsampling", ["bilinear", "transposed"])
@pytest.mark.parametrize(
    ("size", "filters"),
    [(256, (64, 128, 256, 512, 512)), ((250, 131), (8, 16, 32, 64, 128)), (7, (4, 5, 6))],
)
def test_padded_unet_has_the_shapes_of_the_model(size, filters, upsampling):
    from course_utils import models

    height, width = size if isinstance(size, tuple) else (size, size)
    model = models.unet((height, width, 2), filters=filters, classes=3, upsampling=upsampling)
    last = len(filters) - 1
    names = ["image", "logits", *(f"down_{level}" for level in range(last + 1))]
    names += [f"up_{i}{part}" for i in range(last) for part in ("_up", "_join", "")]
    expected = {n: " × ".join(map(str, model.get_layer(n).output.shape[1:])) for n in names}
    figure = architectures.padded_unet(size, 2, 3, filters, upsampling)
    assert boxed(figure) == expected
    assert len(parts(figure, "skip arrow")) == last


def test_padded_unet_says_where_odd_sides_lose_and_gain():
    words = texts(architectures.padded_unet((250, 131), upsampling="transposed"))
    # The maps that are pooled: 250 × 131, 125 × 65, 62 × 32, 31 × 16.
    lost = [text for text in words if text.startswith("less")]
    assert lost == [f"less the last\n{side}" for side in ("column", "row and column", "row")]
    gained = [text for text in words if text.startswith("+")]
    assert gained == [
        "+ row of zeros:\n31 × 16 × 256",
        "+ row, column of zeros:\n125 × 65 × 64",
        "+ column of zeros:\n250 × 131 × 64",
    ]
    plain = texts(architectures.padded_unet())
    assert not any("less" in text or "zeros" in text for text in plain)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"size": 15}, "size must be at least 16"),
        ({"size": (64, 8)}, "size.* 64 × 8"),
        ({"filters": (8,)}, "filters"),
        ({"filters": (1, 2, 3, 4, 5, 6)}, "filters"),
        ({"upsampling": "nearest"}, "upsampling.*nearest"),
    ],
)
def test_padded_unet_explains_what_does_not_fit(arguments, named):
    with pytest.raises(ValueError, match=named):
        architectures.padded_unet(**arguments)


def shown(figure, strong_only=False):
    """Labels of the nodes and of the arrows of a UNet++."""
    patches = figure.axes[0].patches
    if strong_only:
        patches = [patch for patch in patches if patch.get_alpha() is None]
    labels = [p.get_label() for p in patches if p.get_label()]
    arrows = {label for label in labels if "→" in label}
    assert len(labels) == len(set(labels))
    return set(labels) - arrows, arrows


def node(i, j):
    return f"X({i}, {j})"


def into(i, j):
    """Zhou et al. (2018), equation 1: what goes into a node, as arrows."""
    if j == 0:
        return {f"{node(i - 1, 0)} → {node(i, 0)}"} if i else set()
    sources = [node(i, k) for k in range(j)] + [node(i + 1, j - 1)]
    return {f"{source} → {node(i, j)}" for source in sources}


@pytest.mark.parametrize("levels", [2, 3, 5])
@pytest.mark.parametrize("deep", [False, True])
def test_unetpp_has_the_nodes_and_arrows_of_its_definition(levels, deep):
    filters = [2 ** (5 + level) for level in range(levels)]
    figure = architectures.unetpp(filters, deep_supervision=deep)
    every = [(i, j) for i in range(levels) for j in range(levels - i)]
    outputs = range(1, levels) if deep else [levels - 1]
    nodes, arrows = shown(figure)
    assert nodes == {node(*place) for place in every}
    assert arrows == set().union(*(into(*place) for place in every)) | {
        f"{node(0, j)} → output" for j in outputs
    }
    assert shown(figure, strong_only=True) == (nodes, arrows)
    assert boxed(figure) == {name: name for name in nodes}
    for level, depth in enumerate(filters):
        assert f"level {level}: {depth} filters" in texts(figure)
    kinds = {p.get_label(): p.get_gid() for p in figure.axes[0].patches}
    for i, j in every:
        decoder = "decoder" if i + j == levels - 1 else "context"
        assert kinds[node(i, j)] == ("encoder" if j == 0 else decoder)


def test_unetpp_arrows_run_between_their_nodes_and_arcs_differ():
    figure = architectures.unetpp()
    patches = {p.get_label(): p for p in figure.axes[0].patches}
    arcs = set()
    for label, line in patches.items():
        if "→" not in label or "output" in label:
            continue
        source, target = (patches[name].get_bbox().padded(0.03) for name in label.split(" → "))
        points = line.get_path().vertices  # along the line, then around the head
        assert source.contains(*points[0]), label
        assert any(target.contains(*point) for point in points), label
        arcs.add(tuple(np.round(points[:3], 3).ravel()))
    assert len(arcs) == 4 + 10 + 20  # down, up, skips; no two from and to the same points
    heights = {}
    for label, line in patches.items():
        if line.get_gid() == "skip arrow":
            source, target = (int(name[5]) for name in label.split(" → "))
            tall = np.ptp(line.get_path().vertices[:3, 1])
            heights.setdefault((label[2], target - source), set()).add(round(tall, 2))
    for level, spans in (("0", 4), ("1", 3)):
        ordered = [heights[level, span] for span in range(1, spans + 1)]
        assert all(max(a) < min(b) for a, b in itertools.pairwise(ordered))


@pytest.mark.parametrize("place", [(0, 0), (2, 0), (0, 4), (1, 2), (3, 1)])
def test_unetpp_highlights_a_node_and_what_goes_into_it(place):
    figure = architectures.unetpp(highlight=place, deep_supervision=True)
    nodes, arrows = shown(figure, strong_only=True)
    assert arrows == into(*place)
    assert nodes == {node(*place), *(arrow.split(" → ")[0] for arrow in arrows)}
    assert shown(figure) == shown(architectures.unetpp(deep_supervision=True))
    widths = {p.get_label(): p.get_linewidth() for p in figure.axes[0].patches if p.get_label()}
    assert all(widths[node(*place)] > widths[other] for other in nodes - {node(*place)})


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_unetpp_highlights_what_pruning_leaves(depth):
    from course_utils import models

    figure = architectures.unetpp(deep_supervision=True, highlight=depth)
    nodes, arrows = shown(figure, strong_only=True)
    model = models.unetpp((16, 16, 1), filters=(1, 1, 1, 1, 1), deep_supervision=True)
    names = [layer.name for layer in models.prune(model, depth).layers]
    places = [(int(n[2]), int(n[4])) for n in names if n.startswith("x_") and len(n) == 5]
    assert nodes == {node(*place) for place in places}
    assert arrows == set().union(*(into(*place) for place in places)) | {
        f"{node(0, depth)} → output"
    }
    assert f"{len(places)} of 15 nodes" in said(figure)


def test_unetpp_adds_up_the_channels_that_a_node_sees():
    assert "X(0, 3) sees 32 + 32 + 32 + 64 = 160 channels" in said(
        architectures.unetpp(highlight=(0, 3))
    )
    assert "X(2, 0) sees 64 channels, pooled" in said(architectures.unetpp(highlight=(2, 0)))


@pytest.mark.parametrize("highlight", [(5, 0), (1, 4), (0, -1), (0,), 0, 5, -1, True, "X"])
def test_unetpp_knows_no_such_node(highlight):
    with pytest.raises(ValueError, match="highlight must be"):
        architectures.unetpp(highlight=highlight)


def test_unetpp_draws_two_to_five_levels():
    for filters in ((32,), (1, 2, 3, 4, 5, 6)):
        with pytest.raises(ValueError, match="filters"):
            architectures.unetpp(filters)


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
