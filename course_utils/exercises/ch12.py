"""Chapter 12: gradients of parts, a deal of pictures to workers, and bytes of an all-reduce."""

from itertools import combinations

import numpy as np

from .judge import RETURNED_NOTHING, Check, Wrong, as_numbers, call


def _accumulate(gradients, sizes):
    return np.average(gradients, axis=0, weights=sizes)


_rng = np.random.default_rng(12)


def _parts(shape, *sizes):
    return [_rng.normal(size=shape) for _ in sizes], list(sizes)


check_accumulate_gradients = Check(
    "The gradient of the mean loss of all pictures, from the gradients of parts of them.",
    solution=_accumulate,
    cases={
        "parts of 4 and 4 pictures": _parts((2, 3), 4, 4),
        "parts of 5 and 3 pictures": _parts((4,), 5, 3),
        "parts of 8, 8 and 1 pictures": _parts((3, 3, 1, 2), 8, 8, 1),
        "parts of 3, 8, 1 and 6 pictures": _parts((2,), 3, 8, 1, 6),
    },
    mistakes={
        "a part of 3 pictures counts as much there as one of 5; weigh each by its size.": [
            lambda g, sizes: np.mean(g, axis=0)
        ],
        "that is the sum: with twice as many parts the step would be twice as long.": [
            lambda g, sizes: np.sum(g, axis=0)
        ],
        "each part is weighed; now divide by the number of all pictures.": [
            lambda g, sizes: np.tensordot(sizes, g, 1)
        ],
        "divide by the number of all pictures, not of the parts.": [
            lambda g, sizes: np.tensordot(sizes, g, 1) / len(sizes)
        ],
        "divide by the number of all pictures, sum(sizes), which is not always 8.": [
            lambda g, sizes: np.tensordot(sizes, g, 1) / 8
        ],
        "divide by the number of all pictures, not by that of the largest part.": [
            lambda g, sizes: np.tensordot(sizes, g, 1) / max(sizes)
        ],
        "there is one weight for each part, and a part may have any shape: weigh the parts in a "
        "loop, or take np.average with axis=0.": [
            lambda g, sizes: g * sizes,
            lambda g, sizes: np.array(g) * sizes,
            lambda g, sizes: np.array(sizes) @ np.array(g),
            lambda g, sizes: np.dot(sizes, g),
            lambda g, sizes: np.average(g, weights=sizes),
        ],
        "that is one part's gradient; add up all of them.": [
            lambda g, sizes: g[-1],
            lambda g, sizes: g[0],
        ],
        "a large part counts for more, not for less: multiply by its size.": [
            lambda g, sizes: np.average(g, axis=0, weights=1 / np.array(sizes))
        ],
    },
    used=True,
)


def deal(n_pictures, n_workers, worker, epoch):
    """Return the numbers of the pictures that one of several workers gets in an epoch."""
    order = np.random.default_rng(epoch).permutation(n_pictures)
    return order[: n_pictures // n_workers * n_workers][worker::n_workers]


class DealCheck(Check):
    """Many deals are right: what is judged is who gets what, and when."""

    def judge(self, shard):
        """Raise `NotRight` where a deal is not right."""
        for n_pictures, n_workers in DEALS:
            epochs = [
                [
                    _one_part(shard, n_pictures, n_workers, worker, epoch)
                    for worker in range(n_workers)
                ]
                for epoch in EPOCHS
            ]
            for parts in epochs:
                _require_a_fair_deal(parts, n_pictures, n_workers)
            _require_new_deals(epochs, n_pictures)


DEALS, EPOCHS = [(48, 2), (103, 4), (300, 4)], (*range(6), 40)

check_shard = DealCheck(
    "The numbers of the pictures that one worker of several gets in an epoch.",
    solution=deal,
    cases=[(*one, 0, 0) for one in DEALS],
    mistakes={},
    used=True,
)


IN_PLACE = "`shuffle` shuffles in place and returns None: shuffle an array, then cut that array."
NOTHING = f"{RETURNED_NOTHING} {IN_PLACE}"


def _one_part(shard, *case):
    """Return what the function gives for one worker and epoch; it must give the same twice."""
    try:
        raw, again = (call(shard, *case, nothing=NOTHING) for _ in range(2))
    except Wrong as stopped:
        raise (Wrong(f"{stopped} {IN_PLACE}") if "NoneType" in str(stopped) else stopped) from None
    if np.asarray(raw, object).size and np.asarray(raw).dtype == bool:
        raise Wrong("numbers are wanted, not True and False: np.flatnonzero gives them.")
    parts = [as_numbers(part) for part in (raw, again)]
    if parts[0].ndim != 1 or (parts[0] % 1).any():
        raise Wrong("a list of picture numbers is wanted, such as [7, 0, 3].")
    kind = np.asarray(raw).dtype
    if parts[0].size and kind.kind not in "iu":
        raise Wrong(f"whole numbers are wanted, to index with, not {kind}: .astype(int).")
    if not np.array_equal(*parts):
        raise Wrong(
            "asked twice, a worker gets other pictures. Workers do not talk to one another about "
            "the order: each has to draw the same one, with the epoch as the seed."
        )
    return parts[0].astype(int)


def _require_a_fair_deal(parts, n_pictures, n_workers):
    each, dealt = n_pictures // n_workers, np.concatenate(parts)
    if dealt.size and not (dealt.min() >= 0 and dealt.max() < n_pictures):
        raise Wrong(f"the numbers of {n_pictures} pictures are 0 to {n_pictures - 1}.")
    if len(np.unique(dealt)) < len(dealt):
        raise Wrong(
            "a picture is dealt twice in one epoch. All workers draw the same order, and each "
            "takes another part of it: draw without replacement (permutation), with a seed that "
            "does not depend on the worker, and cut parts that do not overlap."
        )
    sizes = [len(part) for part in parts]
    if set(sizes) != {each}:
        why = (
            "who has one batch more waits for the others for ever. Leave out the few that are over."
        )
        if len(set(sizes)) == 1:
            why = f"as many as possible, with {n_pictures % n_workers} left out."
        raise Wrong(
            f"of {n_pictures} pictures each of {n_workers} workers gets {each}, not {sizes}: {why}"
        )


def _require_new_deals(epochs, n_pictures):
    for part in (part for parts in epochs for part in parts):
        steps = np.diff(part) % n_pictures
        if np.bincount(steps).max() > 0.9 * len(steps):
            raise Wrong(
                f"the numbers come in a fixed pattern, {part[0]}, {part[1]}, {part[2]}, …; draw a "
                "random order of all pictures, with the epoch as the seed, and cut that."
            )
    for (one, before), (other, parts) in combinations(zip(EPOCHS, epochs, strict=True), 2):
        if all(map(np.array_equal, before, parts)):
            raise Wrong(
                f"epochs {one} and {other} have the same order; draw with the epoch as the seed."
            )
        if any(np.isin(a, b).mean() > 0.9 for a in before for b in parts):
            raise Wrong(
                f"in epochs {one} and {other} a worker's pictures are the same ones, or nearly, in "
                "another order or with another worker: draw one order of all pictures, with the "
                "epoch as the seed, and cut that."
            )
    out = {frozenset(range(n_pictures)) - set(np.concatenate(parts)) for parts in epochs}
    if len(out) == 1 and any(out):
        raise Wrong(
            f"the same pictures are left out in every epoch, {sorted(*out)}: draw an order of all "
            f"{n_pictures}, then cut it."
        )


def _sent(n_weights, n_devices, bytes_per_number):
    return 2 * (n_devices - 1) / n_devices * n_weights * bytes_per_number


class BytesCheck(Check):
    """The chapter asks for several numbers of devices at once; an answer need not foresee that."""

    def _usable(self, function):
        return np.vectorize(super()._usable(function), otypes=[float])


check_allreduce_bytes = BytesCheck(
    "The bytes that each device sends in a ring all-reduce.",
    solution=_sent,
    cases={
        "1,000 weights, 2 devices, 4 bytes": (1_000, 2, 4),
        "640 weights, 64 devices, 2 bytes": (640, 64, 2),
        "1,000 weights, 8 devices, 4 bytes": (1_000, 8, 4),
        "1,000 weights, 1 device, 4 bytes": (1_000, 1, 4),
        "1,000 weights, 3 devices, 4 bytes": (1_000, 3, 4),
    },
    mistakes={
        "that is one time around the ring; after it each device knows the sum of one piece, and a "
        "second time brings the sums to all.": [lambda n, d, b: _sent(n, d, b) / 2],
        "one device sends one piece in a step, an n-th of the gradients, not all of them.": [
            lambda n, d, b: 2 * (d - 1) * n * b,
            lambda n, d, b: (d - 1) * n * b,
        ],
        "each time around takes n − 1 steps, not n: nobody sends to itself.": [
            lambda n, d, b: 2 * n * b,
            lambda n, d, b: n * b,
        ],
        "twice around are 2 · (n − 1) steps, not 2n − 1.": [
            lambda n, d, b: (2 * d - 1) * n / d * b
        ],
        "that is one piece; a device sends one in each step, and there are 2 · (n − 1) steps.": [
            lambda n, d, b: n / d * b
        ],
        "a piece is a fraction of all; the last may be smaller: do not round.": [
            lambda n, d, b: 2 * (d - 1) * (n // d) * b,
            lambda n, d, b: 2 * (d - 1) * -(-n // d) * b,
            lambda n, d, b: 2 * (d - 1) * n * b // d,
        ],
        "those are numbers; multiply by the bytes of each.": [lambda n, d, b: _sent(n, d, 1)],
        "those are bits.": [lambda n, d, b: 8 * _sent(n, d, b)],
    },
    used=True,
)
