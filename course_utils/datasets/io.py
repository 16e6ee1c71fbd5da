"""Files of an unpacked data set: pictures, masks and label text read, resized, kept as arrays."""

import contextlib
import functools
import glob
import hashlib
import io
import operator
import os
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import filelock
import numpy as np
from PIL import ExifTags, Image, ImageOps

from .errors import CourseDataError, fault_in

READERS = min(8, os.cpu_count() or 1)  # threads that read pictures: Pillow decodes outside the lock


@dataclass(frozen=True)
class DataFolder:
    """An unpacked data set; it reads its files by their names and names them in errors.

    Attributes
    ----------
    root : pathlib.Path
        Where it was unpacked.
    contents : str
        What lies there, for errors: "the outdoor scenes".
    archive_folder : str
        A folder in `root` that everything may lie in; file names are relative to it.
    """

    root: Path
    contents: str
    archive_folder: str = ""

    @functools.cached_property
    def top(self) -> Path:
        """The folder that file names are relative to."""
        inner = self.root / self.archive_folder
        return inner if os.path.isdir(inner) else self.root

    def error(self, problem: str, n_files: int = 1) -> CourseDataError:
        """Return the error for a fault that `n_files` files have, the first of them named."""
        return fault_in(self.root, self.contents, problem, n_files)

    def list_files(self, pattern: str) -> list[str]:
        """Sort the files that a pattern such as ``"images/*.jpg"`` finds.

        Hidden ones are passed over: macOS leaves files such as ``._1.jpg`` beside ``1.jpg``.
        """
        return sorted(f.replace(os.sep, "/") for f in glob.iglob(pattern, root_dir=self.top))

    def list_names(self, image: str, *labels: str) -> tuple[str, ...]:
        """Sort the names of all images, each of which must have all its label files.

        Parameters
        ----------
        image, *labels : str
            Files with {} in the place of the name, such as ``"images/{}.jpg"``.

        Raises
        ------
        CourseDataError
            If an image or a label file is missing, or there is no image at all.
        """
        found = {}
        for pattern in (image, *labels):
            start, end = map(len, pattern.split("{}"))
            found[pattern] = {f[start:-end] for f in self.list_files(pattern.format("*"))}
        names = found[image]
        if not names:
            raise self.error(f"there is no file {image.format('*')}")
        for pattern, labeled in found.items():
            if missing := sorted(names - labeled):
                raise self.error(f"the mask {pattern.format(missing[0])} is missing", len(missing))
            if missing := sorted(labeled - names):
                raise self.error(f"the image {image.format(missing[0])} is missing", len(missing))
        return tuple(sorted(names))

    def read_image(
        self, file: str, upright: bool = True, content: bytes | None = None
    ) -> np.ndarray:
        """Read a picture as uint8 [H, W, 3]: red, green, blue.

        Gray, palette and transparent pictures are converted. Gray ones of 16 bits are divided by
        what brings the bits that they use (8, 10, 12, 14 or 16, as cameras fill them) to 8, with
        a warning where those are not all 16.

        Parameters
        ----------
        file : str
        upright : bool
            Turn it as the camera's orientation flag says. Not for a picture whose labels were
            drawn without regard to the flag.
        content : bytes, optional
            The picture, where it is not in a file of its own; `file` then names it in errors.

        Raises
        ------
        CourseDataError
            If it cannot be read, has 32 bits per channel, or is in color and leaves the upper
            ones of 16 empty.
        """
        picture = self.open_picture(file, content)
        has_16_bits = picture.info["has_16_bits"]
        if upright:
            picture = ImageOps.exif_transpose(picture)
        if picture.mode == "F" or (picture.mode == "I" and not has_16_bits):
            raise self.error(f"{file} should have 8 bits per channel, but has 32")
        if picture.mode.startswith("I"):
            picture = Image.fromarray(self._scale_to_8_bits(file, np.asarray(picture)))
        elif has_16_bits and max(high for _, high in picture.convert("RGB").getextrema()) < 64:
            # Pillow has dropped the lower 8 bits of color.
            raise self.error(
                f"{file} has 16 bits per channel and leaves the upper ones empty, as pictures of "
                "10, 12 or 14 bits do: save it with 8 bits per channel"
            )
        return np.array(picture.convert("RGB"))

    def _scale_to_8_bits(self, file: str, pixels: np.ndarray) -> np.ndarray:
        brightest = int(pixels.max())
        n_bits = next(n for n in (8, 10, 12, 14, 16) if brightest < 1 << n)
        if n_bits < 16:
            warnings.warn(
                f"{file} has 16 bits, but no value above {brightest}: taken for a picture of "
                f"{n_bits} bits.",
                stacklevel=3,
            )
        return (pixels >> (n_bits - 8)).astype(np.uint8)

    def read_gray(self, file: str, palette: bool = False) -> np.ndarray:
        """Read a gray picture of 8 bits as uint8 [H, W].

        Parameters
        ----------
        file : str
        palette : bool
            Whether it may be a palette picture, whose indices are then returned: masks are.

        Raises
        ------
        CourseDataError
            If it cannot be read, is in color, or has more bits.
        """
        picture = self.open_picture(file)
        if palette and picture.mode == "P":
            return np.array(picture)
        if picture.mode not in ("1", "L"):
            raise self.error(f"{file} should be gray with 8 bits, but its mode is {picture.mode}")
        return np.array(picture.convert("L"))

    def open_picture(self, file: str, content: bytes | None = None) -> Image.Image:
        """Open a picture and decode all of it, in its own mode.

        Its ``info["has_16_bits"]`` tells what the mode of a color picture does not. `content` is
        the picture, where it is not in a file of its own.

        Raises
        ------
        CourseDataError
            If it cannot be read or is cut off.
        """
        with self._opened(file, content) as picture:
            tiles = repr(picture.tile)  # gone once they are decoded
            picture.load()
        picture.info["has_16_bits"] = ";16" in tiles or picture.mode.startswith("I;16")
        return picture

    def read_size(self, file: str, content: bytes | None = None) -> tuple[tuple[int, int], int]:
        """Return height and width of a picture when it stands upright, and the camera's flag.

        The flag is 1 for a picture that is stored upright, and 2 to 8 otherwise. Only a PNG is
        decoded, whose flag may follow its pixels. Parameters and errors as in `open_picture`.
        """
        with self._opened(file, content) as picture:
            width, height = picture.size
            flag = picture.getexif().get(ExifTags.Base.Orientation)
        flag = flag if flag in range(1, 9) else 1
        return ((width, height) if flag >= 5 else (height, width)), flag

    @contextlib.contextmanager
    def _opened(self, file: str, content: bytes | None):
        try:
            with Image.open(self.top / file if content is None else io.BytesIO(content)) as picture:
                yield picture
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            reason = getattr(error, "strerror", None)
            if isinstance(error, Image.DecompressionBombError):
                reason = str(error)
            reason = f": {reason}" if reason else " as a picture"
            raise self.error(f"{file} cannot be read{reason}") from error

    def read_label_text(self, file: str) -> np.ndarray:
        """Read rows of whole numbers, a line each, as int32 [H, W].

        Raises
        ------
        CourseDataError
            If it cannot be read, is empty, has rows of several lengths or something that is not a
            whole number; the line is named.
        """
        try:
            lines = (self.top / file).read_text(encoding="latin-1").splitlines()
        except OSError as error:
            raise self.error(f"{file} cannot be read: {error.strerror}") from error
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # of an empty file, or of fractions in NumPy 1
                return np.loadtxt(lines, np.int32, comments=None, ndmin=2)
        except (ValueError, Warning) as error:
            raise self.error(f"{file} {_fault_in_lines(lines)}") from error

    def check_mask_size(self, file: str, mask: np.ndarray, image_size: tuple[int, int]) -> None:
        """Raise `CourseDataError` where a mask is not as large as its image, (height, width)."""
        if mask.shape != image_size:
            sizes = f"{size_in_words(mask.shape)} pixels, but its image is"
            raise self.error(f"{file} is {sizes} {size_in_words(image_size)}")


def _fault_in_lines(lines: list[str]) -> str:
    """Say what is wrong with a label file; NumPy counts some rows from 0 and others from 1."""
    n_columns = None
    for number, line in enumerate(lines, 1):
        words = line.split()
        for word in words:
            try:
                fits = -(2**31) <= int(word) < 2**31  # not np.int32: in NumPy 1 it cuts
            except ValueError:
                fits = False
            if not fits:
                return f"has {word[:20]!r} in line {number}, which is not a label number"
        if words and n_columns not in (None, len(words)):
            return f"has {len(words)} numbers in line {number}, but {n_columns} in the lines before"
        n_columns = len(words) or n_columns
    return "cannot be read as rows of whole numbers" if n_columns else "is empty"


def size_in_words(shape: tuple[int, ...]) -> str:
    """Width and height of an array with this shape."""
    return f"{shape[1]} x {shape[0]}"


def check_size(size) -> tuple[int, int]:
    """Return height and width as two whole numbers.

    Raises
    ------
    ValueError
        If they are not two whole numbers of 1 or more.
    """
    try:
        height, width = (operator.index(side) for side in size)
    except TypeError as error:
        raise ValueError(f"size must be (height, width) in pixels, not {size!r}") from error
    if min(height, width) < 1:
        raise ValueError(f"size must be (height, width) in pixels, 1 or more each, not {size}")
    return height, width


def resize(
    image: np.ndarray, mask: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Bring an image and its mask to the size (height, width).

    The image is averaged where it shrinks and interpolated linearly otherwise; the mask takes the
    nearest pixel's label.
    """
    height, width = size
    smooth = cv2.INTER_AREA if height * width < mask.size else cv2.INTER_LINEAR
    image = cv2.resize(image, (width, height), interpolation=smooth)
    return image, cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)


def write_mask(path: Path | str, mask: np.ndarray, class_names: Iterable[str]) -> None:
    """Write class numbers, uint8 [H, W], as PNG: a palette has the figures' colors of the classes.

    The other numbers are gray, `IGNORE` among them.
    """
    from matplotlib.colors import to_rgb

    from ..plotting.style import class_palette

    colors = [to_rgb(color) for color in class_palette(class_names)]
    palette = np.full((256, 3), 128, np.uint8)
    palette[: len(colors)] = np.rint(255 * np.array(colors))
    picture = Image.fromarray(mask)
    picture.putpalette(palette.tobytes())
    picture.save(path, format="PNG")


def cache_arrays(
    cache: Path,
    folder: Path,
    files: Iterable[str],
    decode: Callable[[], tuple[np.ndarray, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray]:
    """Images and masks from the file `cache`, or decoded and kept there.

    They are decoded anew where a file was added, taken away or rewritten, or the cache is damaged.
    Where several kernels want them, one decodes and the others wait. A folder that may not be
    written to, as on a shared classroom disk, is only slower.

    Parameters
    ----------
    cache : path
    folder : path
    files : iterable of str
        What the arrays are made from, in `folder`.
    decode : function without arguments
        Returns images and masks.

    Raises
    ------
    CourseDataError
        If a file is not there: a dead link, for one.
    """
    digest = hashlib.sha256()
    for file in files:
        try:
            stat = os.stat(os.path.join(folder, file))  # sooner than by pathlib, for 30,000 files
        except OSError as error:
            problem = f"{file} cannot be read: {error.strerror}"
            raise fault_in(cache.parent, "the data", problem) from error
        digest.update(f"{file} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    key = digest.hexdigest()
    arrays = _read_cache(cache, key)
    if arrays is not None:
        return arrays
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            stack.enter_context(filelock.FileLock(cache.with_suffix(".lock")))
        arrays = _read_cache(cache, key)
        if arrays is None:
            arrays = decode()
            with contextlib.suppress(OSError):
                _write_cache(cache, key, arrays)
    return arrays


def _read_cache(cache: Path, key: str) -> tuple[np.ndarray, np.ndarray] | None:
    try:
        with cache.open("rb") as file:
            if str(np.load(file, allow_pickle=False)) == key:
                return np.load(file, allow_pickle=False), np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None  # none yet, or damaged
    return None


def _write_cache(cache: Path, key: str, arrays: tuple[np.ndarray, np.ndarray]) -> None:
    aside = cache.with_suffix(".part")
    try:
        with aside.open("wb") as file:
            # Arrays one after the other: a .npz would compute a checksum over each byte.
            for array in (np.array(key), *arrays):
                np.save(file, array)
        os.replace(aside, cache)
    finally:
        aside.unlink(missing_ok=True)
