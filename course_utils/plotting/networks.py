"""Drawings of networks.

Each drawing is one file, ``figures/NAME.svg``, and that file is its source: change it in a text
editor or in Inkscape. Its <desc> is the text for readers who cannot see it.

Sizes, strides, channels and rates are those of the papers, but for the networks that the chapters
build ("unet_padded", "unetpp" and its variants): Long, Shelhamer & Darrell (2015),
https://arxiv.org/abs/1411.4038; Ronneberger, Fischer & Brox (2015),
https://arxiv.org/abs/1505.04597; Badrinarayanan, Kendall & Cipolla (2017),
https://arxiv.org/abs/1511.00561; Zhao et al. (2017), https://arxiv.org/abs/1612.01105;
Chen et al. (2015, 2017, 2017, 2018), https://arxiv.org/abs/1412.7062,
https://arxiv.org/abs/1606.00915, https://arxiv.org/abs/1706.05587,
https://arxiv.org/abs/1802.02611; Zhou et al. (2018), https://arxiv.org/abs/1807.10165;
Wu et al. (2019), https://arxiv.org/abs/1903.11816.
"""

import base64
import html
from importlib import resources
from xml.etree import ElementTree

FIGURES = resources.files(__package__) / "figures"


def show(*names, folded=False):
    """Show drawings in a notebook, each together with its text alternative.

    Parameters
    ----------
    *names : str
        Names of files in `FIGURES` without their ending: "fcn", "segnet", "unet", "unet_padded",
        "pspnet", "deeplab", "fastfcn", "timeline", "unetpp", "unetpp_node" or "unetpp_pruned".
    folded : bool, optional
        Show only the drawings' titles until the reader opens them.

    Raises
    ------
    ValueError
        If there is no such drawing; the message lists all there are.
    """
    from IPython.display import display

    known = sorted(file.name.removesuffix(".svg") for file in FIGURES.iterdir())
    for name in names:
        if name not in known:
            raise ValueError(f"there is no drawing {name!r}; there are: {', '.join(known)}")
        svg = FIGURES.joinpath(f"{name}.svg").read_text(encoding="utf-8")
        drawing = ElementTree.fromstring(svg)
        title, text = (drawing.findtext(f"{{*}}{part}") for part in ("title", "desc"))
        # JupyterLab shows a bare SVG only in a trusted notebook, never scales it, and drops its
        # text.
        source = base64.b64encode(svg.encode()).decode()
        image = f'<img alt="{html.escape(text)}" src="data:image/svg+xml;base64,{source}">'
        if folded:
            image = f"<details><summary>{html.escape(title)}</summary>{image}</details>"
        data = {"text/html": image, "image/svg+xml": svg, "text/plain": text}
        display(data, metadata={"image/svg+xml": {"alt": text}}, raw=True)
