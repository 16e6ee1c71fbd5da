"""A tiny data set in the layout of the Data Science Bowl 2018, as files, mirror and entry."""

import dataclasses
import io

import cv2
import numpy as np
from PIL import Image
from tiny_dataset import TinyFiles, png, zipped

from course_utils.datasets.catalog import DSB2018

SIZES = {"0a": (12, 16), "1b": (16, 12), "2c": (20, 20)}
BOXES = (np.s_[1:4, 1:5], np.s_[5:8, 2:4], np.s_[8:11, 8:12])


class TinyNuclei(TinyFiles):
    """Three images with three square nuclei each, as files {member name: bytes}.

    The first and second are dark and gray, the third is pink. `instances` has the numbers.
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

    def archives(self) -> dict[str, bytes]:
        return {"stage1_train.zip": zipped(self.files)}


def image_file(name):
    return f"{name}/images/{name}.png"


def mask_file(name, number):
    return f"{name}/masks/{number}f.png"


def palette_png(indices: np.ndarray, colors) -> bytes:
    """A PNG whose pixels are indices into a table of colors."""
    picture = Image.fromarray(indices.astype(np.uint8))
    picture.putpalette(np.ravel(colors).tolist())
    buffer = io.BytesIO()
    picture.save(buffer, "png")
    return buffer.getvalue()
