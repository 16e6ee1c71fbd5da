"""A tiny data set in the layout of the Data Science Bowl 2018, as files, mirror and entry."""

import dataclasses
import hashlib
from pathlib import Path

import cv2
import numpy as np
from tiny_dataset import zipped

from course_utils.datasets.catalog import DSB2018

SIZES = {"0a": (12, 16), "1b": (16, 12), "2c": (20, 20)}
BOXES = (np.s_[1:4, 1:5], np.s_[5:8, 2:4], np.s_[8:11, 8:12])


class TinyNuclei:
    """Three images with three square nuclei each, as files {member name: bytes}.

    The first and second are dark and grey, the third is pink. `instances` has the numbers.
    """

    def __init__(self):
        self.files, self.instances, self.images = {}, {}, {}
        for i, (name, shape) in enumerate(SIZES.items()):
            self.instances[name] = np.zeros(shape, np.int32)
            image = np.full((*shape, 3), (230, 160, 200) if i == 2 else 10, np.uint8)
            for number, box in enumerate(BOXES, 1):
                self.instances[name][box] = number
                image[box] = (90, 40, 140) if i == 2 else 120
                self.put(name, number, self.instances[name] == number)
            self.images[name] = image
            self.files[image_file(name)] = png(cv2.cvtColor(image, cv2.COLOR_RGB2BGRA))

    def put(self, name, number, mask):
        self.files[mask_file(name, number)] = png(np.where(mask, 255, 0).astype(np.uint8))

    def entry(self, **changes):
        (archive,) = DSB2018.archives
        archive = dataclasses.replace(
            archive, url="", sha256=None, size=10_000, unpacked_size=100_000
        )
        changes = {"archives": (archive,), "pairs": {"all": 3}} | changes
        return dataclasses.replace(DSB2018, **changes)

    def mirror(self, folder: Path) -> Path:
        folder.mkdir(exist_ok=True)
        content = zipped(self.files)
        (folder / "stage1_train.zip").write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        (folder / "SHA256SUMS").write_text(f"{digest}  stage1_train.zip\n")
        return folder

    def unpacked(self, folder: Path) -> Path:
        for name, content in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        return folder


def image_file(name):
    return f"{name}/images/{name}.png"


def mask_file(name, number):
    return f"{name}/masks/{number}f.png"


def png(picture: np.ndarray) -> bytes:
    return cv2.imencode(".png", picture)[1].tobytes()


def palette_png(indices: np.ndarray, colours) -> bytes:
    """A PNG whose pixels are indices into a table of colours, which OpenCV cannot write."""
    import struct
    import zlib

    def chunk(kind, content):
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    height, width = indices.shape
    rows = b"".join(b"\0" + row.tobytes() for row in indices.astype(np.uint8))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0))
        + chunk(b"PLTE", bytes(np.asarray(colours, np.uint8)))
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
