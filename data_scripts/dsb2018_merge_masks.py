"""Write each image of nuclei with one mask of all its nuclei, for tools that want pairs of files.

    python data_scripts/dsb2018_merge_masks.py /tmp/nuclei
    python data_scripts/dsb2018_merge_masks.py /tmp/nuclei --root /data/stage1_train --white

FOLDER gets images/<id>.png, as published, and masks/<id>.png: 0 for the background, 1 for a
nucleus (a picture that looks black), or 255 with --white. The data themselves are left as they
are.
"""

import argparse
import shutil
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from course_utils.datasets import CourseDataError, dsb2018
from course_utils.datasets.download import expand_path


def merge(folder: Path, root: Path | None, white: bool) -> str:
    """Write the pairs and say how many.

    Raises
    ------
    CourseDataError
        If a file of the data is missing or at fault.
    ValueError
        If `folder` lies in the data's own folder.
    """
    data = dsb2018.open_folder(root)
    if folder.resolve().is_relative_to(data.root.resolve()):
        raise ValueError(f"{folder} lies in the data's own folder {data.root}: choose another one")
    names, nuclei, overlap = dsb2018.names(data.root), 0, 0
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for name in names:
        instances, lost = dsb2018.merge_masks(name, data.root)
        nuclei, overlap = nuclei + int(instances.max()), overlap + lost
        mask = np.where(instances > 0, 255 if white else 1, 0).astype(np.uint8)
        Image.fromarray(mask).save(folder / "masks" / f"{name}.png")
        shutil.copyfile(data.top / dsb2018.image_file(name), folder / "images" / f"{name}.png")
    return (
        f"{len(names)} images with {nuclei} nuclei in {folder}; "
        f"{overlap} pixels were claimed by two nuclei and went to the later one"
    )


def main(argv: list[str] | None = None) -> int:
    """Write the pairs; 0 if they stand."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=expand_path)
    parser.add_argument("--root", type=expand_path, help="unpacked data; default: fetch them")
    parser.add_argument("--white", action="store_true", help="mark nuclei by 255, not by 1")
    options = parser.parse_args(argv)
    try:
        print(merge(options.folder, options.root, options.white))
    except (CourseDataError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        at_fault = error.filename or options.folder
        print(f"Could not read or write {at_fault}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
