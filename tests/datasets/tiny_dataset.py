"""Tiny data sets as files, archives and a mirror; the one in the Sunnybrook layout."""

import dataclasses
import hashlib
import io
import zipfile
from pathlib import Path

import cv2
import h5py
import numpy as np

from course_utils.datasets.catalog import SUNNYBROOK

PAIRS = {"train": 3, "val": 2}
SIZE = 16


class TinyFiles:
    """A data set as `files`, {member name: bytes}, and `archives`, which returns {name: bytes}."""

    def mirror(self, folder: Path, *, sums: bool = True) -> Path:
        folder.mkdir(exist_ok=True)
        for name, content in self.archives().items():
            (folder / name).write_bytes(content)
        if sums:
            (folder / "SHA256SUMS").write_text(self.sums())
        return folder

    def sums(self) -> str:
        digests = {k: hashlib.sha256(v).hexdigest() for k, v in self.archives().items()}
        return "".join(f"{digest}  {name}\n" for name, digest in digests.items())

    def changed(self, files: dict):
        """Replace files, or take them away where the content is None."""
        self.files = {k: v for k, v in (self.files | files).items() if v is not None}
        return self

    def unpacked(self, folder: Path) -> Path:
        for name, content in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        return folder


class Tiny(TinyFiles):
    """3 + 2 pairs of 16 x 16 pixels, as files {member name: bytes}, archives and entry."""

    def __init__(self):
        rng = np.random.default_rng(7)
        self.images, self.masks, self.files = {}, {}, {}
        for split, count in PAIRS.items():
            self.images[split] = rng.integers(0, 256, (count, SIZE, SIZE, 1), np.uint8)
            self.masks[split] = rng.integers(0, 2, (count, SIZE, SIZE), np.uint8)
            for i in range(count):
                self.files[f"{split}/image/{i:03d}.png"] = png(self.images[split][i, ..., 0])
                self.files[f"{split}/label/{i:03d}.png"] = png(self.masks[split][i])

    def archive(self, split: str) -> bytes:
        return zipped({k: v for k, v in self.files.items() if k.startswith(split)})

    def archives(self) -> dict[str, bytes]:
        return {f"{split}.zip": self.archive(split) for split in PAIRS}

    def entry(self, url: str = "", **changes):
        """The catalog's entry with these counts; its archives are published at `url`."""
        archives = tuple(
            dataclasses.replace(
                a,
                url=url and f"{url}/published/{a.name}",
                size=10_000,
                unpacked_size=100_000,
                **changes,
            )
            for a in SUNNYBROOK.archives
        )
        return dataclasses.replace(SUNNYBROOK, archives=archives, pairs=PAIRS)

    def publish(self, server, at: str = "published") -> None:
        for name, content in self.archives().items():
            server.answers[f"/{at}/{name}"] = [content]


def weights(**arrays: np.ndarray) -> bytes:
    """A file as Keras's `save_weights` writes it, with a layer of the same name for each array."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs["layer_names"] = [name.encode() for name in arrays]
        for name, array in arrays.items():
            layer = file.create_group(name)
            layer.attrs["weight_names"] = [b"kernel:0"]
            layer["kernel:0"] = array
    return buffer.getvalue()


def png(picture: np.ndarray) -> bytes:
    return cv2.imencode(".png", picture)[1].tobytes()


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()
