"""A tiny data set in the Stanford Background layout, as files, archive, mirror and entry."""

import dataclasses
import io
import tarfile

import cv2
import numpy as np
from tiny_dataset import TinyFiles

from course_utils.datasets import IGNORE
from course_utils.datasets.catalog import STANFORD_BACKGROUND

SIZES = {"0000009": (12, 16), "0000047": (16, 12), "1000001": (12, 16)}
TOP = "iccv09Data"


class TinyScenes(TinyFiles):
    """Three scenes, as files {member name: bytes}, archive and entry.

    `labels` holds what the text says: {(id, kind): int32 [H, W]}, negative where unknown.
    """

    def __init__(self, sizes=SIZES):
        rng = np.random.default_rng(3)
        self.labels, self.files = {}, {}
        for name, (height, width) in sizes.items():
            rows = np.linspace(0, 255, height)[:, None, None]
            picture = np.broadcast_to(rows * [1.0, 0.5, 0.0], (height, width, 3))  # red below
            self.files[f"{TOP}/images/{name}.jpg"] = jpeg(picture.astype(np.uint8))
            for kind, highest in {"regions": 7, "surfaces": 2, "layers": 40}.items():
                labels = rng.integers(-2, highest + 1, (height, width))
                labels[0, 0], labels[0, 1] = highest, -1
                self.put(name, kind, labels)
        self.files[f"{TOP}/horizons.txt"] = b"0000009 16 12 5\n0000047 12 16 -3.6\n"

    def put(self, name, kind, labels):
        self.labels[name, kind] = labels
        text = "".join("".join(f"{value} " for value in row) + "\n" for row in labels.tolist())
        self.files[label_file(name, kind)] = text.encode()

    def expected(self, name, kind):
        labels = self.labels[name, kind]
        if kind == "layers":
            return np.maximum(labels, -1)
        return np.where(labels < 0, IGNORE, labels)

    def archive(self) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for name, content in sorted(self.files.items()):
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return buffer.getvalue()

    def entry(self, url: str = "", **changes):
        (archive,) = STANFORD_BACKGROUND.archives
        archive = dataclasses.replace(
            archive, url=url and f"{url}/{archive.name}", size=10_000, unpacked_size=100_000
        )
        images = sum(name.endswith(".jpg") for name in self.files)
        changes = {"archives": (archive,), "pairs": {"all": images}} | changes
        return dataclasses.replace(STANFORD_BACKGROUND, **changes)

    def archives(self) -> dict[str, bytes]:
        return {f"{TOP}.tar.gz": self.archive()}


def label_file(name, kind):
    return f"{TOP}/labels/{name}.{kind}.txt"


def image_file(name):
    return f"{TOP}/images/{name}.jpg"


def jpeg(picture: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 98])[1].tobytes()
