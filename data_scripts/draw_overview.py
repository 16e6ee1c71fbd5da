"""Draw docs/overview.png, the picture at the top of the README, from made-up data.

    python data_scripts/draw_overview.py

The same seed draws the same picture, so it changes only when the samples or the plots do.
"""

from pathlib import Path

import numpy as np

from course_utils.datasets import samples
from course_utils.plotting import class_map, overlay
from course_utils.plotting.masks import draw_image
from course_utils.plotting.style import new_figure, png

TARGET = Path(__file__).resolve().parents[1] / "docs" / "overview.png"
REGIONS = ("sky", "tree", "road", "grass", "water", "building", "mountain", "foreground")
SIDE = 240


def draw(seed=3):
    """Return the picture: an image of each data set above its mask.

    Returns
    -------
    CourseFigure
    """
    rng = np.random.default_rng(seed)
    heart, ventricle = samples.short_axis_slice(rng, size=SIDE, patient=1, position=0.35, systole=0)
    scene, regions, *_ = samples.outdoor_scene(rng, height=SIDE, width=320)
    cells, instances = samples.nuclei(rng, height=SIDE, width=SIDE)
    figure, axes = new_figure(2, 3, height=4.6, gridspec_kw={"width_ratios": [SIDE, SIDE, 320]})
    for ax, image in zip(axes[0], (heart, cells, scene), strict=True):
        draw_image(ax, image)
    titles = ("heart MRI: the left ventricle", "cell nuclei", "outdoor scenes")
    for ax, title in zip(axes[0], titles, strict=True):
        ax.set_title(title, fontsize=9)
    overlay(axes[1, 0], heart, ventricle)
    overlay(axes[1, 1], cells, (instances > 0).astype(np.uint8))
    class_map(axes[1, 2], regions, REGIONS, image=scene)
    return figure


if __name__ == "__main__":
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_bytes(png(draw()))
    print(f"wrote {TARGET} ({TARGET.stat().st_size:,} bytes)")
