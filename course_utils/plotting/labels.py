"""Names beside what they name, moved apart where they would overlap."""

import itertools

import numpy as np
from matplotlib.colors import to_rgb


def readable(colour):
    """Darken a colour until text in it stands out from white (contrast 4.5, as WCAG asks)."""
    rgb = np.array(to_rgb(colour))
    while _luminance(rgb) > 1.05 / 4.5 - 0.05:
        rgb = rgb * 0.95
    return tuple(rgb)


def label_ends(figure, ax, curves, size=9, *, start=False, apart=False):
    """Write each curve's name behind its last point, or before its first.

    Parameters
    ----------
    figure, ax : the finished figure, and the Axes that holds the curves
    curves : list of (name, Line2D)
        Values that are not finite are passed over.
    size : float
        Font size in points.
    start : bool
        Label the curves' starts, at their left.
    apart : bool
        Label a curve that ends before the others where it ends, not at the right edge.
    """
    figure.draw_without_rendering()  # so that the axes have their final size
    ends = []
    for _, line in curves:
        x, y = (np.asarray(values, dtype=float) for values in line.get_data())
        known = np.isfinite(y)
        end = 0 if start else -1
        ends.append((x[known][end], np.clip(y[known][end], *sorted(ax.get_ylim()))))
    edge = (min if start else max)(x for x, _ in ends)
    heights = [ax.transData.transform((edge, y))[1] for _, y in ends]
    placed = spread(heights, gap=1.25 * size * figure.dpi / 72)
    for (name, line), (x, y), before, after in zip(curves, ends, heights, placed, strict=True):
        ax.annotate(
            name,
            (x if apart else edge, y),
            xytext=(-6 if start else 6, (after - before) * 72 / figure.dpi),
            textcoords="offset points",
            ha="right" if start else "left",
            va="center",
            color=readable(line.get_color()),
            fontsize=size,
            annotation_clip=False,
        )


def spread(values, gap):
    """Move numbers apart until neighbours differ by at least `gap`, keeping their order.

    Labels at the end of curves stay readable where the curves end close together.
    """
    values = np.asarray(values, dtype=float)
    order = np.argsort(values, kind="stable")
    placed = values[order]
    for _ in range(200):
        short = gap - np.diff(placed)
        if (short <= 1e-9).all():
            break
        push = np.where(short > 0, short / 2, 0.0)
        placed[:-1] -= push
        placed[1:] += push
    result = np.empty_like(placed)
    result[order] = placed
    return result


def label_points(figure, ax, names, points, colours, *, obstacles=(), size=9):
    """Write a name near each point, where it covers neither a point nor another name.

    Parameters
    ----------
    names, points, colours : sequences of the same length
        Points in data coordinates, (x, y).
    obstacles : sequence of (x, y)
        Further points that must stay uncovered.
    """
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()
    scale = figure.dpi / 72
    marks = ax.transData.transform([*points, *obstacles])
    window = ax.get_window_extent(renderer)
    taken = []
    for name, point, colour in zip(names, points, colours, strict=True):
        text = ax.annotate(
            name,
            point,
            xytext=(0, 0),
            textcoords="offset points",
            color=readable(colour),
            fontsize=size,
            va="center",
            ha="center",
        )
        box = text.get_window_extent(renderer)
        half = np.array([box.width, box.height]) / 2
        centre = ax.transData.transform(point)
        best = None
        for reach, (right, up) in itertools.product((8, 14, 22, 32, 44), _DIRECTIONS):
            away = scale * np.array([right * reach, up * reach * (0.4 if right else 1)])
            middle = centre + away + half * (right, up)
            low, high = middle - half, middle + half
            cost = 50 * ((marks > low - 5) & (marks < high + 5)).all(axis=1).sum()
            cost += sum(50 for a, b in taken if (low < b + 2).all() and (high > a - 2).all())
            cost += 80 * ((low < window.min).any() + (high > window.max).any()) + reach
            if best is None or cost < best[0]:
                best = cost, middle, reach
        _, middle, reach = best
        taken.append((middle - half, middle + half))
        text.xyann = (middle - centre) / scale
        if reach > 14:  # too far from its point to be understood without a line
            ax.annotate(
                "",
                point,
                xytext=text.xyann,
                textcoords="offset points",
                arrowprops={"arrowstyle": "-", "color": "0.6", "linewidth": 0.7, "shrinkA": 8},
            )


_DIRECTIONS = ((1, 0), (0, 1), (0, -1), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1))


def _luminance(rgb):
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ (0.2126, 0.7152, 0.0722)
