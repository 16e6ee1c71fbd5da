"""One MRI slice from a DICOM file, with the reasons why it cannot be had."""

import warnings
from pathlib import Path

import numpy as np

SPACINGS = (0.3, 4.0)  # mm a pixel: beyond it a spacing is a slip, such as metres for millimetres


def read_slice(path: Path) -> tuple[np.ndarray, float]:
    """Read one slice.

    Grey values go through the file's rescale and its display window (the first one), as DICOM
    PS3.3 C.11.2 says; without a window the 1st and 99th percentile become black and white.

    Returns
    -------
    picture : ndarray, uint8 [H, W]
    spacing : float
        Millimetres a pixel.

    Raises
    ------
    ValueError
        If the file is no DICOM file or broken, holds no single grey picture, is packed in a way
        that cannot be read here, or its spacing is missing or wrong.
    """
    pydicom = _pydicom()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd values in tags that nobody asks for
            slice_ = pydicom.dcmread(path)
            spacing = _spacing(slice_)
            pixels = _pixels(slice_)
            return _window(slice_, pixels), spacing
    except (_Fault, OSError) as error:
        raise ValueError(f"{error}") from error
    except pydicom.errors.InvalidDicomError as error:
        raise ValueError("is no DICOM file") from error
    except Exception as error:  # pydicom lets many kinds through where a file is broken
        raise ValueError(f"is broken ({type(error).__name__}: {error})") from error


class _Fault(ValueError):
    """A fault in words of our own."""


def _pydicom():
    try:
        import pydicom
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Reading DICOM files needs pydicom: python -m pip install 'pydicom>=3'"
        ) from error
    return pydicom


def _spacing(slice_) -> float:
    value = slice_.get("PixelSpacing")
    if value is None or value == "":
        raise _Fault("does not say how large its pixels are (PixelSpacing)")
    try:
        rows, columns = (float(v) for v in value)
    except (TypeError, ValueError):
        raise _Fault(f"has a pixel spacing of {value}, not two numbers") from None
    for value in (rows, columns):
        if not SPACINGS[0] <= value <= SPACINGS[1]:
            raise _Fault(
                f"has a pixel spacing of {value:g} mm; {SPACINGS[0]:g} to {SPACINGS[1]:g} mm is "
                "usual"
            )
    if abs(rows - columns) > 0.01 * rows:
        raise _Fault(f"has pixels that are not square: {rows:g} x {columns:g} mm")
    return rows


def _pixels(slice_) -> np.ndarray:
    if "PixelData" not in slice_:
        raise _Fault("holds no picture")
    syntax = slice_.file_meta.get("TransferSyntaxUID")
    try:
        pixels = slice_.pixel_array
    except Exception as error:
        if syntax is not None and syntax.is_compressed:
            raise _Fault(
                f"is packed as {syntax.name}, which cannot be unpacked here: install "
                "pylibjpeg[all] (for JPEG), or unpack it first, as gdcmconv --raw of GDCM does"
            ) from error
        raise _Fault(f"has pixels that cannot be read ({error})") from error
    if pixels.ndim != 2:
        raise _Fault(f"holds pixels of shape {pixels.shape}, not one grey picture")
    return pixels


def _window(slice_, pixels: np.ndarray) -> np.ndarray:
    values = pixels * float(slice_.get("RescaleSlope") or 1) + float(
        slice_.get("RescaleIntercept") or 0
    )
    centre, width = (_first(slice_.get(tag)) for tag in ("WindowCenter", "WindowWidth"))
    if centre is None or width is None or width <= 1:
        low, high = np.percentile(values, [1, 99])
    else:
        low, high = centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2
    grey = np.clip((values - low) / max(high - low, 1e-6), 0, 1)
    if slice_.get("PhotometricInterpretation") == "MONOCHROME1":  # 0 is white
        grey = 1 - grey
    return np.rint(255 * grey).astype(np.uint8)


def _first(value) -> float | None:
    if value is None or value == "":
        return None
    return float(value if isinstance(value, (int, float, str)) else value[0])
