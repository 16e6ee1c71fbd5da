"""Write made-up data in the layout of the real sets: a mirror that needs no network.

    python data_scripts/make_samples.py /tmp/samples
    python data_scripts/make_samples.py /tmp/samples stanford_background --profile showcase

The pictures are drawn by the course's own code. A score on them says nothing about real data.
"""

import argparse
import sys
from pathlib import Path

from course_utils.datasets import CourseDataError, samples


def main(argv: list[str] | None = None) -> int:
    """Write the samples; 0 if they stand."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("name", nargs="?", default="sunnybrook", choices=samples.SAMPLES)
    parser.add_argument("--profile", default="sample", choices=("sample", "showcase"))
    options = parser.parse_args(argv)
    try:
        folder = samples.mirror(options.folder, options.name, options.profile)
    except CourseDataError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{samples.entry(options.name, options.profile).title}: {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
