"""The outputs saved in the notebooks show networks that have learned."""

import json
import re
from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
# What a run records of each training: `name (seed 0): score 0.1234 · score 0.1234`.
RECORD = re.compile(r"^(.+) \(seed 0\): ((?:\w+ \d\.\d{4}(?: · )?)+)$", re.MULTILINE)
# What no constant prediction reaches, by the score that judges a chapter: one class everywhere has
# an mIoU below 1/classes, as the others' IoU is 0; where there is one class to find, a Dice of 0
# or, called everywhere, of 2 · share / (1 + share) for its share of the pixels.
CHAPTERS = {
    # chapter: (score, what a constant stays below, margin, trainings of which the prose says that
    # they have not learned or are used wrongly)
    "01_mri_mlp": ("lv_dice", 0.1, 0.3, ["All background"]),
    "02_mri_fcn": ("lv_dice", 0.1, 0.6, ["twentieth: published recipe"]),
    "03_mri_unet": ("lv_dice", 0.1, 0.4, []),
    "04_stanford_labels_and_scores": ("miou", 1 / 8, 0.4, []),
    "05_stanford_pretrained_unet": (
        "miou",
        1 / 3,
        0.1,
        [
            "momentum 0.99, running averages",
            "most frequent class everywhere",
            "eight regions, most frequent class everywhere",
        ],
    ),
    "06_dsb2018_unetpp": ("iou_pixels", 0.22, 0.5, []),
    "07_nuclei_instances_and_tiles": ("iou_pixels", 0.25, 0.3, []),
    "08_networks_since_2015": ("miou", 1 / 8, 0.25, []),
    "10_your_own_pictures": (
        "miou",
        1 / 4,
        0.25,
        ["background everywhere", "the article's recipe"],
    ),
    "09_attention": ("miou", 1 / 8, 0.3, []),
    "11_can_you_trust_it": (
        "miou",
        0.5,
        0.2,
        [
            "stained tissue, one network",
            "stained tissue, its mirrored looks",
            "stained tissue, the ensemble",
        ],
    ),
    "12_scale_and_ship": ("miou", 0.5, 0.2, []),
}

# Classes of which the prose says that a trained network does not find them.
NOT_FOUND = {
    "05_stanford_pretrained_unet": ["water, random"],
    "10_your_own_pictures": ["fig, random encoder"],
}


def outputs(chapter):
    """Return the text that a chapter's saved outputs print, and the texts of its figures."""
    content = json.loads((NOTEBOOKS / f"{chapter}.ipynb").read_text(encoding="utf-8"))
    printed, figures = [], []
    for cell in content["cells"]:
        for output in cell.get("outputs", []):
            printed += output.get("text", [])
            if "image/png" in output.get("data", {}):
                figures.append("".join(output["data"]["text/plain"]))
    return "".join(printed), figures


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_trained_networks_beat_every_constant_prediction(chapter):
    score, constant, margin, exceptions = CHAPTERS[chapter]
    records = RECORD.findall(outputs(chapter)[0])
    found = {  # other records are of other things than a training
        name: float(value[1])
        for name, text in records
        if (value := re.search(rf"\b{score} (\d\.\d+)", text))
    }
    assert set(exceptions) < set(found)  # and at least one training is none
    poor = {
        name: value
        for name, value in found.items()
        if name not in exceptions and value < constant + margin
    }
    assert not poor, f"{score} should be {constant + margin:.2f} at least"


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_no_figure_has_a_score_of_zero_for_a_trained_network(chapter):
    exceptions = CHAPTERS[chapter][3] + NOT_FOUND.get(chapter, [])
    for text in outputs(chapter)[1]:
        for name in re.findall(r"\b0\.0+ \(([^)]*)\)", text):
            assert name in exceptions, text
