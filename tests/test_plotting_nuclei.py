"""Figures of nuclei, and of networks compared seed by seed."""

import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")

from course_utils import plotting

IMAGE = np.full((12, 16, 3), 90, np.uint8)
# 1 and 2 touch at a side, 3 touches 2 at a corner, 4 and 5 stand alone, 4 beside 5.
INSTANCES = np.zeros((12, 16), np.int32)
INSTANCES[1:4, 1:4] = 1
INSTANCES[1:4, 4:7] = 2
INSTANCES[4:6, 7:9] = 3
INSTANCES[8:11, 1:4] = 4
INSTANCES[8:11, 6:9] = 40


def assert_legible(figure, texts):
    """All within the figure, none over another, none small."""
    figure.draw_without_rendering()
    frames = [(text.get_text(), text.get_window_extent()) for text in texts if text.get_text()]
    page = figure.bbox.padded(0.5)
    for number, (name, frame) in enumerate(frames):
        assert page.contains(frame.x0, frame.y0) and page.contains(frame.x1, frame.y1), name
        assert not any(frame.overlaps(other) for _, other in frames[:number]), name
    assert min(text.get_fontsize() for text in texts if text.get_text()) >= 9


def painted(ax):
    return np.asarray(ax.images[-1].get_array())


def test_merged_masks_counts_nuclei_and_what_merging_leaves():
    figure = plotting.merged_masks(IMAGE, INSTANCES)
    plain, single, together = figure.axes
    assert [ax.get_title() for ax in figure.axes] == ["image", "5 nuclei", "merged: 3 pieces"]
    np.testing.assert_array_equal(plain.images[0].get_array(), IMAGE)
    for ax in (single, together):
        np.testing.assert_array_equal(ax.images[0].get_array(), IMAGE)
        np.testing.assert_array_equal(painted(ax)[..., 3] > 0, INSTANCES > 0)
    assert len(np.unique(painted(together)[INSTANCES > 0], axis=0)) == 1
    assert_legible(figure, [ax.title for ax in figure.axes])


def test_merged_masks_of_one_nucleus_of_none_and_of_one_in_two_pieces():
    one = plotting.merged_masks(IMAGE[..., 0], np.where(INSTANCES == 4, 7, 0))
    assert [ax.get_title() for ax in one.axes[1:]] == ["1 nucleus", "merged: 1 piece"]
    none = plotting.merged_masks(IMAGE[..., :1], np.zeros_like(INSTANCES))
    assert [ax.get_title() for ax in none.axes[1:]] == ["0 nuclei", "merged: 0 pieces"]
    torn = plotting.merged_masks(IMAGE, np.where(INSTANCES >= 4, 1, 0))
    assert [ax.get_title() for ax in torn.axes[1:]] == ["1 nucleus", "merged: 2 pieces"]


@pytest.mark.parametrize("seed", range(4))
def test_merged_masks_gives_neighbours_different_colours(seed):
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 120, (90, 2))
    places = np.stack(np.indices((120, 120)), -1)
    nearest = ((places[:, :, None] - points) ** 2).sum(-1).argmin(-1)
    numbers = rng.permutation(90)[nearest] + 1  # cells that touch everywhere, in no order
    figure = plotting.merged_masks(np.zeros((120, 120)), numbers)
    colours = painted(figure.axes[1])
    assert (figure.axes[1].get_title(), figure.axes[2].get_title()) == (
        f"{len(np.unique(numbers))} nuclei",
        "merged: 1 piece",
    )
    for number in np.unique(numbers):
        assert len(np.unique(colours[numbers == number], axis=0)) == 1
    for axis in (0, 1):
        border = np.diff(numbers, axis=axis) != 0
        change = np.abs(np.diff(colours, axis=axis)).max(axis=-1)
        assert (change[border] > 0.15).all()


def test_merged_masks_tells_apart_nuclei_with_a_gap_between():
    colours = painted(plotting.merged_masks(IMAGE, INSTANCES).axes[1])
    assert not np.allclose(colours[9, 2], colours[9, 7])  # 4 and 40, two pixels apart


def test_merged_masks_explains_what_does_not_fit():
    with pytest.raises(ValueError, match="instances is"):
        plotting.merged_masks(IMAGE[:5], INSTANCES)
    with pytest.raises(ValueError, match="instances must not be negative"):
        plotting.merged_masks(IMAGE, -INSTANCES)
    with pytest.raises(ValueError, match="instances holds fractions"):
        plotting.merged_masks(IMAGE, INSTANCES / 3)


SIZES = [(256, 256), (256, 320), (260, 347), (360, 360), (520, 696), (603, 1272), (1040, 1388)]


@pytest.mark.parametrize("columns", [1, 3, 5, 7])
@pytest.mark.parametrize("sizes", [SIZES, SIZES[::-1], SIZES[:1], SIZES[-2:]])
def test_gallery_draws_all_images_at_one_scale(sizes, columns):
    images = [np.full(size, 128, np.uint8) for size in sizes]
    stains = ["fluorescence", "bright field"] * 4
    figure = plotting.gallery(images, stains[: len(images)], columns=columns)
    figure.draw_without_rendering()
    frames = [ax.get_window_extent() for ax in figure.axes]
    scales = []
    for ax, frame, image, stain in zip(figure.axes, frames, images, stains, strict=False):
        height, width = image.shape
        scales += [frame.height / height, frame.width / width]
        assert ax.get_xlabel() == f"{height} × {width}\n{stain}"
        assert ax.images[0].get_array().shape == image.shape
    np.testing.assert_allclose(scales, scales[0], rtol=1e-6)
    page = figure.bbox
    labels = [ax.xaxis.label.get_window_extent() for ax in figure.axes]
    for number, (frame, label) in enumerate(zip(frames, labels, strict=True)):
        assert page.x0 <= frame.x0 and frame.x1 <= page.x1 + 1e-6 and page.y0 < frame.y0
        assert not any(other.overlaps(b) for other in frames[:number] for b in (frame, label))
    rows = [round(frame.y0) for frame in frames]
    expected = [rows.count(row) for row in dict.fromkeys(rows)]
    full, rest = divmod(len(images), columns)
    assert expected == [columns] * full + [rest] * (rest > 0)
    widest = max(sum(f.width for f, r in zip(frames, rows, strict=True) if r == s) for s in rows)
    assert widest > 0.4 * page.width  # the scale uses the room there is
    assert_legible(figure, [ax.xaxis.label for ax in figure.axes])


def test_gallery_without_titles_and_with_what_does_not_fit():
    images = [np.zeros((20, 30), np.uint8), np.zeros((40, 30, 3))]
    figure = plotting.gallery(images)
    assert [ax.get_xlabel() for ax in figure.axes] == ["20 × 30", "40 × 30"]
    with pytest.raises(ValueError, match="titles has 1"):
        plotting.gallery(images, ["one"])
    with pytest.raises(ValueError, match="images is empty"):
        plotting.gallery([])
    with pytest.raises(ValueError, match="columns must be"):
        plotting.gallery(images, columns=0)
    with pytest.raises(ValueError, match="columns is 40"):
        plotting.gallery(images * 20, columns=40)
    with pytest.raises(ValueError, match=r"images\[1\]"):
        plotting.gallery([images[0], np.zeros(4)])


BASE = {0: 0.8347, 1: 0.832, 2: 0.8367, 3: 0.835}
SCORES = {
    "U-Net": BASE,
    "UNet++": {4: 0.9, 2: 0.834, 1: 0.833, 0: 0.8321},
    "UNet++, deep supervision": {0: 0.8367, 1: 0.8361, 2: 0.8392, 3: 0.8355},
    "once": {3: 0.84, 9: 0.1},
}


@pytest.mark.parametrize("name", ["UNet++", "UNet++, deep supervision"])
def test_paired_difference_is_that_of_the_paired_t_test(name):
    from scipy.stats import ttest_rel

    seeds = [seed for seed in BASE if seed in SCORES[name]]
    result = ttest_rel([SCORES[name][seed] for seed in seeds], [BASE[seed] for seed in seeds])
    interval = result.confidence_interval(0.95)
    mean, low, high = plotting.paired_difference(SCORES[name], BASE)
    np.testing.assert_allclose((low, high), interval)
    assert mean == pytest.approx(np.mean([SCORES[name][seed] - BASE[seed] for seed in seeds]))
    np.testing.assert_allclose(plotting.paired_difference(BASE, SCORES[name]), (-mean, -high, -low))


def test_paired_difference_of_one_seed_of_none_and_of_equal_differences():
    mean, low, high = plotting.paired_difference(SCORES["once"], BASE)
    assert mean == pytest.approx(0.005) and np.isnan(low) and np.isnan(high)
    with pytest.raises(ValueError, match="no seed in common"):
        plotting.paired_difference({7: 0.5}, BASE)
    assert plotting.paired_difference({0: 0.5, 1: 0.75}, {0: 0.25, 1: 0.5}) == (0.25, 0.25, 0.25)


def test_paired_draws_each_difference_its_mean_and_its_interval():
    figure = plotting.paired(SCORES, "U-Net")
    (ax,) = figure.axes
    others = [name for name in SCORES if name != "U-Net"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == others
    dots = {collection.get_label(): collection.get_offsets() for collection in ax.collections}
    assert list(dots) == others
    bars, means = (
        {line.get_ydata().mean().round(): line for line in ax.lines if line.get_gid() == gid}
        for gid in ("interval", "mean")
    )
    for row, name in enumerate(others):
        common = sorted(set(BASE) & set(SCORES[name]))
        expected = [100 * (SCORES[name][seed] - BASE[seed]) for seed in common]
        np.testing.assert_allclose(np.sort(dots[name][:, 0]), np.sort(expected))
        assert (dots[name][:, 1] == row).all()
        mean, low, high = plotting.paired_difference(SCORES[name], BASE)
        if name == "once":
            assert row not in bars and row not in means
        else:
            np.testing.assert_allclose(bars[row].get_xdata(), [100 * low, 100 * high])
            np.testing.assert_allclose(means[row].get_xdata(), 100 * mean)
    upright = [line for line in ax.lines if list(line.get_xdata()) == [0, 0]]
    assert len(upright) == 1 and ax.get_xlim()[0] < 0 < ax.get_xlim()[1]
    label = ax.get_xlabel()
    assert "difference to U-Net, points of IoU" in label and "95 % confidence interval" in label
    written = [text.get_text() for text in ax.texts]
    assert written == ["−0.14\n[−0.67, +0.38]", "+0.23\n[−0.01, +0.46]", "+0.50\none seed"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first above
    assert_legible(figure, [*ax.texts, ax.xaxis.label, *ax.get_yticklabels()])


def test_paired_explains_what_cannot_be_compared():
    with pytest.raises(ValueError, match="'V-Net'"):
        plotting.paired(SCORES, "V-Net")
    with pytest.raises(ValueError, match="'U-Net' alone"):
        plotting.paired({"U-Net": BASE}, "U-Net")
    with pytest.raises(ValueError, match="'late' has no seed in common with 'U-Net'"):
        plotting.paired(SCORES | {"late": {7: 0.8}}, "U-Net")
