"""What share of a training step of the FCN is spent waiting for data.

    python benchmarks/waiting_for_data.py

Two ways, with and without the augmentation of chapter 02:

- a loop of our own: the seconds in ``next(iterator)`` as a share of the whole loop, the rest being
  `train_on_batch`;
- `fit` on the pipeline against `fit` on one batch kept in memory and repeated. This share also
  holds what the pipeline's threads take away from the training's where all cores are busy;
  `--processor-time` counts that alone, on a machine that other programs use as well.

The aim is less than 10 %.
"""

import argparse
import time

from _common import heading, interleaved, training_images

AUGMENTATION = {"rotation": 18, "shift": 0.05, "zoom": 0.1}


def chapters_model():
    """The FCN of chapter 02, compiled as there."""
    import keras

    from course_utils import environment, models
    from course_utils.keras_metrics import ClassIoU, MeanIoU

    keras.mixed_precision.set_global_policy(environment.precision())
    model = models.fcn()
    model.compile(
        keras.optimizers.Adam(),
        keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[MeanIoU(), ClassIoU(1, name="lv_iou")],
    )
    return model


def share_in_a_loop(model, batches, steps):
    """Seconds in ``next`` and seconds in all, over some steps after three that warm up."""
    iterator = iter(batches)
    waiting = 0.0
    for step in range(-3, steps):
        if step == 0:
            began, waiting = time.perf_counter(), 0.0
        start = time.perf_counter()
        images, masks = next(iterator)
        waiting += time.perf_counter() - start
        model.train_on_batch(images, masks)
    return waiting, time.perf_counter() - began


def main():
    """Print the shares with and without augmentation."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=20, help="steps of the loop and of a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--processor-time", action="store_true", help="for fit")
    options = parser.parse_args()
    heading("tensorflow", "keras")
    data = training_images()

    from course_utils import pipeline

    model = chapters_model()
    cut = {"shuffle": True, "repeat": True}
    augment = pipeline.augmentation(**AUGMENTATION)
    sources = {
        "plain": pipeline.batches(data.images, data.masks, options.batch, **cut),
        "augmented": pipeline.batches(
            data.images, data.masks, options.batch, augment=augment, **cut
        ),
    }
    kept = sources["plain"].take(1).cache().repeat()
    for name, batches in sources.items():
        waiting, total = share_in_a_loop(model, batches, options.steps)
        print(
            f"loop, {name}: {waiting / options.steps * 1e3:.1f} of "
            f"{total / options.steps * 1e3:.1f} ms a step wait for data: {waiting / total:.1%}"
        )

    def fitting(batches):
        return lambda: model.fit(batches, steps_per_epoch=options.steps, verbose=0)

    contestants = {name: fitting(batches) for name, batches in (sources | {"kept": kept}).items()}
    clock = time.process_time if options.processor_time else time.perf_counter
    seconds = interleaved(contestants, options.rounds, clock=clock)
    for name in sources:
        share = 1 - seconds["kept"] / seconds[name]
        print(
            f"fit, {name}: {seconds[name] / options.steps * 1e3:.1f} ms a step against "
            f"{seconds['kept'] / options.steps * 1e3:.1f} ms on one batch in memory: {share:.1%}"
        )


if __name__ == "__main__":
    main()
