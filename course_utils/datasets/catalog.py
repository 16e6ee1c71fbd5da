"""What data there is: where it is published, under which licence, and whom to cite."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MB = 10**6


@dataclass(frozen=True)
class Archive:
    """One file to download and unpack.

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
    unpacked_size : int
        Upper bound in bytes of what it unpacks to. An archive that holds more is refused.
    """

    name: str
    url: str
    sha256: str | None = None
    size: int | None = None
    unpacked_size: int = 100 * MB
    md5: str | None = None


@dataclass(frozen=True)
class DatasetEntry:
    """One data set of the course.

    Attributes
    ----------
    name : str
        Name of its folder under the data directory.
    title, licence, citation, homepage : str
        For the reader.
    archives : tuple of Archive
    pairs : mapping of str to int
        Image-mask pairs in each split that a whole copy holds.
    redistributable : bool
        Whether the licence lets a copy be passed on.
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
    citation: str
    homepage: str
    pairs: Mapping[str, int] = field(hash=False)
    redistributable: bool
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

CAMVID_SCENES = DatasetEntry(
    name="stanford_background-camvid",
    title="CamVid scenes in Stanford's layout",
    archives=(
        Archive(
            "iccv09Data.tar.gz",
            url="",
            sha256="1ae79cf5f97179b0740f5b4bc4fa09d3cbfa59685a5f6463c5dbd73f01bcc101",
            size=16 * MB,
            unpacked_size=300 * MB,
        ),
    ),
    licence="research use: use and cite it, do not pass copies on",
    citation=(
        "G. J. Brostow, J. Shotton, J. Fauqueur, R. Cipolla: Segmentation and Recognition Using "
        "Structure from Motion Point Clouds. ECCV 2008. G. J. Brostow, J. Fauqueur, R. Cipolla: "
        "Semantic Object Classes in Video: A High-Definition Ground Truth Database. Pattern "
        "Recognition Letters, 2009. Scene 0000047 alone is a sample of the Stanford Background "
        "data, with its own labels."
    ),
    homepage="http://mi.eng.cam.ac.uk/research/projects/VideoRec/CamVid/",
    pairs={"all": 469},
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

CATALOG = {entry.name: entry for entry in (SUNNYBROOK, STANFORD_BACKGROUND, DSB2018)}

STAND_INS = {archive.sha256: entry for entry in (CAMVID_SCENES,) for archive in entry.archives}
"""Other scenes that a mirror may hold under a data set's archive name, by that file's sha256.

They serve where the data set itself cannot be had. They keep a folder, a title and a citation of
their own, so that no figure measured on them is taken for one of the data set.
"""


def stand_ins(entry: DatasetEntry) -> dict[str, DatasetEntry]:
    """The `STAND_INS` that come under the same archive name as a data set."""
    names = [archive.name for archive in entry.archives]
    return {
        digest: other
        for digest, other in STAND_INS.items()
        if other is not entry and names == [archive.name for archive in other.archives]
    }


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
