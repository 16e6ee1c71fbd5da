"""Our streaming confusion matrix against scikit-learn's, mask by mask.

    python benchmarks/confusion_matrix.py

100 masks of 256 x 256, counted one at a time and added up, for 2 and for 8 classes; the two sums
must be equal. The masks are blocks of 8 x 8 pixels of one class, and one pixel in twenty is
predicted wrong. Both run in one thread; processor time is counted.
"""

import argparse
import time

from _common import heading, interleaved


def made_up_masks(n_classes, n_masks, size=256, seed=0):
    """Draw masks, and predictions that are mostly right."""
    import numpy as np

    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, n_classes, (n_masks, size // 8, size // 8), dtype=np.uint8)
    truth = blocks.repeat(8, axis=1).repeat(8, axis=2)
    wrong = rng.random(truth.shape) < 0.05
    guess = rng.integers(0, n_classes, truth.shape, dtype=np.uint8)
    return truth, np.where(wrong, guess, truth)


def compare(n_classes, n_masks, rounds):
    """Count both ways, check that the counts are equal, print the ratio."""
    import numpy as np
    from sklearn.metrics import confusion_matrix

    from course_utils.metrics import ConfusionMatrix

    truth, prediction = made_up_masks(n_classes, n_masks)
    classes = np.arange(n_classes)
    counts = {}

    def ours():
        matrix = ConfusionMatrix(n_classes)
        for t, p in zip(truth, prediction, strict=True):
            matrix.update(t, p)
        counts["ours"] = matrix.matrix

    def sklearns():
        pairs = zip(truth, prediction, strict=True)
        counts["sklearn"] = sum(
            confusion_matrix(t.ravel(), p.ravel(), labels=classes) for t, p in pairs
        )

    seconds = interleaved({"ours": ours, "sklearn": sklearns}, rounds, clock=time.process_time)
    if not np.array_equal(counts["ours"], counts["sklearn"]):
        raise RuntimeError(f"the counts differ:\n{counts['ours']}\n{counts['sklearn']}")
    print(
        f"{n_classes} classes, {n_masks} masks: ours {seconds['ours'] * 1e3:.1f} ms, "
        f"scikit-learn {seconds['sklearn'] * 1e3:.1f} ms: "
        f"{seconds['sklearn'] / seconds['ours']:.1f} times faster, equal counts"
    )


def main():
    """Print the ratio for 2 and for 8 classes."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--masks", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    heading("numpy", "scikit-learn")
    for n_classes in (2, 8):
        compare(n_classes, options.masks, options.rounds)


if __name__ == "__main__":
    main()
