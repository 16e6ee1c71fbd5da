"""What all figures share: size, colors, tidy axes, checked input, and how a notebook shows them."""

import base64
import html
import io
import os
import textwrap

import numpy as np
from matplotlib.figure import Figure

WIDTH = 9.0  # inches; fills a notebook's column
DPI = 90
LONGEST = 250  # letters; a screen reader says the whole text, and cannot pause in it

# Okabe & Ito (2008), "Color Universal Design": told apart with every common color vision.
ORANGE, SKY, GREEN, YELLOW = "#E69F00", "#56B4E9", "#009E73", "#F0E442"
BLUE, VERMILION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"
BLACK, GRAY, LIGHT = "#000000", "#7A7A7A", "#E4E4E4"
CYCLE = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK, "#882255", "#8C8C1A")
MARKERS = "osD^vPX<>"  # go with CYCLE, for those who see no colors
# A score that needs no training. Finer than the dashes of a training's curve.
BASELINE = {"color": GRAY, "linestyle": (0, (2, 2)), "linewidth": 1, "zorder": 0, "gid": "baseline"}

# For outdoor scenes: as far apart as can be in CIELAB, for normal and red-green blind vision, and
# in lightness too, so that a gray print keeps them apart.
SCENE_COLORS = {
    "sky": "#38CFF7",
    "tree": "#00471F",
    "road": "#9F8C8D",
    "grass": "#D7E11E",
    "water": "#0061C5",
    "building": "#FEF2AE",
    "mountain": "#4D0049",
    "foreground": "#BF5F0C",
    "horizontal": "#DCC79C",
    "vertical": "#7A2E2E",
}

# One code for all chapters: what a model found, what it missed, what it made up.
HIT, MISS, FALSE_ALARM = SKY, YELLOW, VERMILION


class CourseFigure(Figure):
    """A pyplot figure that a notebook shows exactly once.

    IPython shows every open pyplot figure at the end of a cell, and the value of the cell's last
    line besides: a function that returns its figure would be seen twice. This one closes itself
    when it is shown. Its PNG has a palette of 256 colors, which keeps committed notebooks small.
    """

    alt = ""  # what a screen reader says in its place; `described` sets it

    def _ipython_display_(self):
        show(self, self.alt or repr(self))


def show(figure, alt):
    """Show a pyplot figure in a notebook, with a text for readers who cannot see it; closes it.

    Parameters
    ----------
    figure : Figure
        Of `pyplot.subplots`, say. Those that the course's functions return have a text already.
    alt : str
        One or two sentences: what kind of picture, what stands where, what it shows.

    Raises
    ------
    TypeError
        If `figure` is no Figure.
    ValueError
        If `alt` is empty.
    """
    if not isinstance(figure, Figure):
        raise TypeError(
            f"figure must be a Figure, not {type(figure).__name__}: of an Axes, ax.figure"
        )
    if not alt.strip():
        raise ValueError("alt is empty: say what the figure shows to those who cannot see it")
    import matplotlib.pyplot as plt
    from IPython.display import display

    tight = None if isinstance(figure, CourseFigure) else "tight"  # as a notebook cuts the others
    data, metadata = bundle(png(figure, bbox_inches=tight), alt)
    display(data, metadata=metadata, raw=True)
    plt.close(figure)


def png(figure, **kwargs):
    """Draw a figure as a PNG with at most 256 colors; returns bytes."""
    from PIL import Image

    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=figure.dpi, facecolor="white", **kwargs)
    # This method keeps the colors of small areas, such as a legend's, as they are.
    method = Image.Quantize.MAXCOVERAGE
    picture = Image.open(drawn).convert("RGB").quantize(256, method=method, kmeans=1)
    picture.save(small, format="png", optimize=True)
    return small.getvalue()


def bundle(picture, alt):
    """Return data and metadata for `display(…, raw=True)`: a PNG, and its text with it.

    The text is where Jupyter's tools look for it: in the metadata (nbconvert's "classic" template,
    as `IPython.display.Image(alt=…)` has it), and as the plain form of the output (MyST,
    terminals). JupyterLab passes neither on. With the environment variable COURSE_FIGURES=html
    the picture is there as an HTML image besides, whose text every notebook page reads out; that
    doubles a notebook's size, so it is not the default.

    """
    data = {"image/png": picture, "text/plain": alt}
    if os.environ.get("COURSE_FIGURES") == "html":
        source = base64.b64encode(picture).decode()
        data["text/html"] = f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{source}">'
    return data, {"image/png": {"alt": alt}}


def new_figure(rows=1, columns=1, *, height, width=WIDTH, **kwargs):
    """Like `pyplot.subplots`, at the course's size; axes are always an array [rows, columns]."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(width, height),
        dpi=DPI,
        layout="constrained",
        squeeze=False,
        FigureClass=CourseFigure,
        **kwargs,
    )
    return figure, axes


def described(figure, alt):
    """Give a figure its text alternative, cut after `LONGEST` letters; returns the figure."""
    figure.alt = textwrap.shorten(alt, LONGEST, placeholder=" …")
    return figure


def counted(number, one, many=None):
    """Write a number with its noun: "1 image", "3 images"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listed(names):
    """Write names as "a, b and c"."""
    names = [str(name) for name in names]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def extremes(values, form=".3g"):
    """Write the lowest and the highest of named values, without those that are not finite."""
    known = {name: value for name, value in values.items() if np.isfinite(value)}
    if not known:
        return "not defined (NaN)"
    low, high = (pick(known, key=known.get) for pick in (min, max))
    if known[low] == known[high]:
        return f"{known[low]:{form}}"
    return f"from {known[low]:{form}} ({low}) to {known[high]:{form}} ({high})"


def describe_baselines(baselines):
    """Write the scores of a chart's baselines, name -> score, as sentences to append."""
    return "".join(f" Gray line, {name}: {value:.3g}." for name, value in (baselines or {}).items())


def tidy(ax, xlabel="", ylabel="", title=""):
    """Drop the two spines that carry nothing, and label what is left."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    if title:
        ax.set_title(title, loc="left", fontsize=11)
    return ax


def bare(ax):
    """Drop ticks and spines, as on a picture; titles and labels stay."""
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    return ax


def cycle(count):
    """So many colors for curves or dots, from the start again after nine."""
    return [CYCLE[number % len(CYCLE)] for number in range(count)]


def class_palette(class_names):
    """One color a class, easy to tell apart; light gray for a first class named "background".

    The classes of outdoor scenes have the same colors in all chapters.
    """
    if class_names and all(name in SCENE_COLORS for name in class_names):
        return tuple(SCENE_COLORS[name] for name in class_names)
    colors = [SKY, GREEN, "#9A9A9A", YELLOW, BLUE, VERMILION, PURPLE, ORANGE]
    colors += ["#332288", "#882255", "#999933", "#44AA99"]
    if class_names and class_names[0].startswith("background"):
        colors = ["#D9D9D9", VERMILION, BLUE, GREEN, ORANGE, SKY, PURPLE, YELLOW, *colors[8:]]
    return tuple(colors[number % len(colors)] for number in range(len(class_names)))


def as_image(image, name="image"):
    """Check one picture: 0 … 255, or float in [0, 1]; [H,W], [H,W,1] or [H,W,3]. Drops a last 1."""
    image = np.asarray(image)
    if image.ndim == 3 and image.shape[-1] == 1:
        image = image[..., 0]
    if image.ndim != 2 and not (image.ndim == 3 and image.shape[-1] in (3, 4)):
        raise ValueError(
            f"{name} must have the shape [H,W], [H,W,1] or [H,W,3]; it has {image.shape}"
        )
    top, slack = (1, 1e-3) if image.dtype.kind in "fb" else (255, 0)  # slack: of resampling
    if image.size and not -slack <= image.min() <= image.max() <= top + slack:
        raise ValueError(
            f"{name} is {image.dtype} with values from {image.min():.4g} to {image.max():.4g}; "
            "expected float from 0 to 1, or whole numbers from 0 to 255"
        )
    return image


def as_mask(mask, name="mask", shape=None):
    """Check one mask: whole numbers, [H,W] or [H,W,1], as large as `shape`. Returns int [H,W]."""
    mask = np.asarray(mask)
    if mask.ndim == 3 and mask.shape[-1] == 1:
        mask = mask[..., 0]
    if mask.ndim != 2:
        raise ValueError(f"{name} must have the shape [H,W] or [H,W,1]; it has {mask.shape}")
    if shape is not None and mask.shape != tuple(shape[:2]):
        raise ValueError(f"{name} is {mask.shape}, but the image it belongs to is {shape[:2]}")
    whole = mask.astype(int)
    if mask.dtype.kind == "f" and not np.array_equal(mask, whole):
        raise ValueError(
            f"{name} holds fractions, not class numbers: threshold it, or take the argmax, first"
        )
    return whole


def check_lengths(**sequences):
    """Raise a ValueError that names the arguments that are empty, or differ in length."""
    lengths = {name: len(value) for name, value in sequences.items() if value is not None}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise ValueError(f"one entry an image is needed, but {told}")
    for name, length in lengths.items():
        if length == 0:
            raise ValueError(f"{name} is empty: there is nothing to draw")
