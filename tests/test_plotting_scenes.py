"""The figures of the outdoor scenes: class colours on the right pixels, curves, labels, scales."""

from types import SimpleNamespace

import cv2
import matplotlib
import numpy as np
import pytest
from matplotlib.colors import same_color, to_rgb

matplotlib.use("Agg")

from course_utils import plotting
from course_utils.datasets import Dataset
from course_utils.plotting import labels, mistakes
from course_utils.plotting.style import SCENE_COLOURS

REGIONS = ("sky", "tree", "road", "grass", "water", "building", "mountain", "foreground")
SURFACES = ("sky", "horizontal", "vertical")
MASK = np.zeros((12, 16), np.uint8)
MASK[6:] = 3
MASK[8:10, 4:9] = 7
MASK[6, :4] = 255
IMAGE = np.full((12, 16, 3), 90, np.uint8)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


def paint(ax):
    return np.asarray(ax.images[-1].get_array())


def is_class_map(ax, mask, class_names):
    """Whether the Axes' last picture shows this mask, each class opaque in its colour."""
    layer, palette = paint(ax), plotting.class_palette(class_names)
    right = [
        np.allclose(layer[mask == number], (*to_rgb(palette[number]), 1.0))
        for number in np.setdiff1d(mask, [255])
    ]
    unknown = layer[mask == 255][:, :3]
    return all(right) and layer.shape[:2] == mask.shape and (np.ptp(unknown, axis=1) == 0).all()


def legend_of(owner):
    (legend,) = getattr(owner, "legends", None) or [owner.get_legend()]
    return [text.get_text() for text in legend.get_texts()]


# Machado, Oliveira, Fernandes (2009), "A Physiologically-based Model for Simulation of Color
# Vision Deficiency", severity 1.0, on linear RGB.
DEUTERANOPIA = np.array(
    [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ]
)


def lab(colours, matrix=None):
    rgb = np.array([to_rgb(colour) for colour in colours])
    if matrix is not None:
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        linear = np.clip(linear @ matrix.T, 0, 1)
        rgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return cv2.cvtColor(rgb[None].astype(np.float32), cv2.COLOR_RGB2LAB)[0]


@pytest.mark.parametrize("names", [REGIONS, SURFACES])
@pytest.mark.parametrize("matrix", [None, DEUTERANOPIA])
def test_classes_of_scenes_are_told_apart_with_deuteranopia_too(names, matrix):
    colours = lab(plotting.class_palette(names), matrix)
    apart = np.linalg.norm(colours[:, None] - colours, axis=-1)
    assert apart[np.triu_indices(len(names), 1)].min() > 30  # 2.3 is just noticeable


def test_regions_are_told_apart_in_a_grey_print():
    lightness = np.sort(lab(plotting.class_palette(REGIONS))[:, 0])
    assert np.diff(lightness).min() > 7


def test_a_class_keeps_its_colour_whichever_others_are_there():
    assert plotting.class_palette(SURFACES)[0] == plotting.class_palette(REGIONS)[0]
    assert plotting.class_palette(["water", "tree"]) == (
        SCENE_COLOURS["water"],
        SCENE_COLOURS["tree"],
    )
    assert plotting.class_palette(["water", "cat"])[0] != SCENE_COLOURS["water"]


def test_scenes_puts_each_image_beside_its_mask_with_one_legend():
    small = MASK[:9, :10] % 255
    figure = plotting.scenes(
        [IMAGE, IMAGE[:9, :10], IMAGE], [MASK, small, MASK], REGIONS, titles=["a", "b", "c"]
    )
    grid = np.array(figure.axes).reshape(2, 4)
    assert [len(ax.images) for ax in grid.flat] == [1] * 6 + [0] * 2
    np.testing.assert_array_equal(grid[0, 0].images[0].get_array(), IMAGE)
    assert is_class_map(grid[0, 1], MASK, REGIONS) and is_class_map(grid[0, 3], small, REGIONS)
    assert is_class_map(grid[1, 1], MASK, REGIONS)
    assert [ax.get_title(loc="left") for ax in (*grid[0, ::2], grid[1, 0])] == ["a", "b", "c"]
    assert legend_of(figure) == ["sky", "grass", "foreground", "unknown"]
    patches = figure.legends[0].get_patches()
    assert same_color(patches[1].get_facecolor(), SCENE_COLOURS["grass"])
    assert patches[-1].get_hatch() and not patches[0].get_hatch()


def test_scenes_names_what_does_not_fit():
    with pytest.raises(ValueError, match="images has 2, masks has 1"):
        plotting.scenes([IMAGE, IMAGE], [MASK], REGIONS)
    with pytest.raises(ValueError, match=r"masks\[1\]"):
        plotting.scenes([IMAGE, IMAGE], [MASK, MASK[1:]], REGIONS)
    with pytest.raises(ValueError, match="images is empty"):
        plotting.scenes([], [], REGIONS)
    with pytest.raises(ValueError, match="class_names only 3"):
        plotting.scenes([IMAGE], [MASK], REGIONS[:3])


def test_a_legend_too_long_for_one_row_stays_in_the_figure():
    mask = np.arange(12).reshape(2, 6)
    names = [f"a rather long name {number}" for number in range(12)]
    figure = plotting.scenes([np.zeros((2, 6), np.uint8)], [mask], names)
    figure.draw_without_rendering()
    box = figure.legends[0].get_window_extent()
    assert box.x0 >= 0 and box.x1 <= figure.bbox.width


def test_labels_of_scene_shows_all_three_kinds():
    surfaces = np.where(MASK == 255, 255, np.where(MASK == 3, 1, np.where(MASK == 7, 2, 0)))
    layers = np.where(MASK == 255, -1, np.where(MASK == 7, 300, MASK.astype(int)))
    scene = SimpleNamespace(image=IMAGE, regions=MASK, surfaces=surfaces, layers=layers)
    figure = plotting.labels_of_scene(scene, REGIONS, SURFACES)
    shown, regions, lie, pieces = figure.axes
    assert [ax.get_title() for ax in figure.axes] == ["image", "regions", "surfaces", "layers"]
    np.testing.assert_array_equal(shown.images[0].get_array(), IMAGE)
    assert is_class_map(regions, MASK, REGIONS) and is_class_map(lie, surfaces, SURFACES)
    assert legend_of(regions) == ["sky", "grass", "foreground", "unknown"]
    assert legend_of(lie) == ["sky", "horizontal", "vertical", "unknown"]
    colours = [np.unique(paint(pieces)[layers == number], axis=0) for number in (0, 3, 300)]
    assert [len(colour) for colour in colours] == [1, 1, 1]  # one colour a number
    assert len(np.unique(np.concatenate(colours), axis=0)) == 3
    assert (np.ptp(paint(pieces)[layers == -1][:, :3], axis=1) == 0).all()  # grey
    assert "3 layers" in pieces.get_xlabel() and "12 × 16" in shown.get_xlabel()


def test_layers_get_different_colours_however_many_there_are():
    layers = np.arange(60).reshape(6, 10)
    zeros = np.zeros((6, 10), np.uint8)
    scene = SimpleNamespace(image=zeros, regions=zeros, surfaces=zeros, layers=layers)
    figure = plotting.labels_of_scene(scene, REGIONS, SURFACES)
    assert len(np.unique(paint(figure.axes[3]).reshape(-1, 4), axis=0)) == 60


def worst_case():
    truth = np.stack([np.where(MASK == 7, 7, np.where(MASK == 3, 3, 0)).astype(np.uint8)] * 3)
    truth[0, 0] = 255
    poor = truth.copy()
    poor[0, 0] = 0
    poor[1][poor[1] == 7] = 3
    poor[2] = 5
    good = np.where(truth == 255, 0, truth)
    data = Dataset(np.stack([IMAGE] * 3), truth, REGIONS, ("a", "b", "c"), None, "made up")
    return data, poor, good


def test_worst_scenes_draws_class_maps_the_worst_first():
    data, poor, good = worst_case()
    figure = plotting.worst_scenes(data, {"poor": poor, "good": good}, REGIONS, count=2, by="poor")
    grid = np.array(figure.axes).reshape(2, 4)
    assert [ax.get_title() for ax in grid[0]] == ["image", "truth", "poor", "good"]
    assert [ax.get_ylabel() for ax in grid[:, 0]] == ["c", "b"]
    assert is_class_map(grid[0, 1], data.masks[2], REGIONS)
    assert is_class_map(grid[0, 2], poor[2], REGIONS) and is_class_map(grid[1, 3], good[1], REGIONS)
    # b: the sky is right, 10 of 96 pixels of the ground are the object, which is not found
    expected = np.mean([1, 86 / 96, 0])
    assert grid[0, 2].get_xlabel() == "mIoU 0.00"
    assert grid[1, 2].get_xlabel() == f"mIoU {expected:.2f}"
    assert grid[1, 3].get_xlabel() == "mIoU 1.00"
    assert legend_of(figure) == ["sky", "grass", "building", "foreground"]


def test_worst_scenes_goes_by_the_last_model_and_names_an_unknown_one():
    data, poor, good = worst_case()
    figure = plotting.worst_scenes(data, {"good": good, "poor": poor}, REGIONS, count=1)
    assert figure.axes[0].get_ylabel() == "c"
    with pytest.raises(ValueError, match="by is 'other'"):
        plotting.worst_scenes(data, {"poor": poor}, REGIONS, by="other")
    with pytest.raises(ValueError, match="poor has 2"):
        plotting.worst_scenes(data, {"poor": poor[:2]}, REGIONS)


def test_invented_pixels_are_those_whose_class_is_nowhere_near():
    before = np.zeros((9, 9), int)
    before[:, 5:] = 4
    after = before.copy()
    after[2, 4], after[6, 0], after[0, 3] = 2, 4, 4  # a class between, a class far off, one near
    wrong = mistakes.invented(before, after, reach=2)
    assert np.argwhere(wrong).tolist() == [[2, 4], [6, 0]]
    assert np.argwhere(mistakes.invented(before, after, reach=5)).tolist() == [[2, 4]]


def test_invented_classes_marks_them_and_enlarges_the_place():
    before = np.zeros((60, 80), np.uint8)
    before[:, 40:], before[30:, 40:] = 5, 255
    after = before.copy()
    after[:30, 40], after[30:, 40] = 2, 127
    figure = plotting.invented_classes(before, after, REGIONS, 8)
    grid = np.array(figure.axes).reshape(2, 3)
    assert [ax.get_title() for ax in grid[0]][:2] == ["nearest neighbour", "bilinear"]
    assert "60 pixels (1.2%)" in grid[0, 2].get_title()
    for ax in grid[:, 2]:
        black = paint(ax)
        assert (black[:, 40] == (0, 0, 0, 1)).all() and not black[:, :40].any()
    outside = paint(grid[0, 1])
    assert np.argwhere(outside[..., 3] > 0).tolist() == [[row, 40] for row in range(30, 60)]
    classes = np.asarray(grid[0, 1].images[0].get_array())
    assert same_color(classes[0, 40], SCENE_COLOURS["road"])
    for ax in grid[1]:
        (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
        assert right - left == bottom - top == 10 and left < 40 < right
        assert top < 30  # where a real class was made up, which counts more
    frame = grid[0, 0].patches[0]
    assert frame.get_xy() == (left, top) and frame.get_width() == 10
    assert legend_of(figure) == [
        "sky",
        "road",
        "building",
        "unknown",
        "no class at all",
        "invented",
    ]
    with pytest.raises(ValueError, match="after"):
        plotting.invented_classes(before, after[1:], REGIONS, 8)


def test_invented_classes_of_a_harmless_resizing():
    figure = plotting.invented_classes(MASK, MASK, REGIONS, 8)
    assert "invented: 0 pixels" in figure.axes[2].get_title()
    assert "no class at all" not in legend_of(figure)


def test_gradient_maps_have_a_symmetric_scale_of_their_own():
    truth = np.zeros((5, 6), int)
    truth[2:4, 2:5] = 1
    probability = np.linspace(0, 1, 30).reshape(5, 6)
    gradients = {"a": probability - truth, "b": 10 * (probability - 0.2), "none": truth * 0.0}
    figure = plotting.gradient_maps(truth, probability, gradients)
    panels = {ax.get_title(): ax for ax in figure.axes if ax.get_title()}
    assert list(panels) == ["truth", "probability", "a", "b", "none"]
    np.testing.assert_array_equal(panels["truth"].images[0].get_array(), truth)
    np.testing.assert_array_equal(panels["probability"].images[0].get_array(), probability)
    for name, gradient in gradients.items():
        (shown,) = panels[name].images
        np.testing.assert_array_equal(shown.get_array(), gradient)
        top = np.abs(gradient).max() or 1.0
        assert (shown.norm.vmin, shown.norm.vmax) == (-top, top)
        assert shown.colorbar is not None
        assert len(panels[name].collections[0].get_segments()) == 2 * (2 + 3)
        reds = shown.cmap(shown.norm(top))
        blues = shown.cmap(shown.norm(-top))
        assert reds[0] > reds[2] and blues[2] > blues[0]
        assert min(shown.cmap(shown.norm(0.0))[:3]) > 0.95
    assert "blue" in figure.get_supxlabel()
    with pytest.raises(ValueError, match="'a'"):
        plotting.gradient_maps(truth, probability, {"a": probability[1:]})


def test_names_can_be_read_on_white():
    for colour in (*plotting.style.CYCLE, "yellow"):
        rgb = np.array(to_rgb(labels.readable(colour)))
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        assert 1.05 / (linear @ (0.2126, 0.7152, 0.0722) + 0.05) >= 4.5
    assert labels.readable("#0072B2") == to_rgb("#0072B2")
