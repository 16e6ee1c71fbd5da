"""Where the encoder weights are published, as segmentation_models 1.0.1 would download them."""

from dataclasses import dataclass
from pathlib import Path

from .catalog import MB, Archive

FOLDER = "weights"  # under the data folder, and in a mirror
_GITHUB = "https://github.com"
_QUBVEL = f"{_GITHUB}/qubvel/classification_models/releases/download/0.0.1"
_CHOLLET = f"{_GITHUB}/fchollet/deep-learning-models/releases/download"
_MITCHELL = f"{_GITHUB}/JonathanCMitchell/mobilenet_v2_keras/releases/download/v1.1"
_CALLIDIOR = f"{_GITHUB}/Callidior/keras-applications/releases/download/efficientnet"

KNOWN_FILES = {
    "d3150baf72f737dea66b601e2e67cbd873e1c82c25b43ff936ac8cc558a1b14b": (
        "ImageNet MobileNet but for one kernel (conv_pw_13), which is random"
    ),
}
"""What is known of files that a mirror may hold in the place of the published ones, by sha256."""


@dataclass(frozen=True)
class EncoderWeights:
    """One weights file.

    Attributes
    ----------
    backbone : str
        As segmentation_models calls it.
    archive : Archive
        The file; its name is that in a mirror, ``weights/…``. The hash is the one that the package
        which would download it states; None where it states none.
    licence : str
        What is known of the licence of the weights, which need not be that of the code beside them.
    """

    backbone: str
    archive: Archive
    licence: str = "not stated"

    @property
    def file(self) -> str:
        """Name of the file."""
        return Path(self.archive.name).name

    @property
    def title(self) -> str:
        """What it is, for the reader."""
        return f"the {self.backbone} encoder's ImageNet weights"


def _weights(backbone, address, file, size, licence, **published):
    archive = Archive(f"{FOLDER}/{file}", f"{address}/{file}", size=size * MB, **published)
    return EncoderWeights(backbone, archive, licence)


_RESNET = (
    "not stated for the weights, which were converted from MXNet's; the code beside them is under "
    "the MIT licence"
)

WEIGHTS = {
    weights.backbone: weights
    for weights in (
        _weights(
            "mobilenet",
            f"{_CHOLLET}/v0.6",
            "mobilenet_1_0_224_tf_no_top.h5",
            18,
            "Apache License 2.0, as Keras's documentation says",
        ),
        _weights(
            "mobilenetv2",
            _MITCHELL,
            "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
            10,
            "Apache License 2.0, as Keras's documentation says; their publisher said in 2019 that "
            "they have none, and put the MIT licence beside them in 2020",
        ),
        _weights(
            "resnet18",
            _QUBVEL,
            "resnet18_imagenet_1000_no_top.h5",
            45,
            _RESNET,
            md5="318e3ac0cd98d51e917526c9f62f0b50",
        ),
        _weights(
            "resnet34",
            _QUBVEL,
            "resnet34_imagenet_1000_no_top.h5",
            86,
            _RESNET,
            md5="8caaa0ad39d927cb8ba5385bf945d582",
        ),
        _weights(
            "efficientnetb0",
            _CALLIDIOR,
            "efficientnet-b0_weights_tf_dim_ordering_tf_kernels_autoaugment_notop.h5",
            17,
            "not stated for the weights, which were converted from the authors' own",
            sha256="c1421ad80a9fc67c2cc4000f666aa50789ce39eedb4e06d531b0c593890ccff3",
        ),
        _weights(
            "vgg16",
            f"{_CHOLLET}/v0.1",
            "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
            59,
            "Creative Commons Attribution 4.0: by the Visual Geometry Group, Oxford (K. Simonyan, "
            "A. Zisserman)",
            md5="6d6bbae143d832006294945121d1f1fc",
        ),
    )
}
