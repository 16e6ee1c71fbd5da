"""The one list of chapters, what each works on and how long it takes a reader; the profiles."""

from collections.abc import Mapping
from dataclasses import dataclass, field

PROFILES = ("sample", "showcase", "quick", "full")
MADE_UP = ("sample", "showcase")  # the profiles that compute on made-up data


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
    pictures, finding : str
        What is looked at and what is found out, as the README's table has them.
    encoders : mapping of str to tuple of str
        Whose ImageNet weights it asks for, by profile.
    further : tuple of str
        Data sets that it goes on with: see `course_utils.runtime.Run.use`.
    """

    title: str
    dataset: str | None
    minutes: int
    pictures: str
    finding: str
    encoders: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    further: tuple[str, ...] = ()


CHAPTERS = {
    "00_start_here": Chapter(
        "Start here",
        None,
        30,
        "drawn on the spot",
        "a network in the first minute; what a mask is, and whether this machine is ready",
    ),
    "01_mri_mlp": Chapter(
        "A perceptron",
        "sunnybrook",
        60,
        "heart MRI",
        "about 99 % of the pixels are right, and the result is poor: why both are true",
    ),
    "02_mri_fcn": Chapter(
        "A fully convolutional network",
        "sunnybrook",
        75,
        "heart MRI",
        "what convolutions and transposed convolutions do, and what a good recipe buys",
    ),
    "03_mri_unet": Chapter(
        "U-Net",
        "sunnybrook",
        60,
        "heart MRI",
        "what skip connections buy, and how much of a score comes from patients already seen",
    ),
    "04_stanford_labels_and_scores": Chapter(
        "Labels, scores, losses",
        "stanford_background",
        90,
        "outdoor scenes",
        "six ways to break a network that works, the field's common scores by hand, what six "
        "losses do for a rare class, and five years of networks in seven drawings",
    ),
    "05_stanford_pretrained_unet": Chapter(
        "Pretrained encoders",
        "stanford_background",
        60,
        "outdoor scenes",
        "what an encoder that has seen ImageNet is worth, with 50 labeled pictures and with all",
        encoders={
            "quick": ("mobilenet",),
            "full": ("mobilenet", "resnet18", "resnet34", "efficientnetb0", "vgg16"),
        },
    ),
    "06_dsb2018_unetpp": Chapter(
        "UNet++",
        "dsb2018",
        70,
        "cell nuclei",
        "whether a cleverer network is better by more than the noise between seeds",
    ),
    "07_nuclei_instances_and_tiles": Chapter(
        "Instances and tiles",
        "dsb2018",
        80,
        "cell nuclei",
        "how many there are and where one ends, in pictures larger than the network",
    ),
    "08_networks_since_2015": Chapter(
        "Networks since 2015",
        "stanford_background",
        80,
        "outdoor scenes",
        "SegNet, DeepLab, PSPNet and FastFCN from their modules, and what each idea buys on one "
        "budget",
    ),
    "09_attention": Chapter(
        "Attention",
        "stanford_background",
        80,
        "outdoor scenes",
        "what attention does and costs, what a transformer needs that a convolution does not, and "
        "which network to choose",
    ),
    "10_your_own_pictures": Chapter(
        "Your own pictures",
        "labelme_fruit",
        75,
        "fruit on a table, or your own",
        "how a dozen photographs and an annotation tool become a segmenter that others can use",
        encoders={"quick": ("mobilenet",), "full": ("mobilenet",)},
    ),
    "11_can_you_trust_it": Chapter(
        "Can you trust it?",
        "sunnybrook",
        75,
        "heart MRI and cell nuclei",
        "when a network is wrong, whether it knows, and what to write down before anyone relies on "
        "it",
        further=("dsb2018",),
    ),
    "12_scale_and_ship": Chapter(
        "Scale and ship",
        "sunnybrook",
        90,
        "heart MRI",
        "where a step's time goes, what several devices and hosts bring, and how a network is used "
        "by people who have no notebook",
    ),
}
"""The chapters by the name of their notebook, in the order they are read."""
