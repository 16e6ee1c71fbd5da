"""Every figure has a text for those who cannot see it, and Jupyter passes that text on."""

import re
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")

from course_utils import plotting
from course_utils.datasets import Dataset
from course_utils.plotting import charts, style

IMAGE = np.full((10, 20), 90, np.uint8)
MASK = np.zeros((10, 20), np.uint8)
MASK[2:4, 3:8] = 1  # 10 of 200 pixels
WIDE = MASK.copy()
WIDE[2:6, 3:8] = 1  # 20 pixels, 10 of them also in MASK: IoU 0.5
NONE = np.zeros_like(MASK)
NAMES = ("sky", "tree", "road")
CLASSES = np.repeat(np.uint8([[0, 0, 0, 2]]), 8, axis=0)  # three quarters sky
OTHER = CLASSES // 2  # road taken for tree: IoU 1, 0 and 0
DATA = Dataset(
    np.stack([IMAGE] * 3)[..., None],
    np.stack([MASK, WIDE, NONE]),
    ("background", "heart"),
    ("a", "b", "c"),
    None,
    "made up",
)
SCENES = Dataset(
    np.zeros((2, 8, 4, 3), np.uint8), np.stack([CLASSES] * 2), NAMES, ("a", "b"), None, "made up"
)
SCENE = SimpleNamespace(
    image=np.zeros((8, 4, 3), np.uint8),
    regions=CLASSES,
    surfaces=np.full((8, 4), 255),
    layers=np.where(CLASSES == 2, 4, -1),
)
FCN = {"loss": [1.0, 0.5], "val_miou": [0.3, 0.9, np.nan]}
MLP = {"loss": [1.0, 0.7], "val_miou": [0.2, 0.69, np.nan]}
INSTANCES = np.zeros((10, 20), int)
INSTANCES[1:3, 1:4], INSTANCES[3:5, 1:4], INSTANCES[7:9, 10:14] = 1, 2, 9

# What is drawn, and what its text must say of it.
FIGURES = {
    "plotting.class_scores": (
        lambda: plotting.class_scores({"FCN": [0.9, 0.25, np.nan], "MLP": [0.5, 0.1, 0.2]}, NAMES),
        "IoU of 3 classes for FCN and MLP.*FCN from 0.25 .tree. to 0.90 .sky.; "
        "MLP from 0.10 .tree. to 0.50 .sky.",
    ),
    "plotting.comparison": (
        lambda: plotting.comparison(
            [IMAGE] * 2,
            [MASK] * 2,
            {"MLP": [WIDE] * 2, "FCN": [MASK] * 2},
            scores={"MLP": [0.5, np.nan], "FCN": [1, 0.75]},
        ),
        "2 cases, one a row: image, truth.*of MLP and FCN with hits.*MLP 0.50; FCN from 0.75 to 1",
    ),
    "plotting.confusion": (
        lambda: plotting.confusion([[96, 4, 0], [30, 70, 0], [0, 0, 0]], NAMES),
        "3 classes, truth in rows.*sky 96.0%, tree 70.0%, road not defined.*"
        "tree, 30.0% of it taken for sky",
    ),
    "plotting.degradation": (
        lambda: plotting.degradation(
            [0, 4],
            {"accuracy": [1, 0.97], "mIoU": [0.8, np.nan]},
            step_label="shift, pixels",
            distances={"Hausdorff": [0, np.inf]},
        ),
        "accuracy and mIoU against shift, pixels, 0 to 4. At the end: accuracy 0.97, mIoU 0.80.*"
        "distances.*Hausdorff infinity",
    ),
    "plotting.foreground_share": (
        lambda: plotting.foreground_share(DATA.masks),
        "3 images.*from 0.0% to 10.0%.*median of 5.0%",
    ),
    "plotting.gallery": (
        lambda: plotting.gallery([IMAGE, np.zeros((30, 9, 3))], ["pink", "dark"]),
        "2 images at one scale, of 10 by 20 to 30 by 9 pixels: pink and dark",
    ),
    "plotting.gradient_maps": (
        lambda: plotting.gradient_maps(MASK, MASK * 0.5, {"Dice": MASK * -0.2, "focal": MASK * 0}),
        "10 by 20 pixels.*Dice and focal.*Strongest pull: Dice 0.2, focal 0.",
    ),
    "plotting.history": (
        lambda: plotting.history({"FCN": FCN, "MLP": MLP}),
        "3 epochs: loss and mean IoU of FCN and MLP. Validation mean IoU.*FCN 0.9, MLP 0.69",
    ),
    "plotting.invented_classes": (
        lambda: plotting.invented_classes(
            np.zeros((12, 12), int), np.eye(12, dtype=int) * 7, NAMES, 3
        ),
        "12 by 12 pixels.*in 12 pixels .8.3%., some of no class at all.*enlarged",
    ),
    "plotting.iou_picture": (
        lambda: plotting.iou_picture([[1, 1, 1, 0]], [[1, 1, 0, 1]]),
        "1 by 4 pixels.*2 hits, 1 miss and 1 false alarm. IoU: 0.500",
    ),
    "plotting.labels_of_scene": (
        lambda: plotting.labels_of_scene(SCENE, NAMES, NAMES),
        "8 by 4 pixels.*regions .sky and road, most of all sky 75%.; "
        "its surfaces .all unknown.; and its 1 layer",
    ),
    "plotting.learning_curve": (
        lambda: plotting.learning_curve(
            {"ImageNet": {50: [0.4], 100: [0.5, 0.7]}, "none": {50: [0.2]}},
            xlabel="pictures",
            ylabel="mIoU",
        ),
        "mIoU against pictures, 50 to 100, 2 curves.*ImageNet 0.60, none 0.20",
    ),
    "plotting.loss_curves": (
        lambda: plotting.loss_curves(
            [0, 0.1, 0.9],
            {"a": [9, 2, 0], "b": [9, 1, 0]},
            {"a": [-9, -0.9, 0], "b": [-9, -0.3, 0]},
        ),
        "for a and b.*most wrong: from 0.3 .b. to 0.9 .a.",
    ),
    "plotting.merged_masks": (
        lambda: plotting.merged_masks(IMAGE, INSTANCES),
        "3 nuclei each in a colour.*falls into 2 pieces",
    ),
    "plotting.paired": (
        lambda: plotting.paired(
            {"U-Net": {0: 0.5, 1: 0.5}, "wide": {0: 0.51, 1: 0.51}, "deep": {1: 0.48}}, "U-Net"
        ),
        "difference to U-Net.*wide plus 1.00, from plus 1.00 to plus 1.00; "
        "deep minus 2.00 with one seed",
    ),
    "plotting.scenes": (
        lambda: plotting.scenes([np.zeros((8, 4, 3))] * 2, [CLASSES, CLASSES], NAMES),
        "2 images, each beside its class map: sky and road, most of all sky 75%",
    ),
    "plotting.seeds": (
        lambda: plotting.seeds({"FCN": [0.9, 0.92], "MLP": [0.7]}, references={"paper": 0.9025}),
        "mean IoU of 2 runs.*FCN 0.910, MLP 0.700.*paper 0.9025",
    ),
    "plotting.show_pairs": (
        lambda: plotting.show_pairs([IMAGE] * 3, [MASK, WIDE, WIDE], columns=2),
        "2 images, and below each.*covers from 5.0% to 10.0% of its image",
    ),
    "plotting.tradeoff": (
        lambda: plotting.tradeoff(
            {"small": (2e6, [0.5, 0.7]), "large": (31e6, 0.8)}, xlabel="parameters", ylabel="mIoU"
        ),
        "2 models: mIoU against parameters, 2 million to 31 million.*small 0.6, large 0.8",
    ),
    "plotting.worst": (
        lambda: plotting.worst(DATA, {"FCN": DATA.masks, "MLP": [WIDE, NONE, NONE]}, count=2),
        "Where MLP does worst, 2 cases.*IoU: FCN 1.00; MLP from 0.00 to 0.50",
    ),
    "plotting.worst_scenes": (
        lambda: plotting.worst_scenes(
            SCENES, {"FCN": np.stack([CLASSES, OTHER])}, NAMES, count=5, by="FCN"
        ),
        "Where FCN does worst, 2 scenes.*FCN from 0.33 to 1.00",
    ),
    "plotting.detection_instance_semantic": (
        lambda: plotting.detection_instance_semantic(
            IMAGE, INSTANCES, MASK * 2, NAMES, object_names=["car", "person", "car"]
        ),
        "3 objects in named boxes .2 car and 1 person.*: sky and road",
    ),
    "plotting.iou_venn": (plotting.iou_venn, "overlap is hit.*truth missed.*false alarm"),
}
# They draw on Axes that are given to them, or nothing.
NO_FIGURES = {"class_map", "class_palette", "outcome", "overlay", "paired_difference", "show"}


def test_no_function_that_draws_a_figure_is_left_out():
    drawn = {name.split(".")[1] for name in FIGURES}
    assert set(plotting.__all__) <= drawn | NO_FIGURES
    assert not drawn & NO_FIGURES


@pytest.mark.parametrize("name", FIGURES)
def test_the_text_says_what_is_drawn(name):
    draw, facts = FIGURES[name]
    text = draw().alt
    assert re.search(facts, text), text
    assert len(text) <= style.LONGEST and re.fullmatch(r"[A-Z0-9].*\.", text), text
    assert not set("×·−±→⌊≥\n") & set(text)  # a screen reader mangles them or leaves them out


def test_texts_of_odd_inputs_stay_true():
    masks = np.zeros((1, 4, 4), np.uint8)
    share = plotting.foreground_share(masks).alt
    assert "1 image:" in share and "is 0.0%, with" in share
    assert plotting.iou_picture(masks[0], masks[0]).alt.endswith("nothing to find, nothing found.")
    unknown = np.full((8, 4), 255)
    scene = plotting.scenes([np.zeros((8, 4, 3))], [unknown], NAMES).alt
    assert scene == "1 image, each beside its class map: all unknown."
    assert "class map: tree." in plotting.scenes([np.zeros((8, 4, 3))], [unknown // 255], NAMES).alt
    absent = plotting.class_scores({"FCN": [np.nan] * 5}, list("abcde")).alt
    assert absent.endswith("FCN not defined.")
    right = plotting.confusion(np.eye(5, dtype=int) * [9, 9, 9, 9, 0], list("abcde")).alt
    assert right.endswith("Rightly found: 100.0% for all that are defined.")
    assert "for all" not in plotting.confusion(np.eye(2, dtype=int), ["a", "b"]).alt
    one = plotting.history({"miou": [0.5]}, "miou").alt
    assert one == "Line chart of 1 epoch: mean IoU. Training mean IoU at the end: 0.5."
    assert "not defined" not in plotting.history({"a": FCN, "b": {"loss": [1.0]}}).alt
    case = plotting.comparison([IMAGE], [NONE], {"a": [NONE]}, scores={"a": [np.nan]}).alt
    assert "1 case, one a row" in case and case.endswith("IoU: a not defined.")
    pair = plotting.show_pairs([IMAGE], [np.where(MASK, 1, 255)], zoom=True).alt
    assert pair.startswith("An image, and") and "covers 5.0%" in pair and "cut to a square" in pair
    sizes = plotting.gallery([IMAGE, IMAGE]).alt
    assert sizes == "2 images at one scale, of 10 by 20 pixels."
    none = plotting.invented_classes(np.zeros((12, 12), int), np.zeros((12, 12), int), NAMES, 3)
    assert none.alt.endswith("in 0 pixels (0.0%).")
    assert plotting.gradient_maps(MASK, MASK, {}).alt.endswith("the truth, the probability.")
    many = {f"network {k}": {0: 0.5, 1: 0.5 + k / 100} for k in range(6)}
    assert plotting.paired(many, "network 0").alt.endswith("; network 5 plus 2.50.")


def test_many_and_long_names_are_cut():
    assert style.listed("ab") == "a and b" and style.listed([]) == "" and style.listed("a") == "a"
    assert style.listed("abcdef") == "a, b, c and 3 more"
    assert style.listed(["one " * 30]).endswith("…") and len(style.listed(["one " * 30])) <= 40
    runs = {f"network number {k}": {"miou": [0.1 * k]} for k in range(1, 8)}
    text = plotting.history(runs, ("miou",)).alt
    assert text.endswith("from 0.1 (network number 1) to 0.7 (network number 7).")
    long = {f"a network with a long name {k} " * 3: [0.5] for k in range(3)}
    text = plotting.seeds(long).alt
    assert len(text) <= style.LONGEST and text.endswith("…")


def test_numbers_are_written_as_they_are_said():
    assert style.number(-0.25) == "minus 0.25" and style.number(0.25, "+.1f") == "plus 0.2"
    assert style.number(np.inf) == "infinity" and style.number(-np.inf) == "minus infinity"
    assert style.between([np.nan, 0.501, 0.499]) == "0.50" and style.between([]) == "not defined"
    assert style.between([[0.5], [-1]], "g") == "from minus 1 to 0.5"
    assert style.standing({"": 0.5}) == "0.50"
    same = {name: value for name, value in zip("abcd", (0.5, 0.5, 0.5, np.nan), strict=True)}
    assert style.standing(same) == "0.50 for all that are defined"
    assert style.standing(dict.fromkeys("abcd", np.nan)) == "not defined"


ODD = 'IoU of "a<b" & c'
CELL = f"""
import numpy as np
from course_utils import plotting
from matplotlib import pyplot as plt
plotting.seeds({{'FCN': [0.5]}}, quantity={ODD!r})
"""
OWN = """
figure, ax = plt.subplots()
ax.plot([1, 2])
plotting.show(figure, "A line that rises")
print(plt.get_fignums())
"""


@pytest.fixture(scope="module")
def notebook():
    """A notebook of two figures, run as Jupyter runs it."""
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    cells = [nbformat.v4.new_code_cell(code.strip()) for code in (CELL, OWN)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MPLBACKEND", raising=False)
        patch.delenv("COURSE_FIGURES", raising=False)
        nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    return notebook


def images(notebook, **kwargs):
    """The texts of the images in the notebook's page."""
    nbconvert, bs4 = pytest.importorskip("nbconvert"), pytest.importorskip("bs4")
    page = nbconvert.HTMLExporter(**kwargs).from_notebook_node(notebook)[0]
    return [image["alt"] for image in bs4.BeautifulSoup(page, "html.parser").select("img")]


SAID = [f"Dot chart: {ODD} of 1 run, a dot for each seed. Mean: FCN 0.500.", "A line that rises"]


def test_the_text_goes_with_the_output(notebook):
    (first,), (second, printed) = (cell.outputs for cell in notebook.cells)
    for output, text in zip((first, second), SAID, strict=True):
        assert output.output_type == "display_data"
        assert output.metadata == {"image/png": {"alt": text}}
        assert output.data["text/plain"] == text and set(output.data) == {"image/png", "text/plain"}
    assert printed.text == "[]\n"  # closed, so not shown again


def test_the_page_of_a_notebook_has_the_text(notebook):
    assert images(notebook, template_name="classic") == SAID


def test_figures_as_html_have_their_text_in_every_page(notebook, monkeypatch):
    import base64
    import copy

    monkeypatch.setenv("COURSE_FIGURES", "html")
    twin = copy.deepcopy(notebook)
    for cell, text in zip(twin.cells, SAID, strict=True):
        picture = base64.b64decode(cell.outputs[0].data["image/png"])
        data, metadata = style.bundle(picture, text)
        assert data["image/png"] == picture and metadata == {"image/png": {"alt": text}}
        cell.outputs[0].data["text/html"] = data["text/html"]
    assert images(twin) == SAID
    assert images(notebook) != SAID  # nbconvert's other template does not look at the metadata


def test_curves_are_described_before_all_is_recorded():
    runs = {"": {"loss": [1.0, 0.5]}}
    text = charts.describe_curves(runs, ("loss", "miou"))
    assert text == "Line chart of 2 epochs: loss and mean IoU."
