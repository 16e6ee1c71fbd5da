"""A few made-up patients in the layout of the original Sunnybrook data, written by pydicom."""

from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

SHAPE = (24, 32)
SQUARE = [(8.0, 6.0), (14.0, 6.0), (14.0, 12.0), (8.0, 12.0)]
# Contour folder, image folder and the numbers of the slices that have a contour.
PATIENTS = {
    "SC-HF-I-01": ("SCD0000101", (48, 59)),
    "SC-HF-I-2": ("SCD0000201", (20,)),
    "SC-N-03": ("SCD0000301", (7, 100, 120)),
}


class TinyDicom:
    """Three patients with two, one and three contours in `base`: images, contours and a table."""

    def __init__(self, base: Path):
        self.base = base
        self.images, self.contours = base / "SCD_IMAGES", base / "SCD_ManualContours"
        self.table = base / "scd_patientdata.csv"
        rows = ["PatientID,OriginalID,Gender"]
        for original, (patient, numbers) in PATIENTS.items():
            rows.append(f"{patient},{original.replace('I-2', 'I-02')},F")
            for number in numbers:
                self.contour(original, number)
                self.slice(patient, number)
            self.slice(patient, 1)  # most slices have no contour
        self.table.write_text("\n".join(rows) + "\n")

    def contour_path(self, original, number):
        name = f"IM-0001-{number:04d}-icontour-manual.txt"
        return self.contours / original / "contours-manual" / "IRCCI-expert" / name

    def contour(self, original, number, points=SQUARE):
        path = self.contour_path(original, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{x:.2f} {y:.2f} \r\n" for x, y in points))
        # An outer contour, which gives no pair.
        path.with_name(path.name.replace("icontour", "ocontour")).write_text("1 1\n2 2\n1 2\n")
        return path

    def slice_path(self, patient, number, series="CINESAX_300"):
        return self.images / patient / series / f"IM-0003-{number:04d}.dcm"

    def slice(self, patient, number, series="CINESAX_300", shape=SHAPE, **tags):
        """Write one slice whose gray values are ten times the column; None takes a tag away."""
        path = self.slice_path(patient, number, series)
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.broadcast_to(10 * np.arange(shape[1], dtype=np.uint16), shape)
        slice_ = Dataset()
        slice_.file_meta = FileMetaDataset()
        slice_.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        slice_.file_meta.MediaStorageSOPClassUID = MRImageStorage
        slice_.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[str(path)])
        values = {
            "SOPClassUID": MRImageStorage,
            "SOPInstanceUID": slice_.file_meta.MediaStorageSOPInstanceUID,
            "Modality": "MR",
            "PatientName": "Somebody^Real",
            "Rows": shape[0],
            "Columns": shape[1],
            "SamplesPerPixel": 1,
            "PhotometricInterpretation": "MONOCHROME2",
            "BitsAllocated": 16,
            "BitsStored": 12,
            "HighBit": 11,
            "PixelRepresentation": 0,
            "PixelSpacing": [1.25, 1.25],
            "WindowCenter": 128,
            "WindowWidth": 256,
            "PixelData": pixels.tobytes(),
        } | tags
        for tag, value in values.items():
            if value is not None:
                setattr(slice_, tag, value)
        slice_.save_as(path, enforce_file_format=True)
        return path


def repacked(path: Path, syntax: str) -> None:
    """Claim that a slice is packed by another transfer syntax, with one frame of rubbish."""
    slice_ = pydicom.dcmread(path)
    slice_.file_meta.TransferSyntaxUID = syntax
    slice_.PixelData = pydicom.encaps.encapsulate([b"\xff\xd8rubbish!"])
    slice_["PixelData"].is_undefined_length = True
    slice_.save_as(path, enforce_file_format=True)
