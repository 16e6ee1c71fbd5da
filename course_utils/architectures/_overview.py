"""The years of the survey's networks, and the two things that all of them are about."""

from ..plotting.style import described, listed
from ._blocks import SMALL, block, heading, sheet, write

# name, year of the publication that is cited (preprints are up to two years older), kind, idea
WORKS = (
    ("FCN", 2015, "decoder", "finer scores added"),
    ("U-Net", 2015, "decoder", "skips concatenated"),
    ("SegNet", 2017, "decoder", "positions remembered"),
    ("DeepLab v3+", 2018, "decoder", "a small decoder"),
    ("FastFCN", 2019, "decoder", "joint pyramid upsampling"),
    ("DeepLab v1", 2015, "context", "atrous convolution"),
    ("DeepLab v2", 2017, "context", "several rates: ASPP"),
    ("DeepLab v3", 2017, "context", "ASPP and the image"),
    ("PSPNet", 2017, "context", "pyramid pooling"),
)


def timeline():
    """Draw the years of the networks: resolution won back above, context at many scales below.

    Returns
    -------
    Figure
    """
    figure, ax = sheet(3.6)
    line, wide, tall = 1.88, 1.6, 0.44
    heading(ax, 0.15, 3.4, "Resolution lost by pooling, and won back")
    heading(ax, 5.5, 0.9, "Context at many scales,\nwithout losing more resolution")
    ax.annotate("", (8.95, line), (0.1, line), arrowprops={"arrowstyle": "-|>", "color": "0.4"})
    count = {}
    for name, year, kind, idea in WORKS:
        x = 1.0 + 1.75 * (year - 2015)
        turn = count[year, kind] = count.get((year, kind), 0) + 1
        y = line + (1 if kind == "decoder" else -1) * (0.44 + 0.52 * (turn - 1))
        block(ax, x, y, wide, tall, kind)
        write(ax, x, y + 0.09, name, SMALL, weight="bold")
        write(ax, x, y - 0.09, idea, SMALL)
    for year in range(2015, 2020):
        x = 1.0 + 1.75 * (year - 2015)
        write(
            ax, x, line, str(year), 9, bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5}
        )
    groups = {
        kind: listed((f"{name} {year}" for name, year, group, _ in WORKS if group == kind))
        for kind in ("decoder", "context")
    }
    return described(
        figure,
        f"Timeline of networks. Above, resolution won back: {groups['decoder']}. "
        f"Below, context at many scales: {groups['context']}.",
    )
