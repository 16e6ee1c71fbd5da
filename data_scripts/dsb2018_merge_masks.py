"""Write each image of nuclei with one mask of all its nuclei, for tools that want pairs of files.

    python data_scripts/dsb2018_merge_masks.py /tmp/nuclei
    python data_scripts/dsb2018_merge_masks.py /tmp/nuclei --root /data/stage1_train --white

FOLDER gets images/<id>.png, as published, and masks/<id>.png: 0 for the background, 1 for a
nucleus (a picture that looks black), or 255 with --white. The data themselves are left as they
are.
"""

import argparse
import sys
from pathlib import Path

from course_utils.datasets import CourseDataError, dsb2018_merge


def main(argv: list[str] | None = None) -> int:
    """Write the pairs; 0 if they stand."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--root", type=Path, help="unpacked data; default: fetch them")
    parser.add_argument("--white", action="store_true", help="mark nuclei by 255, not by 1")
    options = parser.parse_args(argv)
    try:
        merged = dsb2018_merge.merge(options.folder, options.root, 255 if options.white else 1)
    except (CourseDataError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Could not write into {options.folder}: {error.strerror}", file=sys.stderr)
        return 1
    print(
        f"{merged.images} images with {merged.nuclei} nuclei in {options.folder}; "
        f"{merged.overlap} pixels were claimed by two nuclei and went to the later one"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
