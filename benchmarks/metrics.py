"""The course's counting of pixels and objects against scikit-learn's, Keras's and StarDist's.

    python benchmarks/metrics.py

The confusion matrix, mask by mask, against scikit-learn's, for 2 and for 8 classes; and the Keras
metric against `keras.metrics.BinaryIoU`, both inside a `tf.function` as in `fit`. Where StarDist is
installed, a thousand objects against a thousand by its `matching`. What is compared must have
counted the same. Processor time is counted, all threads together.
"""

import argparse
import time

from common import heading, interleaved


def made_up_masks(n_classes, n_masks, size=256):
    """Draw masks in blocks of a class, and predictions of which one pixel in twenty is wrong."""
    import numpy as np

    rng = np.random.default_rng(0)
    blocks = rng.integers(0, n_classes, (n_masks, size // 8, size // 8), dtype=np.uint8)
    truth = blocks.repeat(8, axis=1).repeat(8, axis=2)
    guess = rng.integers(0, n_classes, truth.shape, dtype=np.uint8)
    return truth, np.where(rng.random(truth.shape) < 0.05, guess, truth)


def compare_matrices(n_classes, options):
    """Time a hundred masks counted both ways."""
    import numpy as np
    from sklearn import metrics as sklearn_metrics

    from course_utils import metrics

    pairs = [*zip(*made_up_masks(n_classes, 100), strict=True)]
    labels = np.arange(n_classes)

    def ours():
        return sum(metrics.confusion_matrix(*pair, n_classes) for pair in pairs)

    def theirs():
        flat = ((t.ravel(), p.ravel()) for t, p in pairs)
        return sum(sklearn_metrics.confusion_matrix(*pair, labels=labels) for pair in flat)

    if not np.array_equal(ours(), theirs()):
        raise RuntimeError(f"the counts differ:\n{ours()}\n{theirs()}")
    contestants = {"ours": ours, "scikit-learn": theirs}
    report(f"confusion matrix of {n_classes} classes", contestants, options)


def compare_keras(options):
    """Time twenty updates of each metric with 16 masks."""
    import keras
    import numpy as np
    import tensorflow as tf

    from course_utils.keras_metrics import MeanIoU

    truth, guess = made_up_masks(2, 16)
    truth = tf.constant(truth[..., np.newaxis], tf.float32)
    logits = tf.constant(guess[..., np.newaxis] - 0.5, tf.float32)
    metrics = {"ours": MeanIoU(), "Keras": keras.metrics.BinaryIoU([0, 1], threshold=0)}

    def updates(metric):
        step = tf.function(lambda: metric.update_state(truth, logits))
        return lambda: [step() for _ in range(20)]

    contestants = {name: updates(metric) for name, metric in metrics.items()}
    report("mean IoU of 16 masks, 20 updates", contestants, options)
    results = {name: float(metric.result()) for name, metric in metrics.items()}
    if not np.isclose(*results.values(), rtol=1e-6):
        raise RuntimeError(f"the results differ: {results}")


def draw_discs(side, cells, reach):
    """Number discs, one in each cell of a grid, in random order and off by up to `reach` pixels."""
    import numpy as np

    rng = np.random.default_rng(reach)
    cell = side // cells
    drawn, offsets = np.zeros((side, side), np.int32), np.mgrid[:cell, :cell] - (cell - 1) / 2
    for k, number in enumerate(rng.permutation(cells**2)):
        top, left = cell * np.array(divmod(k, cells))
        off = rng.integers(-reach, reach + 1, (2, 1, 1))
        disc = np.hypot(*(offsets - off)) < cell / 2 - 8
        drawn[top : top + cell, left : left + cell] = disc * (number + 1)
    return drawn


def compare_objects(options):
    """Time the matching of 1,024 objects with 1,024 at ten thresholds, in 2,016 × 2,016 pixels."""
    import numpy as np

    from course_utils import metrics

    try:
        from stardist.matching import matching
    except ImportError as error:
        print(f"objects: not compared, for StarDist is missing ({error}): pip install stardist")
        return
    truth, found = draw_discs(2_016, 32, 3), draw_discs(2_016, 32, 7)

    def ours():
        return metrics.average_precision_of_objects([truth], [found])["tp"][0]

    def theirs():  # a hit is at the threshold there, and above it here
        limits = [np.nextafter(limit, 1) for limit in metrics.BOWL_THRESHOLDS]
        return np.array([one.tp for one in matching(truth, found, limits)])

    if not np.array_equal(ours(), theirs()):
        raise RuntimeError(f"the hits differ:\n{ours()}\n{theirs()}")
    contestants = {"ours": ours, "StarDist": theirs}
    report(f"hits of 1,024 objects, {ours().tolist()}", contestants, options)


def report(what, contestants, options):
    """Print the time of ours, of theirs, and the ratio."""
    seconds = interleaved(contestants, options.rounds, clock=time.process_time)
    (_, ours), (name, theirs) = seconds.items()
    print(
        f"{what}: ours {ours * 1e3:.1f} ms, {name} {theirs * 1e3:.1f} ms: "
        f"{theirs / ours:.1f} times faster, equal counts"
    )


def main():
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    heading("numpy", "scikit-learn", "tensorflow", "keras", "stardist")
    for n_classes in (2, 8):
        compare_matrices(n_classes, options)
    compare_keras(options)
    compare_objects(options)


if __name__ == "__main__":
    main()
