"""The objects of a picture, numbered one by one, from what a network says of each pixel."""

import numpy as np

from .datasets.io import check_size
from .metrics import object_overlaps


def instances(
    inside,
    border=None,
    *,
    threshold=0.5,
    distance=5,
    neighbors=8,
    min_size=15,
    max_hole=15,
    tile=None,
    halo=64,
):
    """Number the objects of a picture from what a network says of each pixel.

    Parameters
    ----------
    inside : array_like of float in [0, 1] or bool, shape [H, W]
        Probability of the objects; with `border` that of their inside.
    border : array_like of float, shape [H, W], optional
        Probability of the border class. Seeds are then the pieces where `inside` is by `threshold`
        more probable, and grow where the two together exceed it; a piece without a seed is one.
    threshold : float, optional
        Above it a pixel belongs to an object.
    distance : int or None, optional
        Without `border`: cut an object where its parts are farthest from the background at points
        more than so many pixels apart (distance transform and watershed). None: not at all.
    neighbors : {4, 8}, optional
        Whether pixels that touch at a corner alone are of one object.
    min_size, max_hole : int, optional
        Objects of fewer pixels are dropped, holes of at most so many filled.
    tile, halo : int, optional
        With `tile`, work tile by tile, to save memory, each with a halo around it, twice as wide as
        an object. What two tiles see of one object is joined: no seam cuts it or doubles it.

    Returns
    -------
    ndarray of int32, shape [H, W]
        0 for the background, 1 … n for the objects.

    Raises
    ------
    ValueError
        If the maps are not of one shape [H, W], not in [0, 1] or NaN, or `neighbors` is neither.
    """
    maps = [np.asarray(one) for one in (inside, border) if one is not None]
    shapes = [one.shape for one in maps]
    if len(shapes[0]) != 2 or not maps[0].size or shapes[0] != shapes[-1]:
        raise ValueError(f"inside and border must be of one shape [H, W], got {shapes}.")
    if not all(one.min(initial=0) >= 0 and one.max(initial=0) <= 1 + 1e-3 for one in maps):
        raise ValueError(
            "inside and border must be probabilities in [0, 1] without NaN: of logits take "
            "1 / (1 + np.exp(-logits)), with several classes the softmax."
        )
    if neighbors not in (4, 8) or halo < 2:
        raise ValueError(f"neighbors must be 4 or 8, halo at least 2: got {neighbors} and {halo}.")
    sides_only = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])
    structure = sides_only if neighbors == 4 else np.ones((3, 3))
    options = dict(threshold=threshold, distance=distance, structure=structure, max_hole=max_hole)
    if tile is None:
        found = _find_objects(*maps, **options)
    else:
        found = _find_in_tiles(maps, tile, halo, options)
    sizes = np.bincount(found.ravel(), minlength=1)
    kept = sizes >= max(min_size, 1)
    kept[0] = False
    return (np.cumsum(kept) * kept).astype(np.int32)[found]


def _find_objects(inside, border=0.0, *, threshold, distance, structure, max_hole):
    from scipy import ndimage
    from skimage.segmentation import watershed

    inside = np.asarray(inside, np.float32)
    mask = inside + border > threshold
    gaps, _ = ndimage.label(~mask)
    holes = np.bincount(gaps.ravel()) <= max_hole
    # Not the mask itself, and not what goes on beyond the picture's edge.
    holes[np.unique([0, *gaps[0], *gaps[-1], *gaps[:, 0], *gaps[:, -1]])] = False
    mask |= holes[gaps]
    pieces, count = ndimage.label(mask, structure)
    if np.ndim(border):
        height = inside - border
        seeds, _ = ndimage.label(mask & (height > threshold), structure)
    elif distance is None:
        return pieces
    else:
        # Smoothed a little, or the stairs of a slanting edge would make summits of their own.
        height = ndimage.gaussian_filter(ndimage.distance_transform_edt(mask), 1)
        summits = height == ndimage.maximum_filter(height, 2 * distance + 1)
        seeds, _ = ndimage.label(mask & summits, np.ones((3, 3)))
    seeded = np.bincount(pieces.ravel(), seeds.ravel() > 0, count + 1) > 0
    seeds = np.where(seeded[pieces], seeds, pieces + seeds.max(initial=0)) * mask
    return watershed(-height, seeds, structure, mask=mask)


def _find_in_tiles(maps, tile, halo, options):
    from scipy import sparse

    one_piece = len(maps) == 1 and options["distance"] is None
    result, count, pairs = np.zeros(maps[0].shape, np.int32), 0, [np.zeros((2, 0), int)]
    # Near the edge of what it sees, a tile may take a part of an object for its neighbor's: only
    # the nearer half of the halo counts.
    margin = halo // 2
    for place in tiles(result.shape, tile):
        window, zone = (
            tuple(slice(max(0, side.start - reach), side.stop + reach) for side in place)
            for reach in (halo, margin)
        )
        found = _find_objects(*(one[window] for one in maps), **options)[_within(zone, window)]
        own = _within(place, zone)
        reaches = np.bincount(found[own].ravel(), minlength=found.max() + 1) > 0
        reaches[0] = False
        found = ((np.cumsum(reaches) + count) * reaches)[found]  # the others are another tile's
        count += np.count_nonzero(reaches)
        known = np.ones(found.shape, bool)  # what tiles above and to the left have seen, too
        known[tuple(slice(o.start + margin * (o.start > 0), None) for o in own)] = False
        there, beyond = result[zone], known.copy()
        beyond[own] = False
        old, new, shared, _, sizes = object_overlaps(there, found * known)
        # Pieces that overlap are one. Of objects that were cut apart those that cross the seam go
        # on with the one that most of them was there; a few pixels may have gone to a neighbor.
        same = one_piece | np.isin(new, found[beyond]) & (shared > sizes[new] / 2)
        pairs.append(np.stack([old[same], new[same]]))
        np.copyto(there, found, where=there == 0, casting="same_kind")
    pairs = np.concatenate(pairs, axis=1).astype(np.int32)  # SciPy 1.11's csgraph takes no others
    graph = sparse.coo_array((np.ones(pairs.shape[1]), tuple(pairs)), (count + 1, count + 1))
    return sparse.csgraph.connected_components(graph, directed=False)[1][result]


def _within(part, whole):
    """Where a part of a picture lies in a larger one, both as slices of its rows and columns."""
    offsets = zip(part, whole, strict=True)
    return tuple(slice(a.start - b.start, a.stop - b.start) for a, b in offsets)


def tiles(size, tile=256):
    """Cut a picture into tiles that cover each pixel once.

    Parameters
    ----------
    size : (int, int)
        Height and width of the picture.
    tile : int, optional
        Side of the tiles; those at the lower and the right edge may be smaller.

    Returns
    -------
    list of (slice, slice)
        Rows and columns of each tile, row by row. Tiles begin at multiples of `tile`.
    """
    height, width = check_size(size)
    if tile < 1:
        raise ValueError(f"tile must be at least 1, got {tile}.")
    rows, columns = (
        [slice(start, min(start + tile, side)) for start in range(0, side, tile)]
        for side in (height, width)
    )
    return [(row, column) for row in rows for column in columns]
