"""Write made-up data in the layout of the real sets: a mirror that needs no network.

    python data_scripts/make_samples.py /tmp/samples
    python data_scripts/make_samples.py /tmp/samples stanford_background --scenes 100
    python data_scripts/make_samples.py /tmp/samples dsb2018 --images 100
    python data_scripts/make_samples.py /tmp/samples --train 234 --val 26 --seed 1

The pictures are drawn by the course's own code. A score on them says nothing about real data.
"""

import argparse
import sys
from pathlib import Path

from course_utils.datasets import samples


def main(argv: list[str] | None = None) -> int:
    """Write the samples; 0 if they stand."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "name",
        nargs="?",
        default="sunnybrook",
        choices=samples.SAMPLES,
        help=f"{', '.join(samples.SAMPLES)}; default: sunnybrook",
    )
    parser.add_argument("--train", type=int, default=48, help="training pairs (default 48)")
    parser.add_argument("--val", type=int, default=12, help="validation pairs (default 12)")
    parser.add_argument("--scenes", type=int, default=48, help="outdoor scenes (default 48)")
    parser.add_argument("--images", type=int, default=48, help="images of nuclei (default 48)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--size", type=int, default=256, help="height and width of slices in pixels"
    )
    options = parser.parse_args(argv)
    if min(options.train, options.val, options.size, options.scenes, options.images) < 1:
        parser.error("--train, --val, --scenes, --images and --size must be 1 or more")
    try:
        if options.name == "stanford_background":
            written = f"{options.scenes} made-up scenes"
            samples.write_stanford_background(options.folder, options.scenes, options.seed)
        elif options.name == "dsb2018":
            written = f"{options.images} made-up images of nuclei"
            samples.write_dsb2018(options.folder, options.images, options.seed)
        else:
            written = f"{options.train} + {options.val} made-up pairs"
            samples.write_sunnybrook(
                options.folder, options.train, options.val, seed=options.seed, size=options.size
            )
    except OSError as error:
        print(f"Could not write into {options.folder}: {error.strerror}", file=sys.stderr)
        return 1
    print(f"{written} in {options.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
