"""The course's mean IoU metric against Keras's own, for one batch of logits.

    python benchmarks/iou_metric.py

Both inside a `tf.function`, as in `fit`, on 16 masks of 256 x 256. After equally many updates both
must have counted the same. Processor time is counted, all threads together.
"""

import argparse
import time

from _common import heading, interleaved


def main():
    """Print the time of an update of each, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--updates", type=int, default=20, help="updates a round")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    heading("tensorflow", "keras")

    import keras
    import numpy as np
    import tensorflow as tf

    from course_utils.keras_metrics import MeanIoU

    rng = np.random.default_rng(0)
    shape = (16, 256, 256, 1)
    truth = tf.constant((rng.random(shape) < 0.05).astype("float32"))
    logits = tf.constant(rng.normal(size=shape).astype("float32") + 4 * truth.numpy() - 2)
    metrics = {
        "ours": MeanIoU(),
        "Keras's": keras.metrics.BinaryIoU(target_class_ids=[0, 1], threshold=0),
    }

    def updates(metric):
        step = tf.function(lambda: metric.update_state(truth, logits))

        def run():
            for _ in range(options.updates):
                step()
            metric.result()

        return run

    contestants = {name: updates(metric) for name, metric in metrics.items()}
    seconds = interleaved(contestants, options.rounds, clock=time.process_time)
    results = {name: float(metric.result()) for name, metric in metrics.items()}
    if not np.isclose(*results.values(), rtol=1e-6):
        raise RuntimeError(f"the results differ: {results}")
    ours, theirs = (seconds[name] / options.updates * 1e3 for name in metrics)
    print(
        f"an update with 16 masks of 256 x 256: MeanIoU {ours:.2f} ms, keras.metrics.BinaryIoU "
        f"{theirs:.2f} ms: {theirs / ours:.1f} times faster, equal result {results['ours']:.6f}"
    )


if __name__ == "__main__":
    main()
