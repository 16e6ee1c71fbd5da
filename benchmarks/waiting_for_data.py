"""What share of a training step of the FCN is spent waiting for data.

    python benchmarks/waiting_for_data.py

With and without the augmentation of chapter 02: the seconds in ``next(iterator)`` as a share of the
whole loop, the rest being `train_on_batch`. The aim is less than 10 %. What the pipeline's threads
take away from the training's where all cores are busy is no part of it.

And what `fit` waits after its last step, with the pipeline as it is and with the tuner of tf.data.
"""

import argparse
import time

from common import heading

AUGMENTATION = {"rotation": 18, "shift": 0.05, "zoom": 0.1, "outside": 0}


def chapters_model():
    """Build and compile the FCN of chapter 02."""
    import keras

    from course_utils import environment, models
    from course_utils.keras_metrics import ClassIoU, MeanIoU

    keras.mixed_precision.set_global_policy(environment.precision())
    model = models.fcn()
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=[MeanIoU(), ClassIoU(1, name="lv_iou")])
    return model


def share_in_a_loop(model, batches, steps):
    """Seconds in ``next`` and seconds in all, over some steps after three that warm up."""
    iterator = iter(batches)
    for step in range(-3, steps):
        if step == 0:
            began, waiting = time.perf_counter(), 0.0
        start = time.perf_counter()
        images, masks = next(iterator)
        if step >= 0:
            waiting += time.perf_counter() - start
        model.train_on_batch(images, masks)
    return waiting, time.perf_counter() - began


def wait_at_the_end(model, batches, steps):
    """Seconds of one `fit` after its last step, and in all."""
    import keras

    class LastStep(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.ended = time.perf_counter()

    last, start = LastStep(), time.perf_counter()
    model.fit(batches, steps_per_epoch=steps, callbacks=[last], verbose=0)
    return time.perf_counter() - last.ended, time.perf_counter() - start


def main():
    """Print the shares with and without augmentation, and the waits."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=20)
    options = parser.parse_args()
    heading("tensorflow", "keras")

    import numpy as np
    import tensorflow as tf

    from course_utils import pipeline

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (234, 256, 256, 1), np.uint8)
    masks = (images[..., 0] > 245).astype(np.uint8)
    model = chapters_model()
    for name, augment in {
        "plain": None,
        "augmented": pipeline.augmentation(**AUGMENTATION),
    }.items():
        cut = {"shuffle": True, "repeat": True, "augment": augment}
        batches = pipeline.batches(images, masks, options.batch, **cut)
        waiting, total = share_in_a_loop(model, batches, options.steps)
        print(
            f"{name}: {waiting / options.steps * 1e3:.1f} of {total / options.steps * 1e3:.1f} ms "
            f"per step wait for data: {waiting / total:.1%}"
        )

    batches = pipeline.batches(images, masks, options.batch, shuffle=True, repeat=True)
    tuned = tf.data.Options()
    tuned.autotune.enabled = True
    wait_at_the_end(model, batches, 1)  # traces the step
    for steps in (options.steps, 2 * options.steps, 4 * options.steps):
        for name, data in {"as it is": batches, "tuned": batches.with_options(tuned)}.items():
            waited, total = wait_at_the_end(model, data, steps)
            print(f"fit, {steps} steps, {name}: waits {waited:.2f} of {total:.2f} s at its end")


if __name__ == "__main__":
    main()
