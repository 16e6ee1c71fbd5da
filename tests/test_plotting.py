"""The figures show what they are given: the right pixels in the right color, the right numbers."""

import matplotlib

matplotlib.use("Agg")

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.colors import same_color, to_rgb
from matplotlib.figure import Figure
from numpy.testing import assert_allclose, assert_array_equal
from scipy import ndimage

from course_utils import plotting
from course_utils.datasets import IGNORE, Dataset
from course_utils.plotting import comparisons, style

NAMES = ("sky", "tree", "road")
IMAGE = np.full((12, 16), 90, np.uint8)
COLOR = np.full((12, 16, 3), 90, np.uint8)
MASK = np.zeros((12, 16), np.uint8)
MASK[3:6, 4:9] = 1
LATE = np.roll(MASK, 2, axis=1)
NONE = np.zeros_like(MASK)
UNKNOWN = np.full_like(MASK, IGNORE)
CLASSES = np.where(MASK, 2, 0).astype(np.uint8)
CLASSES[9:] = 1
CLASSES[0, 0] = IGNORE
OTHER = np.where(CLASSES == 2, 1, CLASSES) % IGNORE
SURE = 0.9 * (CLASSES[..., None] == np.arange(3))
INSTANCES = np.zeros((12, 16), np.int32)
INSTANCES[1:4, 1:4], INSTANCES[1:4, 4:7], INSTANCES[8:11, 6:9] = 1, 2, 40
DATA = Dataset(
    np.stack([IMAGE] * 3)[..., None],
    np.stack([MASK, MASK, NONE]),
    ("background", "heart"),
    ("a", "b", "c"),
    None,
    "made up",
)
SCENES = Dataset(np.stack([COLOR] * 2), np.stack([CLASSES] * 2), NAMES, ("a", "b"), None, "made up")
SCENE = SimpleNamespace(
    image=COLOR, regions=CLASSES, surfaces=UNKNOWN, layers=np.where(CLASSES == 2, 4, -1)
)
RECORD = {"loss": [1.0, 0.5, 0.2], "val_loss": [1.1, 0.7, 0.6], "miou": [0.5, 0.6, np.nan]}
DIVERGED = {"loss": [9.0, np.nan], "val_loss": [np.nan, np.nan], "miou": [np.nan, np.nan]}
SEEDS = {"U-Net": {0: 0.5, 1: 0.52}, "wide": {0: 0.51, 1: 0.55, 7: 0.9}, "once": {1: 0.48}}
CHANCE = np.linspace(0.01, 0.99, 99)
CURVES = {"IoU": [1, 0.5, 0.2], "Dice": [1, 0.7, np.nan]}
DISTANCES = {"Hausdorff": [0, 3, np.inf], "95 %": [0, 1, 2]}


CONSTANT = {"background everywhere": {"miou": 0.49, "pixel_accuracy": 0.98}}

# Every function that returns a figure, on plain and on odd input.
FIGURES = {
    "attention": lambda: plotting.attention(IMAGE, (2, 3), {"after": [SURE[:3, :5, 0]]}),
    "before_and_after": lambda: plotting.before_and_after(SURE, -SURE, "kernels", count=2),
    "maps": lambda: plotting.maps({"image": IMAGE, "two": np.eye(2)}, "An image and two ones."),
    "before_and_after, maps": lambda: plotting.before_and_after(
        0 * SURE, 0 * SURE, "maps", image=IMAGE
    ),
    "border_errors": lambda: plotting.border_errors(CLASSES, OTHER),
    "border_errors, none": lambda: plotting.border_errors(MASK, MASK, reach=2),
    "cases": lambda: plotting.cases(DATA, {"FCN": DATA.masks, "MLP": [LATE, NONE, NONE]}),
    "cases, nothing to find": lambda: plotting.cases(
        DATA.subset([2]), {"MLP": [NONE]}, which="typical"
    ),
    "class_scores": lambda: plotting.class_scores({"a": [0.9, 0.2, 0.1], "b": [0.5, 0, 1]}, NAMES),
    "class_scores, absent": lambda: plotting.class_scores({"a": [np.nan] * 3}, NAMES),
    "confusion": lambda: plotting.confusion([[96, 4, 0], [30, 70, 0], [0, 0, 0]], NAMES),
    "confusion, one class": lambda: plotting.confusion([[0]], ["only"]),
    "degradation": lambda: plotting.degradation([0, 2, 4], CURVES, DISTANCES, step_label="shift"),
    "degradation, never defined": lambda: plotting.degradation(
        [0, 2], {"a": [np.nan] * 2}, {"b": [np.inf] * 2}, step_label="shift"
    ),
    "detection_instance_semantic": lambda: plotting.detection_instance_semantic(
        COLOR, INSTANCES, CLASSES, NAMES, object_names=["car", "van", "car"]
    ),
    "detection_instance_semantic, nothing": lambda: plotting.detection_instance_semantic(
        IMAGE, NONE, UNKNOWN, NAMES, object_names=[]
    ),
    "foreground_share": lambda: plotting.foreground_share(DATA.masks),
    "foreground_share, none": lambda: plotting.foreground_share(np.zeros((1, 3, 3))),
    "gallery": lambda: plotting.gallery([IMAGE, np.zeros((30, 9, 3))], ["pink", "dark"]),
    "gallery, one": lambda: plotting.gallery([IMAGE]),
    "gradient_maps": lambda: plotting.gradient_maps(MASK, MASK * 0.5, {"Dice": MASK * -0.2}),
    "gradient_maps, flat": lambda: plotting.gradient_maps(UNKNOWN, NONE, {"none": NONE}),
    "history": lambda: plotting.history({"FCN": RECORD, "MLP": {"loss": [1.0]}}),
    "history, baseline": lambda: plotting.history(RECORD, baselines=CONSTANT),
    "history, diverged": lambda: plotting.history({"a": RECORD, "b": DIVERGED}, ["loss", "miou"]),
    "history, one epoch": lambda: plotting.history({"miou": [0.5]}, "miou"),
    "invented_classes": lambda: plotting.invented_classes(CLASSES, CLASSES + 3, NAMES, 3),
    "invented_classes, none": lambda: plotting.invented_classes(CLASSES, CLASSES, NAMES, 3),
    "iou_picture": lambda: plotting.iou_picture(MASK, LATE),
    "iou_picture, nothing": lambda: plotting.iou_picture(UNKNOWN, NONE),
    "labels_of_scene": lambda: plotting.labels_of_scene(SCENE, NAMES, NAMES),
    "learning_curve": lambda: plotting.learning_curve(
        {"a": {50: [0.4], 100: [0.5, 0.7]}, "b": {50: [0.2]}}, xlabel="images", ylabel="mIoU"
    ),
    "learning_curve, diverged": lambda: plotting.learning_curve(
        {"a": {50: [np.nan], 100: [np.nan]}}, xlabel="images", ylabel="mIoU"
    ),
    "lines": lambda: plotting.lines(
        {"a": ([0, 1], [1, 0.5]), "b": ([0, 1, 2], [np.nan] * 3)},
        xlabel="recall",
        ylabel="precision",
        dots={"decision": (0.5, 0.5)},
    ),
    "merged_masks": lambda: plotting.merged_masks(COLOR, INSTANCES),
    "merged_masks, none": lambda: plotting.merged_masks(IMAGE[..., None], NONE),
    "object_errors": lambda: plotting.object_errors(COLOR, INSTANCES, np.roll(INSTANCES, 2)),
    "object_errors, none": lambda: plotting.object_errors(IMAGE, NONE, NONE),
    "paired": lambda: plotting.paired(SEEDS, "U-Net"),
    "precision_recall": lambda: plotting.precision_recall(CLASSES, SURE, NAMES),
    "recall_and_precision": lambda: plotting.recall_and_precision({"a": (0.5, 0.7)}, "road"),
    "receptive_field": lambda: plotting.receptive_field(IMAGE, {"conv1": 3, "pool1": 4}, (2, 3)),
    "scenes": lambda: plotting.scenes([COLOR] * 3, [CLASSES, OTHER, NONE], NAMES, titles="abc"),
    "scenes, unknown": lambda: plotting.scenes([COLOR / 255], [UNKNOWN], NAMES),
    "seeds": lambda: plotting.seeds({"FCN": [0.90, 0.92], "MLP": [0.7]}),
    "show_pairs": lambda: plotting.show_pairs([IMAGE] * 9, [MASK] * 9, "abcdefghi"),
    "show_pairs, one": lambda: plotting.show_pairs([IMAGE / 255], [UNKNOWN]),
    "stack": lambda: plotting.stack({"forward": 3, "backward": 5.25, "update": 0}, "milliseconds"),
    "tradeoff": lambda: plotting.tradeoff(
        {"small": (2e4, [0.5, 0.7]), "large": (31e6, 0.8)}, xlabel="parameters", ylabel="mIoU"
    ),
}
NO_FIGURES = {"class_map", "draw_instances", "overlay", "show"}


@pytest.fixture(autouse=True)
def close_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


def axes():
    return Figure().subplots()


def layer(ax):
    """The painted layer of a picture, RGBA."""
    return np.asarray(ax.images[-1].get_array())


def is_painted(ax, where, color):
    """Whether these pixels, of which there are some, have this color."""
    pixels = layer(ax)[where]
    return len(pixels) > 0 and all(same_color(pixel[:3], color) for pixel in pixels)


def is_striped(ax, where):
    pixels = layer(ax)[where]
    gray = (np.ptp(pixels[:, :3], axis=1) == 0).all() and (pixels[:, 3] > 0).all()
    return gray and len(np.unique(pixels, axis=0)) == 2


def texts(figure):
    return [text.get_text() for text in figure.findobj(matplotlib.text.Text)]


def legend(owner):
    (legend,) = getattr(owner, "legends", None) or [owner.get_legend()]
    colors = [patch.get_facecolor() for patch in legend.get_patches()]
    return dict(zip([text.get_text() for text in legend.get_texts()], colors, strict=True))


def test_no_function_that_draws_a_figure_is_left_out():
    assert set(plotting.__all__) == {name.split(",")[0] for name in FIGURES} | NO_FIGURES


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_can_be_drawn_and_has_a_short_text(name):
    figure = FIGURES[name]()
    assert style.png(figure).startswith(b"\x89PNG")
    assert 20 < len(figure.alt) <= style.LONGEST


BAD = {
    "mask is .5, 5": lambda: plotting.overlay(axes(), IMAGE, np.zeros((5, 5), int)),
    "mask holds fractions": lambda: plotting.overlay(axes(), IMAGE, MASK * 0.3),
    "image must have the shape": lambda: plotting.overlay(axes(), np.zeros((2, 3, 4, 5)), MASK),
    "class_names only 2": lambda: plotting.class_map(axes(), CLASSES, NAMES[:2]),
    "images has 2, masks has 1": lambda: plotting.show_pairs([IMAGE] * 2, [MASK]),
    r"masks\[1\]": lambda: plotting.scenes([IMAGE] * 2, [MASK, MASK[:4]], NAMES),
    "images is empty": lambda: plotting.scenes([], [], NAMES),
    "titles has 1": lambda: plotting.gallery([IMAGE] * 2, ["one"]),
    "columns is 40": lambda: plotting.gallery([IMAGE] * 40, columns=40),
    "columns is 0": lambda: plotting.gallery([IMAGE], columns=0),
    r"images\[1\]": lambda: plotting.gallery([IMAGE, np.zeros(4)]),
    "which is": lambda: plotting.cases(DATA, {"MLP": DATA.masks}, which=["worst", "mean"]),
    "before and after must": lambda: plotting.before_and_after(SURE, SURE[1:], "maps"),
    "by is 'FCN'": lambda: plotting.cases(DATA, {"MLP": DATA.masks}, by="FCN"),
    "MLP has 2": lambda: plotting.cases(DATA, {"MLP": DATA.masks[:2]}),
    "prediction has shape": lambda: plotting.cases(SCENES, {"MLP": SCENES.masks[:, 1:]}),
    "prediction is": lambda: plotting.iou_picture(MASK, MASK[1:]),
    "after is": lambda: plotting.invented_classes(MASK, MASK[1:], NAMES, 3),
    "'Dice' is": lambda: plotting.gradient_maps(MASK, MASK, {"Dice": MASK[1:]}),
    "instances must not be negative": lambda: plotting.merged_masks(IMAGE, -INSTANCES),
    "instances is": lambda: plotting.draw_instances(axes(), IMAGE, INSTANCES[1:]),
    "prediction is .3": lambda: plotting.object_errors(IMAGE, INSTANCES, MASK[:3]),
    "object_names has 1": lambda: plotting.detection_instance_semantic(
        COLOR, INSTANCES, CLASSES, NAMES, object_names=["car"]
    ),
    "masks must be": lambda: plotting.foreground_share(np.zeros((0, 3, 3))),
    "class_names has 2": lambda: plotting.confusion(np.eye(3), ["a", "b"]),
    "class_names has 3": lambda: plotting.class_scores({"a": [1]}, NAMES),
    "results must hold": lambda: plotting.seeds({"none": []}),
    "curves is empty": lambda: plotting.lines({}, xlabel="", ylabel=""),
    "'recall' has": lambda: plotting.lines({"recall": ([0, 1], [1])}, xlabel="", ylabel=""),
    "parts must be": lambda: plotting.stack({"forward": 3, "backward": -1}, "milliseconds"),
    "points is empty": lambda: plotting.tradeoff({}, xlabel="", ylabel=""),
    "baseline is 'V-Net'": lambda: plotting.paired(SEEDS, "V-Net"),
    "'U-Net' alone": lambda: plotting.paired({"U-Net": SEEDS["U-Net"]}, "U-Net"),
    "'late' has no seed": lambda: plotting.paired(SEEDS | {"late": {9: 0.8}}, "U-Net"),
    "histories is empty": lambda: plotting.history({}),
    r"histories must be .*it has \[1": lambda: plotting.history([1, 2, 3]),
    "histories must be .*it has None": lambda: plotting.history({"FCN": RECORD, "MLP": None}),
    "histories must be .*'loss': 3": lambda: plotting.history({"loss": 3}),
    "figure must be a Figure, not Axes": lambda: plotting.show(axes(), "a line"),
    "alt is empty": lambda: plotting.show(Figure(), " "),
    "image is float64 with values from 90": lambda: plotting.overlay(axes(), IMAGE * 1.0, MASK),
    "image is float64 with values from -1": lambda: plotting.overlay(axes(), MASK - 1.0, MASK),
    r"images\[0\] is uint16": lambda: plotting.gallery([99 * IMAGE.astype(np.uint16)]),
    r"'dice'.*\['loss', 'miou'\]": lambda: plotting.history(RECORD, ["dice"]),
    r"baselines\['background every": lambda: plotting.history(RECORD, "loss", baselines=CONSTANT),
    "'mIoU' has": lambda: plotting.degradation([0, 1], {"mIoU": [1]}, {}, step_label=""),
    "scores must hold": lambda: plotting.learning_curve({"a": {}}, xlabel="", ylabel=""),
    "no value": lambda: plotting.learning_curve({"a": {5: []}}, xlabel="", ylabel=""),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_named(message):
    with pytest.raises((ValueError, TypeError), match=message):
        BAD[message]()


@pytest.mark.parametrize("image", [IMAGE, IMAGE[..., None], COLOR, IMAGE.astype("float32") / 255])
def test_overlay_colors_the_pixels_of_the_mask_and_no_other(image):
    mask = MASK.copy()
    mask[9:] = IGNORE
    ax = axes()
    assert plotting.overlay(ax, image, mask[..., None].astype("float32"), color="red") is ax
    assert is_painted(ax, mask == 1, "red") and is_striped(ax, mask == IGNORE)
    assert not layer(ax)[mask == 0].any()
    below = ax.images[0]
    assert_array_equal(below.get_array(), image.squeeze())
    assert (below.norm.vmin, below.norm.vmax) == (0, 1 if image.dtype.kind == "f" else 255)
    edge = np.array(ax.collections[0].get_segments())
    assert len(edge) == 2 * (3 + 5)  # each side of a pixel at the border of the mask


def test_class_maps_have_the_classes_colors_and_a_legend_of_what_is_there():
    ax = axes()
    plotting.class_map(ax, CLASSES, NAMES, image=COLOR)
    figure = plotting.scenes([COLOR], [CLASSES % IGNORE], NAMES)
    known = {name: style.SCENE_COLORS[name] for name in NAMES}
    for number, color in enumerate(known.values()):
        assert is_painted(ax, np.equal(CLASSES, number), color)
        assert is_painted(figure.axes[1], np.equal(CLASSES, number), color)
    assert list(legend(ax)) == [*NAMES, "unknown"] and list(legend(figure)) == list(NAMES)
    assert all(same_color(legend(figure)[name], color) for name, color in known.items())
    assert style.class_palette(["water", "tree"])[1] == known["tree"]
    palette = style.class_palette(["background", *map(str, range(11))])
    assert len(set(palette)) == 12 and np.ptp(to_rgb(palette[0])) == 0


def test_outcomes_have_the_same_colors_everywhere():
    truth, found = np.array([[0, 1, 1, 0, 255, 2]]), np.array([[0, 1, 0, 1, 1, 1]])
    assert_array_equal(comparisons.outcome(truth, found), [[0, 1, 2, 3, 255, 2]])
    found = {"late": [LATE, MASK, NONE], "none": [NONE] * 3}
    figure = plotting.cases(DATA, found, by="late", which=("worst", "best"))  # nothing to find in c
    grid = np.array(figure.axes).reshape(2, 4)
    assert [ax.get_xlabel() for ax in grid[:, 2]] == ["IoU 0.43", "IoU 1.00"]
    assert [ax.get_xlabel() for ax in grid[:, 1]] == ["15 pixels"] * 2
    first = plotting.iou_picture(MASK, LATE)
    for ax in (grid[0, 2], first.axes[2]):
        assert is_painted(ax, (MASK == 1) & (LATE == 1), style.HIT)
        assert is_painted(ax, (MASK == 1) & (LATE == 0), style.MISS)
        assert is_painted(ax, (MASK == 0) & (LATE == 1), style.FALSE_ALARM)
        assert not layer(ax)[(MASK == 0) & (LATE == 0)].any()
    assert list(legend(figure).values()) == list(legend(first).values())
    for color, right in zip(
        legend(figure).values(), (style.HIT, style.MISS, style.FALSE_ALARM), strict=True
    ):
        assert same_color(color, right)
    assert "9 / (9 + 6 + 6) = 0.429" in first.get_suptitle()
    assert "not defined" in plotting.iou_picture(NONE, NONE).get_suptitle()
    for ax, mask in zip(first.axes, (MASK, LATE), strict=False):
        assert_array_equal(layer(ax)[..., 3] > 0, mask == 1)


def test_cases_are_the_worst_the_median_and_the_best_with_their_scores():
    masks = np.repeat(MASK[None], 6, axis=0)
    masks[1] = 0
    data = Dataset(
        np.stack([IMAGE] * 6)[..., None], masks, DATA.class_names, tuple("abcdef"), None, "made up"
    )
    found = masks.copy()
    found[0], found[2, 3], found[3], found[4, 3, 4] = LATE, 0, NONE, 0  # IoU .43, .67, 0, .93
    stray = masks * 0
    stray[:, 0, 0] = 1
    figure = plotting.cases(data, {"stray": stray, "MLP": found})
    grid = np.array(figure.axes).reshape(3, 4)
    titles = ["worst: IoU 0.00", "typical: IoU 0.67", "best: IoU 1.00"]
    assert [ax.get_ylabel().split("\n") for ax in grid[:, 0]] == [
        list(pair) for pair in zip(titles, "dcf", strict=True)
    ]
    assert all(title in figure.alt for title in titles)
    assert grid[1, 3].get_xlabel() == "IoU 0.67" and np.ptp(grid[1, 3].get_xlim()) < 16  # cropped
    assert is_painted(grid[1, 3], (MASK == 1) & (found[2] == 0), style.MISS)
    scenes = plotting.cases(SCENES, {"poor": [CLASSES % IGNORE, OTHER]}, which=("best", "worst"))
    best, worst = np.array(scenes.axes).reshape(2, 3)
    assert (best[0].get_ylabel(), best[2].get_xlabel()) == ("best: mIoU 1.00\na", "mIoU 1.00")
    ground = 48 / 63  # of the tree, which took the 15 pixels of the road
    assert worst[2].get_xlabel() == f"mIoU {(1 + ground + 0) / 3:.2f}"
    assert is_painted(worst[2], OTHER == 1, style.SCENE_COLORS["tree"])
    assert is_painted(worst[1], CLASSES == 2, style.SCENE_COLORS["road"])


@pytest.mark.parametrize("predictions", [{}, CLASSES])
def test_the_cases_of_no_named_model_are_an_error(predictions):
    with pytest.raises(ValueError, match="predictions must name its masks"):
        plotting.cases(DATA, predictions)


def test_invented_pixels_are_those_whose_class_is_nowhere_near():
    before = np.zeros((60, 80), np.uint8)
    before[:, 40:], before[30:, 40:] = 2, IGNORE
    after = before.copy()
    after[:30, 40], after[30:, 40], after[5, 37] = 1, 127, 2
    wrong = comparisons.invented(before, after)
    assert wrong[:, 40].all() and wrong.sum() == 60 + 1  # two columns from the road is no invention
    figure = plotting.invented_classes(before, after, NAMES, 3)
    grid = np.array(figure.axes).reshape(2, 3)
    assert "61 pixels (1.3%)" in grid[0, 2].get_title()
    for _, bilinear, marked in grid:
        assert is_painted(marked, wrong, "black") and not layer(marked)[~wrong].any()
        assert_array_equal(np.argwhere(layer(bilinear)[..., 3] > 0)[:, 0], np.arange(30, 60))
    (left, right), (bottom, top) = grid[1, 0].get_xlim(), grid[1, 0].get_ylim()
    assert left < 40 < right and 0 <= top + 0.5 < bottom < 35  # where a real class was made up


def test_objects_are_boxed_and_painted_one_by_one():
    boxes, objects, classes = FIGURES["detection_instance_semantic"]().axes
    assert [(box.get_xy(), box.get_width(), box.get_height()) for box in boxes.patches] == [
        ((0.5, 0.5), 3, 3),
        ((3.5, 0.5), 3, 3),
        ((5.5, 7.5), 3, 3),
    ]
    assert [text.get_text() for text in boxes.texts] == ["car", "van", "car"]
    colors = [
        np.unique(layer(objects)[np.equal(INSTANCES, number)], axis=0) for number in (1, 2, 40)
    ]
    assert len(np.unique(np.concatenate(colors), axis=0)) == 3
    assert_array_equal(layer(objects)[..., 3] > 0, INSTANCES > 0)
    assert is_painted(classes, CLASSES == 1, style.SCENE_COLORS["tree"])


def test_layers_get_different_colors_however_many_there_are():
    scene = SimpleNamespace(
        image=IMAGE, regions=NONE, surfaces=NONE, layers=np.arange(12 * 16).reshape(12, 16) - 1
    )
    figure = plotting.labels_of_scene(scene, NAMES, NAMES)
    assert len(np.unique(layer(figure.axes[3]).reshape(-1, 4), axis=0)) == 12 * 16
    assert "191 layers" in figure.axes[3].get_xlabel()


def test_merged_masks_counts_nuclei_and_pieces():
    figure = plotting.merged_masks(COLOR, INSTANCES)
    assert [ax.get_title() for ax in figure.axes] == ["image", "3 nuclei", "merged: 2 pieces"]


def test_no_object_has_the_color_of_its_neighbor():
    seeds = np.zeros((150, 150), np.int32)
    seeds.flat[np.random.default_rng(0).permutation(seeds.size)[:400]] = np.arange(1, 401)
    nearest = ndimage.distance_transform_edt(seeds == 0, return_indices=True)[1]
    cells = seeds[tuple(nearest)]  # each touches some six others
    ax = axes()
    assert plotting.draw_instances(ax, np.zeros((150, 150)), cells) is ax
    colors = layer(ax)
    for one, other in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
        alike = (colors[one] == colors[other]).all(axis=-1)
        assert_array_equal(alike, cells[one] == cells[other])


def test_errors_of_objects_have_a_color_and_a_count_for_each_kind():
    truth, found = np.zeros((2, 12, 16), int)
    truth[1:4, 1:4], truth[1:4, 4:7], truth[8:11, 6:9], truth[8:11, 1:3] = 1, 2, 3, 4
    found[1:4, 1:7], found[8:11, 6:9], found[1:3, 12:15] = 9, 8, 7
    figure = plotting.object_errors(COLOR, truth, found)
    assert list(legend(figure)) == ["found: 1", "merged: 2", "split: 0", "missed: 1", "made up: 1"]
    assert "merged: 2, split: 0" in figure.alt
    kinds = {"found": truth == 3, "merged": found == 9, "missed": truth == 4, "made_up": found == 7}
    painted = {
        kind: image.get_array()
        for kind, image in zip(comparisons.ERRORS, figure.axes[0].images[1:], strict=True)
    }
    for kind, where in kinds.items():
        assert_array_equal(painted[kind][..., 3] > 0, where)
        assert same_color(painted[kind][where][0, :3], comparisons.ERRORS[kind])


def test_gallery_has_one_scale():
    sizes = [(256, 256), (520, 696), (1040, 1388)]
    figure = plotting.gallery([np.zeros(size, np.uint8) for size in sizes], columns=2)
    (ax,) = figure.axes
    for image, (height, width) in zip(ax.images, sizes, strict=True):
        left, right, bottom, top = image.get_extent()
        assert (right - left, bottom - top) == pytest.approx((width, height))
        assert left >= 0 and right <= ax.get_xlim()[1]
    box = ax.get_position()
    inches = figure.get_size_inches() * (box.width, box.height)
    assert np.ptp(ax.get_xlim()) / inches[0] == pytest.approx(np.ptp(ax.get_ylim()) / inches[1])


def test_before_and_after_share_one_scale_and_the_channels():
    before, after = np.zeros((2, 2, 3)), np.zeros((2, 2, 3))
    before[0, 0], after[0, 0] = (1, 2, 3), (0, 9, 5)
    *pictures, _ = plotting.before_and_after(before, after, "maps", count=2).axes
    drawn = [np.asarray(ax.images[0].get_array())[0, 0] for ax in pictures]
    assert_array_equal(drawn, [2, 3, 9, 5])  # the strongest after training come first
    assert {ax.images[0].get_clim() for ax in pictures} == {(0, 9)}


def test_history_draws_training_dashed_and_validation_solid():
    run = SimpleNamespace(history=RECORD)  # as Keras returns it
    for histories in (run, RECORD, {"MLP": run, "FCN": {"miou": [0.5]}}):
        loss, miou = plotting.history(histories).axes
        lines = {line.get_gid(): line for line in loss.lines}
        assert {key: line.get_linestyle() for key, line in lines.items()} == {
            "loss": "--",
            "val_loss": "-",
        }
        for key, line in lines.items():
            assert_array_equal(line.get_xdata(), [1, 2, 3])
            assert_array_equal(line.get_ydata(), RECORD[key])
    assert {text.get_text(): text.xy[1] for text in miou.texts} == {"MLP": 0.6, "FCN": 0.5}
    assert miou.lines[0].get_color() == lines["loss"].get_color() != miou.lines[1].get_color()


def test_a_run_that_diverged_says_nan():
    loss, miou = plotting.history(DIVERGED).axes
    assert {text.get_text() for text in loss.texts} == {"training", "validation: NaN"}
    assert {text.get_text() for text in miou.texts} == {"training: NaN"}
    assert "NaN" in plotting.history(DIVERGED).alt
    _, miou = FIGURES["history, diverged"]().axes
    assert {text.get_text() for text in miou.texts} == {"a", "b: NaN"}


def test_baselines_are_grey_lines_with_their_name_and_in_the_text():
    name, score = "background everywhere", {"background everywhere": 0.3}
    history = plotting.history(RECORD, ("loss", "miou"), baselines=CONSTANT)
    curve = plotting.learning_curve(
        {"a": {50: [0.4], 100: [0.5]}}, xlabel="", ylabel="", baselines=score
    )
    seeds = plotting.seeds({"a": [0.9, 0.8]}, baselines=score)
    for figure, value in ((history, 0.49), (curve, 0.3), (seeds, 0.3)):
        ax = figure.axes[-1]
        (line,) = [line for line in ax.lines if line.get_gid() == "baseline"]
        low, high = ax.get_xlim() if figure is seeds else ax.get_ylim()
        assert low <= value <= high
        assert (line.get_xdata() if figure is seeds else line.get_ydata())[0] == value
        assert name in texts(figure) and f"{value}." in figure.alt.split(name)[1]
    assert not [line for line in history.axes[0].lines if line.get_gid() == "baseline"]


def test_degradation_draws_scores_and_distances():
    scores, distances = plotting.degradation([0, 2, 4], CURVES, DISTANCES, step_label="").axes
    for line, values in zip(scores.lines, CURVES.values(), strict=True):
        assert_array_equal(line.get_xydata().T, ([0, 2, 4], values))
    (heads,) = [line for line in distances.lines if line.get_gid() == "infinite"]
    assert_array_equal(heads.get_xdata(), [4])
    assert heads.get_color() == distances.lines[0].get_color()
    assert_array_equal(distances.lines[0].get_ydata(), [0, 3, np.nan])
    assert {"Hausdorff", "95 %", "infinite"} == {text.get_text() for text in distances.texts}
    assert_array_equal(scores.get_xticks(), distances.get_xticks())


def test_learning_curve_draws_means_single_runs_and_their_range():
    arms = {"random": {50: [0.30, 0.34], 400: [0.5, 0.52, 0.57], 100: [0.4]}}
    (ax,) = plotting.learning_curve(arms, xlabel="images", ylabel="mIoU").axes
    assert_allclose(ax.lines[0].get_xydata(), [(50, 0.32), (100, 0.4), (400, 0.53)])
    band, dots = ax.collections
    assert sorted(map(tuple, dots.get_offsets())) == [
        (x, value) for x, values in sorted(arms["random"].items()) for value in values
    ]
    at_400 = [y for x, y in band.get_paths()[0].vertices if x == 400]
    assert (min(at_400), max(at_400)) == (0.5, 0.57)


def test_gradient_maps_have_a_symmetric_scale_of_their_own():
    gradients = {"a": MASK - 0.2, "b": 10 * (MASK - 0.6)}
    figure = plotting.gradient_maps(MASK, MASK * 0.5, gradients)
    panels = {ax.get_title(): ax.images[0] for ax in figure.axes if ax.get_title()}
    assert_array_equal(panels["probability"].get_array(), MASK * 0.5)
    for name, gradient in gradients.items():
        shown, top = panels[name], np.abs(gradient).max()
        assert_array_equal(shown.get_array(), gradient)
        assert (shown.norm.vmin, shown.norm.vmax) == pytest.approx((-top, top))
        red, blue = (shown.cmap(shown.norm(value)) for value in (top, -top))
        assert red[0] > red[2] and blue[2] > blue[0]


def test_foreground_share_counts_every_image_and_marks_the_median():
    masks = np.zeros((4, 10, 100), np.uint8)
    for mask, pixels in zip(masks, (10, 20, 22, 40), strict=True):
        mask.flat[:pixels] = 1
    masks[0].flat[-500:] = IGNORE  # unknown is no foreground
    (ax,) = plotting.foreground_share(masks).axes
    assert sum(bar.get_height() for bar in ax.patches) == 4
    assert ax.lines[0].get_xdata()[0] == pytest.approx(0.021)
    assert "2.1 %" in ax.texts[0].get_text()


def test_confusion_shows_shares_of_the_row():
    (ax,) = plotting.confusion([[900, 100], [0, 0]], ["background", "ventricle"]).axes
    assert [text.get_text() for text in ax.texts] == ["90.0%", "10.0%", "–", "–"]
    assert_allclose(np.ma.filled(ax.images[0].get_array(), np.nan), [[0.9, 0.1], [np.nan] * 2])
    assert (ax.get_ylabel(), ax.get_xlabel()) == ("truth", "prediction")
    assert "absent" in ax.get_yticklabels()[1].get_text()


def test_curves_of_precision_and_of_errors_near_a_border():
    (ax,) = plotting.precision_recall(CLASSES, SURE, NAMES).axes
    assert {text.get_text() for text in ax.texts} == {f"{name} 1.00" for name in NAMES}
    assert [line.get_color() for line in ax.lines] == list(style.class_palette(NAMES))
    wrong = np.where(np.arange(12)[:, None] < 9, CLASSES, 0) % IGNORE  # nothing but row 9 to 11
    (ax,) = plotting.border_errors(CLASSES, wrong, reach=3).axes
    near, everywhere = (line.get_ydata() for line in ax.lines)
    assert_allclose(near, [1 / 3, 2 / 3, 1])
    assert (np.diff(everywhere) >= 0).all() and everywhere[0] < everywhere[-1] <= 1


def test_equal_iou_is_a_line_through_recall_and_precision():
    (ax,) = plotting.recall_and_precision({"a": (2 / 3, 0.5), "b": (0.5, 0.5)}, "road").axes
    lines = {text.get_text(): line for text, line in zip(ax.texts, ax.lines, strict=True)}
    assert np.interp(2 / 3, *lines["IoU 0.4"].get_xydata().T) == pytest.approx(0.5, abs=1e-3)
    assert "IoU 0.9" not in lines and ax.get_xlim()[0] > 0.3  # only what is near the points


def test_seeds_draws_every_seed_and_the_mean():
    (ax,) = plotting.seeds({"a": [0.90, 0.92], "b": [0.94]}).axes
    assert_allclose(ax.collections[0].get_offsets(), [(0.90, 0), (0.92, 0)])
    assert_allclose(ax.collections[1].get_offsets(), [(0.94, 1)])
    means = [line for line in ax.lines if line.get_gid() == "mean"]
    assert_allclose([line.get_xdata()[0] for line in means], [0.91, 0.94])
    assert [text.get_text() for text in ax.texts] == ["0.910 ± 0.014", "0.940"]


def test_paired_draws_differences_and_the_interval_of_the_paired_t_test():
    from scipy.stats import ttest_rel

    (ax,) = plotting.paired(SEEDS, "U-Net").axes
    assert_allclose(ax.collections[0].get_offsets(), [(1, 0), (3, 0)])
    assert_allclose(ax.collections[1].get_offsets(), [(-4, 1)])
    (interval,) = [line for line in ax.lines if line.get_gid() == "interval"]
    expected = ttest_rel([51, 55], [50, 52]).confidence_interval(0.95)
    assert_allclose(interval.get_xdata(), expected)
    assert [text.get_text() for text in ax.texts] == ["+2.00\n[−10.71, +14.71]", "−4.00\none seed"]
    assert ax.get_xlim()[0] < 0 < ax.get_xlim()[1]


def test_class_scores_draws_a_dot_for_every_model_and_says_what_is_absent():
    random, better = np.array([0.9, 0.5, np.nan]), np.array([0.95, np.nan, np.nan])
    (ax,) = plotting.class_scores({"random": random, "ImageNet": better}, NAMES).axes
    for dots, values in zip(ax.collections[1:], (random, better), strict=True):
        x, y = np.ma.filled(dots.get_offsets(), np.nan).T
        assert_array_equal(x, values)
        assert_allclose(y, np.where(np.isnan(values), np.nan, range(3)), atol=0.3)
    absent = {text.get_text(): text.get_position()[1] for text in ax.texts}
    assert absent == {"absent: ImageNet": 1, "absent": 2}
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first class above


def test_tradeoff_draws_means_and_seeds_and_names_the_best_first():
    figure = plotting.tradeoff(
        {"tiny": (4e5, 0.5), "wide": (8e6, [0.61, 0.63])}, xlabel="parameters", ylabel="IoU"
    )
    (ax,) = figure.axes
    dots = [dots.get_offsets() for dots in ax.collections]
    assert_allclose(np.concatenate(dots), [(4e5, 0.5), (8e6, 0.62), (8e6, 0.61), (8e6, 0.63)])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["wide", "tiny"]
    assert ax.get_xscale() == "log"


CELL = """
import numpy as np
from course_utils import plotting
from matplotlib import pyplot as plt
plotting.seeds({'FCN': [0.5]}, quantity='IoU of "a<b" & c')
"""
OWN = """
figure, ax = plt.subplots()
plotting.show(figure, "A line that rises")
print(plt.get_fignums())
"""


def test_a_notebook_shows_each_figure_once_with_its_text(monkeypatch):
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    monkeypatch.delenv("MPLBACKEND", raising=False)  # a kernel then takes the one for notebooks
    monkeypatch.delenv("COURSE_FIGURES", raising=False)
    cells = [nbformat.v4.new_code_cell(code.strip()) for code in (CELL, OWN)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    (first,), (second, printed) = (cell.outputs for cell in notebook.cells)
    for output, alt in ((first, plotting.seeds({"FCN": [0.5]}).alt), (second, "A line that rises")):
        alt = alt.replace("mean IoU", 'IoU of "a<b" & c')
        assert output.metadata == {"image/png": {"alt": alt}}
        assert output.data["text/plain"] == alt
        assert set(output.data) == {"image/png", "text/plain"}
    assert printed.text == "[]\n"  # closed, so not shown again


def test_figures_as_html_have_their_text_escaped(monkeypatch):
    monkeypatch.setenv("COURSE_FIGURES", "html")
    data, metadata = style.bundle(b"png", 'IoU of "a<b"')
    assert 'alt="IoU of &quot;a&lt;b&quot;"' in data["text/html"] and data["image/png"] == b"png"
    assert metadata == {"image/png": {"alt": 'IoU of "a<b"'}}


def test_pictures_have_256_colors_and_keep_those_of_a_legend():
    import io

    from PIL import Image

    noise = np.random.default_rng(0).integers(0, 256, (3, 99, 99, 1), np.uint8)
    heart = np.pad(np.ones((3, 20, 20), np.uint8), ((0, 0), (40, 39), (40, 39)))
    data = Dataset(noise, heart, ("background", "heart"), ("a", "b", "c"), None, "made up")
    figure = plotting.cases(data, {"found": heart})
    picture = Image.open(io.BytesIO(style.png(figure)))
    assert picture.mode == "P"
    pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3) / 255
    for color in (style.HIT, style.MISS, style.FALSE_ALARM):  # the last two: in the legend alone
        assert np.abs(pixels - to_rgb(color)).max(axis=1).min() < 0.03
