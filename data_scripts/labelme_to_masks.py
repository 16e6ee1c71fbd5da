"""Write masks for pictures that were annotated with LabelMe, or in COCO's format.

    python data_scripts/labelme_to_masks.py cats masks
    python data_scripts/labelme_to_masks.py cats masks --classes cat kitten=cat wall= "?=?"

OUT gets images/, masks/ (PNG, class numbers) and classes.json; the folder itself is left as it is.
Without --classes each label is a class. With it, every label must be named: kitten=cat merges or
renames, wall= leaves out, hole=background cuts out, and ?=? marks what belongs to no known class.
"""

import argparse
import sys

from course_utils.datasets import IGNORE, CourseDataError, own_data
from course_utils.datasets.download import expand_path


def parse_classes(words: list[str] | None) -> dict | None:
    """Return the table for `own_data.read` of words such as "cat" and "kitten=cat"."""
    if words is None:
        return None
    table = {}
    for word in words:
        label, equals, name = word.partition("=")
        table[label] = (IGNORE if name == "?" else name or None) if equals else label
    return table


def main(argv: list[str] | None = None) -> int:
    """Write the masks, and print the report; 0 if they stand."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=expand_path)
    parser.add_argument("out", type=expand_path)
    parser.add_argument("--classes", nargs="+", metavar="LABEL[=CLASS]")
    parser.add_argument("--order", choices=["file", "area"], default="file", help="who wins")
    parser.add_argument("--leave-out", action="store_true", help="pictures at fault")
    options = parser.parse_args(argv)
    try:
        own = own_data.read(
            options.folder,
            parse_classes(options.classes),
            order=options.order,
            faults="leave out" if options.leave_out else "raise",
        )
        own.save_masks(options.out)
        print(own.report())
    except (CourseDataError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
