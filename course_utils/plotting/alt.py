"""What a figure says to readers who cannot see it: its text, and how a notebook passes it on."""

import base64
import html
import os
import textwrap

import numpy as np

LONGEST = 250  # letters; a screen reader says the whole text, and cannot pause in it


def described(figure, text):
    """Give a figure its text alternative; returns the figure.

    Parameters
    ----------
    figure : Figure
    text : str
        One or two plain sentences; what is longer than `LONGEST` is cut.
    """
    figure.alt = textwrap.shorten(text, LONGEST, placeholder=" …")
    return figure


def bundle(picture, text):
    """Return what `display(…, metadata=…, raw=True)` takes: the picture, and its text with it.

    The text is where Jupyter's tools look for it: in the metadata (nbconvert's "classic" template,
    as `IPython.display.Image(alt=…)` has it), and as the plain form of the output (MyST,
    terminals). JupyterLab passes neither on. With the environment variable COURSE_FIGURES=html
    the picture is there as an HTML image besides, whose text every notebook page reads out; that
    doubles a notebook's size, so it is not the default.

    Parameters
    ----------
    picture : bytes
        A PNG.
    text : str

    Returns
    -------
    data, metadata : dict
    """
    data = {"image/png": picture, "text/plain": text}
    if os.environ.get("COURSE_FIGURES") == "html":
        source = base64.b64encode(picture).decode()
        data["text/html"] = f'<img alt="{html.escape(text)}" src="data:image/png;base64,{source}">'
    return data, {"image/png": {"alt": text}}


def listed(names, most=4):
    """Write names as "a, b and c"; of more than `most`, how many others there are."""
    names = [textwrap.shorten(str(name), 40, placeholder=" …") for name in names]
    if len(names) > most:
        names = [*names[: most - 1], f"{len(names) - most + 1} more"]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def counted(number, one, many=None):
    """Write a number with its noun: "1 image", "3 images"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def number(value, form=".2f"):
    """Write a number, and its sign as a word, which a screen reader would swallow."""
    if not np.isfinite(value):
        return "not defined" if value != value else "minus infinity" if value < 0 else "infinity"
    return f"{value:{form}}".replace("-", "minus ").replace("+", "plus ")


def between(values, form=".2f"):
    """Write the range of values, without those that are NaN: "from 0.10 to 0.90", or "0.50"."""
    values = np.asarray(values, dtype=float).ravel()
    values = values[~np.isnan(values)]
    if values.size == 0:
        return "not defined"
    low, high = number(values.min(), form), number(values.max(), form)
    return low if low == high else f"from {low} to {high}"


def standing(values, form=".2f", most=3):
    """Write what each name has, or of more than `most` names the lowest and the highest.

    Parameters
    ----------
    values : dict, name -> float
        The name may be empty.
    """
    if len(values) <= most:
        said = (f"{name} {number(value, form)}".strip() for name, value in values.items())
        return ", ".join(said)
    known = {name: value for name, value in values.items() if value == value}
    if not known:
        return "not defined"
    low, high = min(known, key=known.get), max(known, key=known.get)
    if number(known[low], form) == number(known[high], form):
        return (
            f"{number(known[low], form)} for all{' that are defined' * (len(known) < len(values))}"
        )
    return f"from {number(known[low], form)} ({low}) to {number(known[high], form)} ({high})"
