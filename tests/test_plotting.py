"""The figures say what they should: colours on the right pixels, right counts, right words."""

import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import same_color, to_rgb
from matplotlib.figure import Figure

matplotlib.use("Agg")

from course_utils import plotting
from course_utils.datasets import Dataset
from course_utils.plotting import labels, style

IMAGE = np.full((12, 16), 90, np.uint8)
MASK = np.zeros((12, 16), np.uint8)
MASK[3:6, 4:9] = 1


@pytest.fixture(autouse=True)
def close_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


def axes():
    return Figure().subplots()


def texts(figure):
    figure.draw_without_rendering()
    return " | ".join(text.get_text() for text in figure.findobj(matplotlib.text.Text))


def paint(ax):
    """The coloured layer of a picture, RGBA."""
    return np.asarray(ax.images[-1].get_array())


def test_importing_takes_no_tensorflow_and_no_pyplot():
    code = (
        "import sys, course_utils.plotting, course_utils.plotting.interactive;"
        "print([name for name in ('tensorflow', 'keras', 'matplotlib.pyplot', 'cv2')"
        " if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_overlay_colours_the_pixels_of_the_mask_and_no_other():
    ax = axes()
    assert plotting.overlay(ax, IMAGE, MASK, colour="#112233", alpha=0.3) is ax
    layer = paint(ax)
    assert np.array_equal(layer[..., 3] > 0, MASK == 1)
    np.testing.assert_allclose(layer[3, 4], (*to_rgb("#112233"), 0.3))
    np.testing.assert_array_equal(ax.images[0].get_array(), IMAGE)


def test_overlay_gives_each_class_its_colour():
    mask = MASK.copy()
    mask[8:, :] = 2
    ax = axes()
    plotting.overlay(ax, IMAGE, mask, colour=("red", "blue"))
    assert same_color(paint(ax)[3, 4][:3], "red")
    assert same_color(paint(ax)[9, 4][:3], "blue")


def test_overlay_draws_ignored_pixels_grey_and_striped():
    mask = MASK.copy()
    mask[9:] = 255
    ax = axes()
    plotting.overlay(ax, IMAGE, mask)
    ignored = paint(ax)[mask == 255]
    assert (np.ptp(ignored[:, :3], axis=1) == 0).all()  # grey
    assert len(np.unique(ignored, axis=0)) == 2  # two stripes
    assert not paint(ax)[mask == 0].any()


def test_outline_runs_along_the_borders_of_the_pixels():
    ax = axes()
    plotting.overlay(ax, IMAGE, MASK)
    segments = np.array(ax.collections[0].get_segments())
    assert len(segments) == 2 * (3 + 5)
    assert segments[..., 0].min() == 3.5 and segments[..., 0].max() == 8.5
    assert segments[..., 1].min() == 2.5 and segments[..., 1].max() == 5.5
    ax = axes()
    plotting.overlay(ax, IMAGE, np.ones_like(MASK), outline=True)  # closed at the image's edge too
    assert len(ax.collections[0].get_segments()) == 2 * (12 + 16)
    ax = axes()
    plotting.overlay(ax, IMAGE, MASK, outline=False)
    assert not ax.collections


def test_overlay_of_an_empty_mask_leaves_the_image_as_it_is(recwarn):
    ax = axes()
    plotting.overlay(ax, IMAGE, np.zeros_like(MASK))
    assert not paint(ax).any() and not ax.collections and not recwarn.list


@pytest.mark.parametrize(
    "image", [IMAGE[..., None], np.stack([IMAGE] * 3, -1), IMAGE.astype("float32") / 255]
)
def test_images_of_all_kinds_are_drawn_at_their_full_range(image):
    ax = axes()
    plotting.overlay(ax, image, MASK[..., None].astype("float32"))
    shown = ax.images[0]
    assert shown.get_array().shape[:2] == IMAGE.shape
    assert shown.norm.vmin == 0 and shown.norm.vmax == (1 if image.dtype.kind == "f" else 255)


def test_bad_masks_and_images_are_named():
    with pytest.raises(ValueError, match=r"mask is \(5, 5\).*image.*\(12, 16\)"):
        plotting.overlay(axes(), IMAGE, np.zeros((5, 5), int))
    with pytest.raises(ValueError, match="mask holds fractions"):
        plotting.overlay(axes(), IMAGE, np.full(IMAGE.shape, 0.3))
    with pytest.raises(ValueError, match="image must have the shape"):
        plotting.overlay(axes(), np.zeros((2, 3, 4, 5)), MASK)
    with pytest.raises(ValueError, match=r"masks\[1\]"):
        plotting.show_pairs([IMAGE, IMAGE], [MASK, MASK[:4]])
    with pytest.raises(ValueError, match="images has 2, masks has 1"):
        plotting.show_pairs([IMAGE, IMAGE], [MASK])
    with pytest.raises(ValueError, match="images is empty"):
        plotting.show_pairs([], [])


def test_show_pairs_puts_each_overlay_below_its_image():
    figure = plotting.show_pairs([IMAGE] * 3, [MASK] * 3, ["a", "b", "c"], columns=2, rows=2)
    grid = np.array(figure.axes).reshape(4, 2)
    assert [len(ax.images) for ax in grid.flat] == [1, 1, 2, 2, 1, 0, 2, 0]
    assert grid[0, 0].get_title(loc="left") == "a" and grid[2, 0].get_title(loc="left") == "c"
    assert grid[0, 0].get_ylabel() == "image" and grid[1, 0].get_ylabel() == "with its mask"


def test_show_pairs_of_a_whole_data_set_draws_the_first():
    images, masks = np.stack([IMAGE] * 40)[..., None], np.stack([MASK] * 40)
    figure = plotting.show_pairs(images, masks, tuple("abcd" * 10))
    assert len(figure.axes) == 2 * 4
    assert [ax.get_title(loc="left") for ax in figure.axes[:4]] == ["a", "b", "c", "d"]


def test_zoom_keeps_the_marked_pixels_and_stays_in_the_image():
    image, mask = np.zeros((100, 80), np.uint8), np.zeros((100, 80), np.uint8)
    mask[2:30, 70:80] = 1
    ax = plotting.show_pairs([image], [mask], zoom=True).axes[0]
    left, right = ax.get_xlim()
    bottom, top = ax.get_ylim()
    assert right - left == pytest.approx(bottom - top) and right - left < 80
    assert left <= 69.5 and right == 79.5 and top == -0.5 and bottom >= 29.5


def test_outcome_tells_hits_misses_and_false_alarms_apart():
    truth = np.array([[0, 1, 1, 0, 255, 2]])
    prediction = np.array([[0, 1, 0, 1, 1, 1]])
    np.testing.assert_array_equal(plotting.outcome(truth, prediction), [[0, 1, 2, 3, 255, 2]])


def test_comparison_has_a_column_for_image_truth_and_each_model():
    late = np.roll(MASK, 2, axis=1)
    figure = plotting.comparison(
        [IMAGE] * 2,
        [MASK] * 2,
        {"MLP": [late] * 2, "FCN": [MASK] * 2},
        titles=["case 7", "case 9"],
        scores={"MLP": [0.43, np.nan]},
    )
    grid = np.array(figure.axes).reshape(2, 4)
    assert [ax.get_title() for ax in grid[0]] == ["image", "truth", "MLP", "FCN"]
    assert [ax.get_ylabel() for ax in grid[:, 0]] == ["case 7", "case 9"]
    layer = paint(grid[0, 2])
    for where, colour in (
        ((MASK == 1) & (late == 1), style.HIT),
        ((MASK == 1) & (late == 0), style.MISS),
        ((MASK == 0) & (late == 1), style.FALSE_ALARM),
    ):
        assert where.any() and all(same_color(pixel[:3], colour) for pixel in layer[where])
    assert np.array_equal(layer[..., 3] > 0, (MASK == 1) | (late == 1))
    assert [text.get_text() for text in grid[0, 2].texts] == ["IoU 0.43"]
    assert [text.get_text() for text in grid[1, 2].texts] == ["IoU –"]
    assert not grid[0, 3].texts
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert [text.split(":")[0] for text in legend] == ["hit", "miss", "false alarm"]
    colours = [patch.get_facecolor() for patch in figure.legends[0].get_patches()]
    assert all(map(same_color, colours, (style.HIT, style.MISS, style.FALSE_ALARM)))


def test_comparison_names_what_does_not_fit():
    with pytest.raises(ValueError, match="FCN has 2"):
        plotting.comparison([IMAGE], [MASK], {"FCN": [MASK, MASK]})
    with pytest.raises(ValueError, match=r"predictions\['FCN'\]\[0\]"):
        plotting.comparison([IMAGE], [MASK], {"FCN": [MASK[1:]]})
    with pytest.raises(ValueError, match="scores has 'MLP'"):
        plotting.comparison([IMAGE], [MASK], {"FCN": [MASK]}, scores={"MLP": [1.0]})


def test_iou_picture_counts():
    truth, prediction = np.zeros((4, 4), int), np.zeros((4, 4), int)
    truth[1:3, 1:3] = 1
    prediction[1, 2:4] = prediction[2, 1:3] = 1
    figure = plotting.iou_picture(truth, prediction)
    assert "3 / (3 + 1 + 1) = 0.600" in figure.get_suptitle()
    assert len(figure.axes) == 3
    assert np.array_equal(paint(figure.axes[0])[..., 3] > 0, truth == 1)
    assert np.array_equal(paint(figure.axes[1])[..., 3] > 0, prediction == 1)
    assert "not defined" in plotting.iou_picture(truth * 0, truth * 0).get_suptitle()


def test_class_map_colours_and_names_the_classes_that_are_there():
    mask = np.array([[0, 0, 2], [0, 2, 255]])
    ax = axes()
    plotting.class_map(ax, mask, ["sky", "tree", "road"], ["red", "lime", "blue"])
    assert same_color(paint(ax)[0, 0], "red") and same_color(paint(ax)[0, 2], "blue")
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["sky", "road", "unknown"]
    with pytest.raises(ValueError, match="class_names only 2"):
        plotting.class_map(axes(), mask, ["sky", "tree"])


def test_class_palette_has_distinct_colours_and_a_grey_background():
    palette = plotting.class_palette(["background", "ventricle"])
    assert np.ptp(to_rgb(palette[0])) == 0
    assert len(set(plotting.class_palette([str(k) for k in range(12)]))) == 12


RECORD = {"loss": [1.0, 0.5, 0.2], "val_loss": [1.1, 0.7, 0.6], "miou": [0.5, 0.6, 0.7]}


def test_history_draws_training_dashed_and_validation_solid():
    figure = plotting.history(RECORD)
    loss, miou = figure.axes
    lines = {line.get_gid(): line for line in loss.lines}
    assert lines["loss"].get_linestyle() == "--" and lines["val_loss"].get_linestyle() == "-"
    np.testing.assert_array_equal(lines["val_loss"].get_xdata(), [1, 2, 3])
    np.testing.assert_array_equal(lines["val_loss"].get_ydata(), RECORD["val_loss"])
    assert {text.get_text() for text in loss.texts} == {"training", "validation"}
    assert [text.get_text() for text in miou.texts] == ["training"]
    assert miou.get_title(loc="left") == "mean IoU" and miou.get_xlabel() == "epoch"


def test_history_names_each_run_at_its_end_and_apart():
    class Recorded:
        history = RECORD

    figure = plotting.history({"MLP": Recorded(), "FCN": RECORD}, ["loss"], log_loss=True)
    (ax,) = figure.axes
    assert ax.get_yscale() == "log"
    assert [text.get_text() for text in ax.texts] == ["MLP", "FCN"]
    offsets = sorted(text.xyann[1] for text in ax.texts)
    assert offsets[1] - offsets[0] > 9  # points: the runs end at the same value
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["training", "validation"]


def test_history_says_what_was_recorded():
    with pytest.raises(ValueError, match=r"'dice'.*\['loss', 'miou'\]"):
        plotting.history(RECORD, ["dice"])
    with pytest.raises(ValueError, match="histories is empty"):
        plotting.history({})


def test_spread_keeps_order_and_gap():
    placed = labels.spread([0.0, 0.1, 5.0, 0.05], gap=1.0)
    assert (np.diff(np.sort(placed)) >= 1 - 1e-6).all()
    assert list(np.argsort(placed)) == [0, 3, 1, 2]
    np.testing.assert_array_equal(labels.spread([3.0, 1.0], gap=1.0), [3.0, 1.0])


def test_foreground_share_counts_every_image_and_marks_the_median():
    masks = np.zeros((4, 10, 100), np.uint8)
    for mask, pixels in zip(masks, (10, 20, 22, 40), strict=True):
        mask.flat[:pixels] = 1
    masks[0].flat[-500:] = 255  # unknown is no foreground
    shares = np.array([0.01, 0.02, 0.022, 0.04])
    figure = plotting.foreground_share(masks)
    ax = figure.axes[0]
    assert sum(bar.get_height() for bar in ax.patches) == 4
    assert ax.lines[0].get_xdata()[0] == pytest.approx(np.median(shares))
    assert "2.1 %" in ax.texts[0].get_text()
    assert plotting.foreground_share(np.zeros((2, 3, 3)))  # nothing but background
    for bad in (np.zeros((0, 3, 3)), np.zeros((3, 3))):
        with pytest.raises(ValueError, match="masks"):
            plotting.foreground_share(bad)


def test_confusion_writes_counts_and_shares_of_the_row():
    figure = plotting.confusion([[900, 100], [0, 0]], ["background", "ventricle"])
    ax = figure.axes[0]
    written = [text.get_text() for text in ax.texts]
    assert written == ["90.0%\n900", "10.0%\n100", "–\n0", "–\n0"]
    assert ax.get_ylabel() == "truth" and ax.get_xlabel() == "prediction"
    with pytest.raises(ValueError, match="matrix"):
        plotting.confusion(np.eye(3), ["a", "b"])


def test_seeds_draws_every_seed_and_the_mean():
    results = {"published recipe": [0.90, 0.92], "ours": [0.94]}
    figure = plotting.seeds(results, references={"published": 0.9025})
    ax = figure.axes[0]
    dots = [collection.get_offsets() for collection in ax.collections]
    np.testing.assert_allclose(dots[0], [[0.90, 0], [0.92, 0]])
    np.testing.assert_allclose(dots[1], [[0.94, 1]])
    written = texts(figure)
    assert "0.910 ± 0.014" in written and "published 0.9025" in written
    assert "| 0.940 |" in written  # one seed has no spread
    assert [tick.get_text() for tick in ax.get_yticklabels()] == list(results)
    with pytest.raises(ValueError, match="results"):
        plotting.seeds({"none": []})


def test_iou_venn_names_its_parts():
    written = texts(plotting.iou_venn())
    for word in ("truth", "prediction", "missed", "hit", "false", "IoU"):
        assert word in written


def test_the_three_tasks_on_one_picture():
    instances, regions = np.zeros((60, 80), int), np.zeros((60, 80), np.uint8)
    regions[30:] = 1
    for number, left in enumerate((10, 50), start=1):
        instances[20:40, left : left + 16] = number
        regions[20:40, left : left + 16] = 2
    regions[55:] = 255
    picture = np.full((60, 80, 3), 128, np.uint8)
    names = ["sky", "road", "car"]
    figure = plotting.detection_instance_semantic(picture, instances, regions, names)
    boxes, objects, classes = figure.axes
    assert [(box.get_xy(), box.get_width(), box.get_height()) for box in boxes.patches] == [
        ((9.5, 19.5), 16, 20),
        ((49.5, 19.5), 16, 20),
    ]
    assert [text.get_text() for text in boxes.texts] == ["car", "car"]
    painted = [np.asarray(shown.get_array())[..., 3] > 0 for shown in objects.images[1:]]
    assert all(np.array_equal(layer, instances == k) for k, layer in enumerate(painted, start=1))
    assert [text.get_text() for text in classes.texts] == names
    painted = [np.asarray(shown.get_array())[..., 3] > 0 for shown in classes.images[1:]]
    assert all(np.array_equal(layer, regions == k) for k, layer in enumerate(painted))
    figure = plotting.detection_instance_semantic(
        picture, instances, regions, names, object_names=["car", "van"]
    )
    assert [text.get_text() for text in figure.axes[0].texts] == ["car", "van"]
    with pytest.raises(ValueError, match="object_names has 1"):
        plotting.detection_instance_semantic(
            picture, instances, regions, names, object_names=["car"]
        )
    with pytest.raises(ValueError, match="regions"):
        plotting.detection_instance_semantic(picture, instances, regions, names[:2])


def test_png_is_small_and_faithful():
    import io

    from PIL import Image

    data = style.png(plotting.show_pairs([IMAGE] * 4, [MASK] * 4))
    picture = Image.open(io.BytesIO(data))
    assert picture.mode == "P" and picture.width == round(style.WIDTH * style.DPI)
    assert len(data) < 50_000


def test_worst_draws_the_images_where_the_named_model_does_worst():
    masks = np.zeros((3, 8, 8), np.uint8)
    masks[:, 2:6, 2:6] = 1
    good, poor = masks.copy(), masks.copy()
    poor[0, 2:4] = 0  # IoU 0.5
    poor[2, 2:6] = 0  # IoU 0
    images = np.zeros((3, 8, 8, 1), np.uint8)
    names = ("background", "heart")
    data = Dataset(images, masks, names, ("a", "b", "c"), None, "made up")
    figure = plotting.worst(data, {"poor": poor, "good": good}, count=2, by="poor")
    assert [ax.get_ylabel() for ax in figure.axes if ax.get_ylabel()] == ["c", "a"]
    hashes = Dataset(images, masks, names, ("a" * 64, "b" * 20, "c" * 64), None, "made up")
    figure = plotting.worst(hashes, {"poor": poor}, count=3)
    labels = [ax.get_ylabel() for ax in figure.axes if ax.get_ylabel()]
    assert labels == ["c" * 12 + "…", "a" * 12 + "…", "b" * 20]
    with pytest.raises(ValueError, match="by is 'other'"):
        plotting.worst(data, {"poor": poor}, by="other")
