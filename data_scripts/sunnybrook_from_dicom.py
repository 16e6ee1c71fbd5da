"""Make the left-ventricle pairs from the original Sunnybrook files, with the patients kept.

    python -m pip install "pydicom>=3"
    python data_scripts/sunnybrook_from_dicom.py SCD_IMAGES SCD_ManualContours /tmp/ventricles \\
        --table scd_patientdata.csv

IMAGES and CONTOURS hold one folder for each patient; FOLDER gets train/image, train/label,
val/image, val/label and groups.csv. All slices of a patient stand on one side. What cannot be
used is listed, and the exit status is then 1. Then, in Python:
sunnybrook.load("train", root="/tmp/ventricles").groups

The original data are at https://www.cardiacatlas.org/sunnybrook-cardiac-data/ (CC0).
"""

import argparse
import sys
from pathlib import Path

from course_utils.datasets import CourseDataError, sunnybrook_dicom


def main(argv: list[str] | None = None) -> int:
    """Write the pairs; 0 if every contour gave one."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("images", type=Path)
    parser.add_argument("contours", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--table", type=Path, help="scd_patientdata.csv: names of both folders")
    parser.add_argument("--validation", type=float, default=0.1, help="share of the patients")
    parser.add_argument("--seed", type=int, default=0, help="of the split")
    parser.add_argument(
        "--first-pixel",
        type=float,
        default=0.0,
        help="coordinate of the first pixel's centre in the contours (default 0; Matlab: 1)",
    )
    options = parser.parse_args(argv)
    try:
        done = sunnybrook_dicom.convert(**vars(options))
    except (CourseDataError, ModuleNotFoundError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Could not write {options.folder}: {error.strerror}", file=sys.stderr)
        return 1
    for split, patients in done.patients.items():
        print(f"{split}: {done.pairs[split]} pairs of {len(patients)} patients")
    print(f"{len(done.left_out)} left out")
    for line in done.left_out:
        print(f"  {line}", file=sys.stderr)
    return 1 if done.left_out else 0


if __name__ == "__main__":
    sys.exit(main())
