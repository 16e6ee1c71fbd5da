"""What data and weights there are: where published, under which licence, and whom to cite."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MB = 10**6


@dataclass(frozen=True)
class Archive:
    """One file to download.

    Attributes
    ----------
    name : str
        File name, in a mirror too.
    url : str
        Published address; empty if there is none (made-up data).
    sha256 : str or None
        Hash that the publisher states for the file at `url`. It says nothing about a mirror's
        file of that name: the mirror's own ``SHA256SUMS`` does.
    md5 : str or None
        The same, of publishers that state this one only.
    size : int or None
        Bytes to download, roughly: it decides how much free disk is asked for.
    unpacked_size : int or None
        Upper bound in bytes of what it unpacks to. An archive that holds more is refused. None for
        a file of weights, which is kept as it is.
    """

    name: str
    url: str
    sha256: str | None = None
    size: int | None = None
    unpacked_size: int | None = 100 * MB
    md5: str | None = None


@dataclass(frozen=True)
class DatasetEntry:
    """One data set of the course, or the weights of one encoder.

    Attributes
    ----------
    name : str
        Name of its folder under the data directory.
    title, licence, citation, homepage : str
        For the reader.
    archives : tuple of Archive
    pairs : mapping of str to int
        Image-mask pairs in each split that a whole copy holds; empty for weights.
    redistributable : bool or None
        Whether the licence lets a copy be passed on; None where the reader has to judge.
    layout : str
        Module of `course_utils.datasets` whose ``check(folder, entry)`` knows the layout on disk;
        empty while there is none.
    version : str
        Changed when the same archive names come to hold other content: a folder unpacked from
        another version is then fetched again.
    """

    name: str
    title: str
    archives: tuple[Archive, ...]
    licence: str
    citation: str = ""
    homepage: str = ""
    pairs: Mapping[str, int] = field(default_factory=dict, hash=False)
    redistributable: bool | None = None
    layout: str = ""
    version: str = "1"


_SUNNYBROOK_URL = "https://github.com/mitmul/chainer-handson/releases/download/SegmentationDataset"

SUNNYBROOK = DatasetEntry(
    name="sunnybrook",
    title="Sunnybrook left ventricle",
    archives=(
        Archive("train.zip", f"{_SUNNYBROOK_URL}/train.zip", size=8 * MB, unpacked_size=40 * MB),
        Archive("val.zip", f"{_SUNNYBROOK_URL}/val.zip", size=1 * MB, unpacked_size=8 * MB),
    ),
    licence="CC0 1.0",
    citation=(
        "P. Radau, Y. Lu, K. Connelly, G. Paul, A. J. Dick, G. A. Wright: Evaluation Framework "
        "for Algorithms Segmenting Short Axis Cardiac MRI. The MIDAS Journal, 2009. "
        "Data: Sunnybrook Cardiac MR Database."
    ),
    homepage="https://www.cardiacatlas.org/sunnybrook-cardiac-data/",
    pairs={"train": 234, "val": 26},
    redistributable=True,
    layout="sunnybrook",
)

STANFORD_BACKGROUND = DatasetEntry(
    name="stanford_background",
    title="Stanford Background",
    archives=(
        Archive(
            "iccv09Data.tar.gz",
            "http://dags.stanford.edu/data/iccv09Data.tar.gz",
            size=15 * MB,
            # Three text files of one number a pixel for each of 715 scenes.
            unpacked_size=600 * MB,
        ),
    ),
    licence="not stated: use and cite it, do not pass copies on",
    citation=(
        "S. Gould, R. Fulton, D. Koller: Decomposing a Scene into Geometric and Semantically "
        "Consistent Regions. ICCV 2009."
    ),
    homepage="http://dags.stanford.edu/projects/scenedataset.html",
    pairs={"all": 715},
    redistributable=False,
    layout="stanford_background",
)

DSB2018 = DatasetEntry(
    name="dsb2018",
    title="Data Science Bowl 2018 nuclei (stage 1, training part)",
    archives=(
        Archive(
            "stage1_train.zip",
            "https://data.broadinstitute.org/bbbc/BBBC038/stage1_train.zip",
            sha256="dcb6edc2690f137406638b2309581a71522c4dff19157d118453b448dcddcb68",
            size=83 * MB,
            unpacked_size=400 * MB,
        ),
    ),
    licence="CC0 1.0",
    citation=(
        "J. C. Caicedo et al.: Nucleus segmentation across imaging experiments: the 2018 Data "
        "Science Bowl. Nature Methods 16, 2019. Data: BBBC038v1, Broad Bioimage Benchmark "
        "Collection."
    ),
    homepage="https://bbbc.broadinstitute.org/BBBC038",
    pairs={"all": 670},
    redistributable=True,
    layout="dsb2018",
)

_FRUIT_URL = "https://github.com/Tony607/labelme2coco"

LABELME_FRUIT = DatasetEntry(
    name="labelme_fruit",
    title="Dates, figs and hazelnuts, annotated with LabelMe",
    archives=(
        # GitHub packs it when it is asked for, so that no hash of it is stated: `labelme_fruit`
        # has one of what is in it.
        Archive(
            "labelme_fruit.zip",
            f"{_FRUIT_URL}/archive/29d63e6e99329e0fd8afa47bd38d9c628e94bbc8.zip",
            size=10 * MB,
        ),
    ),
    licence="MIT, as its repository says",
    citation="Tony607: labelme2coco, example pictures, at commit 29d63e6e of its repository.",
    homepage=_FRUIT_URL,
    pairs={"all": 14},  # at least: those that this course's figures were measured on
    redistributable=True,
    layout="labelme_fruit",
)

CATALOG = {entry.name: entry for entry in (SUNNYBROOK, STANFORD_BACKGROUND, DSB2018, LABELME_FRUIT)}


def _weights(backbone, url, size, licence, **published):
    file = url.rpartition("/")[2]
    archive = Archive(f"weights/{file}", url, size=size * MB, unpacked_size=None, **published)
    return DatasetEntry(
        name=f"weights/{backbone}",
        title=f"ImageNet weights of the {backbone} encoder",
        archives=(archive,),
        licence=licence,
        homepage=url,
    )


_QUBVEL = "https://github.com/qubvel/classification_models/releases/download/0.0.1"
_CHOLLET = "https://github.com/fchollet/deep-learning-models/releases/download"
_MITCHELL = "https://github.com/JonathanCMitchell/mobilenet_v2_keras/releases/download/v1.1"
_CALLIDIOR = "https://github.com/Callidior/keras-applications/releases/download/efficientnet"
_RESNET_LICENCE = (
    "not stated for the weights, which were converted from MXNet's; the code beside them is under "
    "the MIT licence"
)

WEIGHTS = {
    entry.name.removeprefix("weights/"): entry
    for entry in (
        _weights(
            "mobilenet",
            f"{_CHOLLET}/v0.6/mobilenet_1_0_224_tf_no_top.h5",
            18,
            "Apache License 2.0, as Keras's documentation says",
        ),
        _weights(
            "mobilenetv2",
            f"{_MITCHELL}/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
            10,
            "Apache License 2.0, as Keras's documentation says; their publisher said in 2019 that "
            "they have none, and put the MIT licence beside them in 2020",
        ),
        _weights(
            "resnet18",
            f"{_QUBVEL}/resnet18_imagenet_1000_no_top.h5",
            45,
            _RESNET_LICENCE,
            md5="318e3ac0cd98d51e917526c9f62f0b50",
        ),
        _weights(
            "resnet34",
            f"{_QUBVEL}/resnet34_imagenet_1000_no_top.h5",
            86,
            _RESNET_LICENCE,
            md5="8caaa0ad39d927cb8ba5385bf945d582",
        ),
        _weights(
            "efficientnetb0",
            f"{_CALLIDIOR}/efficientnet-b0_weights_tf_dim_ordering_tf_kernels_autoaugment_notop.h5",
            17,
            "not stated for the weights, which were converted from the authors' own",
            sha256="c1421ad80a9fc67c2cc4000f666aa50789ce39eedb4e06d531b0c593890ccff3",
        ),
        _weights(
            "vgg16",
            f"{_CHOLLET}/v0.1/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
            59,
            "Creative Commons Attribution 4.0: by the Visual Geometry Group, Oxford (K. Simonyan, "
            "A. Zisserman)",
            md5="6d6bbae143d832006294945121d1f1fc",
        ),
    )
}
"""Encoder weights by segmentation_models' name of the backbone: the files that version 1.0.1 would
download by itself, with the hashes that the packages which do so state, if they state any."""


def get(name: str) -> DatasetEntry:
    """The entry of that name.

    Raises
    ------
    ValueError
        If there is none; the message lists the names there are.
    """
    if name not in CATALOG:
        raise ValueError(f"no data set is called {name!r}; there are: {', '.join(CATALOG)}")
    return CATALOG[name]
