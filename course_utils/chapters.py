"""The one list of chapters: what each works on, and how long it takes."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Chapter:
    """One chapter of the course.

    Attributes
    ----------
    title : str
        As the README's table has it.
    dataset : str or None
        Name of its data set in `course_utils.datasets.catalog`; None where it draws its own
        pictures.
    minutes : int
        A reader's time, with the exercises.
    machine : str
        What two CPU cores need in the ``quick`` profile, in words.
    encoders : mapping of str to tuple of str
        Whose ImageNet weights it asks for, by profile.
    """

    title: str
    dataset: str | None
    minutes: int
    machine: str
    encoders: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)


CHAPTERS = {
    "00_start_here": Chapter("Start here", None, 30, "under ½ min"),
    "01_mri_mlp": Chapter("A perceptron", "sunnybrook", 45, "under 1 min"),
    "02_mri_fcn": Chapter("A fully convolutional network", "sunnybrook", 60, "11 min"),
    "03_mri_unet": Chapter("U-Net", "sunnybrook", 60, "24 min"),
    "04_stanford_labels_and_scores": Chapter(
        "Labels, scores, losses", "stanford_background", 90, "about 1 min"
    ),
    "05_stanford_pretrained_unet": Chapter(
        "Pretrained encoders",
        "stanford_background",
        60,
        "35 min",
        encoders={
            "quick": ("mobilenet", "resnet18", "efficientnetb0"),
            "full": ("mobilenet", "resnet18", "resnet34", "efficientnetb0", "vgg16"),
        },
    ),
    "06_dsb2018_unetpp": Chapter("UNet++", "dsb2018", 70, "21 to 27 min (busy machine)"),
}
"""The chapters by the name of their notebook, in the order they are read."""
