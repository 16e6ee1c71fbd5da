"""FastFCN: an undilated backbone, and its last three stages joined at the finest's size."""

from ..plotting.style import described
from ._blocks import SMALL, arrow, block, heading, key, sheet, write

STAGES = ((3, 8, 512), (4, 16, 1024), (5, 32, 2048))  # stage, stride, channels of a ResNet
RATES = (1, 2, 4, 8)
WIDTH = 512


def fastfcn():
    """Draw joint pyramid upsampling (JPU), in place of atrous convolution in the backbone.

    Returns
    -------
    Figure
    """
    figure, ax = sheet(3.9)
    heading(ax, 0.1, 3.7, "Before: atrous convolution in the backbone")
    texts = ["conv1, conv2:\nstride 4"]
    texts += [
        f"conv{stage}: stride 8" + f"\nrate {stride // 8}" * (stage > 3)
        for stage, stride, _ in STAGES
    ]
    for turn, text in enumerate((*texts, "context,\nscores")):
        kind = "encoder" if turn < 2 else "context"
        block(ax, 0.75 + 1.62 * turn, 3.28, 1.2, 0.42, kind, text)
        if turn:
            arrow(ax, (1.62 * turn - 0.25, 3.28), (1.62 * turn + 0.13, 3.28))
    write(ax, 7.95, 3.28, "large maps, deep\nstages: slow", SMALL, ha="left")

    heading(ax, 0.1, 2.78, "FastFCN: the backbone shrinks to stride 32; JPU wins stride 8 back")
    ys = (2.05, 1.35, 0.65)
    for (stage, stride, depth), y in zip(STAGES, ys, strict=True):
        tall = 0.56 if stage == 3 else 0.48 if stage == 4 else 0.4
        block(ax, 0.85, y, 1.3, tall, "encoder", f"conv{stage}: stride {stride}\n{depth} channels")
        block(ax, 2.6, y, 1.05, 0.4, "skip", f"3 × 3, {WIDTH}")
        arrow(ax, (1.52, y), (2.05, y), kind="skip")
        arrow(ax, (3.14, y), (3.92, y))
        if stride > 8:
            write(ax, 3.5, y + 0.13, f"× {stride // 8}", SMALL)
            arrow(ax, (0.85, y + 0.41), (0.85, y + tall / 2 + 0.02))
    middle = ys[1]
    block(ax, 4.2, middle, 0.5, 1.9, "decoder", f"{len(STAGES) * WIDTH}")
    for turn, rate in enumerate(RATES):
        y = 2.1 - 0.5 * turn
        block(ax, 5.7, y, 1.3, 0.4, "context", f"separable 3 × 3,\nrate {rate}: {WIDTH}")
        arrow(ax, (4.47, middle + (y - middle) * 0.7), (5.02, y))
        arrow(ax, (6.37, y), (6.84, middle + (y - middle) * 0.9))
    block(ax, 7.12, middle, 0.5, 1.9, "decoder", f"{len(RATES) * WIDTH}")
    block(ax, 8.4, middle, 0.98, 0.7, "context", "context\n(ASPP, PSP, …),\nscores")
    arrow(ax, (7.39, middle), (7.88, middle))
    for x in (4.2, 7.12):
        write(ax, x, 2.45, "concatenated", SMALL)
    write(ax, 7.1, 0.2, "All at stride 8", SMALL)
    key(ax, 0.2, 0.13, encoder="encoder", skip="skip", decoder="decoder", context="context")
    return described(
        figure,
        "Two block diagrams. Above, before: a backbone with atrous convolution stays at stride 8. "
        "Below, FastFCN: the backbone shrinks to stride 32, and joint pyramid upsampling makes of "
        "its last three maps one at stride 8.",
    )
