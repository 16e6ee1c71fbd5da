"""Draw the README's picture: three made-up images, the answers of three networks, and the truth.

    .venv/bin/python tools/overview.py        some six minutes of two processor cores

Each network is a small U-Net trained on the showcase profile's made-up images; the images drawn
are among the fifth that it has not seen, and are the typical ones: by mean IoU in the middle.
"""

import dataclasses
from pathlib import Path

import keras
import numpy as np

from course_utils import losses, metrics, models, pipeline, runtime
from course_utils.datasets import dsb2018, stanford_background, sunnybrook
from course_utils.plotting import masks as drawing
from course_utils.plotting import style
from course_utils.training import Progress, make_optimizer

OUTPUT = Path(__file__).resolve().parents[1] / "docs" / "overview.png"
STEPS, FILTERS, SEED = 400, (16, 32, 64, 128), 0


def load(chapter):
    """Return the made-up data of a chapter."""
    folder = runtime.start(chapter, profile="showcase").data_dir
    if chapter == "03_mri_unet":
        hearts, middle = sunnybrook.load("train", folder), np.s_[:, 64:192, 64:192]
        images, masks = hearts.images[middle], hearts.masks[middle]
        return dataclasses.replace(hearts, images=images, masks=masks)
    if chapter == "06_dsb2018_unetpp":
        return dsb2018.load((128, 128), folder)
    return stanford_background.load("regions", (96, 128), folder)


def answer(data):
    """Train a network on four fifths of the data; return a typical picture of the rest.

    Returns
    -------
    image, prediction, truth : arrays [H, W, C] and [H, W]
    """
    keras.utils.set_random_seed(SEED)
    order = np.random.default_rng(SEED).permutation(len(data))
    unseen, seen = (data.subset(part) for part in np.split(order, [len(data) // 5]))
    n_classes = len(data.class_names)
    model = models.unet(data.images.shape[1:], filters=FILTERS, classes=n_classes)
    loss = losses.WeightedCrossentropy([1] * n_classes)
    model.compile(make_optimizer(2e-3, STEPS, average=True), loss)
    batches = pipeline.batches(seen.images, seen.masks, 8, shuffle=True, repeat=True, seed=SEED)
    watching = [Progress(), keras.callbacks.SwapEMAWeights()]
    plan = {"epochs": 10, "steps_per_epoch": STEPS // 10, "verbose": 0}
    model.fit(batches, callbacks=watching, **plan)
    found = model.predict(unseen.images / np.float32(255), batch_size=8, verbose=0).argmax(-1)
    pairs = zip(unseen.masks, found.astype(np.uint8), strict=True)
    scores = [metrics.mean_iou(metrics.confusion_matrix(*pair, n_classes)) for pair in pairs]
    print(f"mean IoU {np.mean(scores):.3f} over {len(unseen)} pictures that were not learned")
    chosen = np.argsort(scores)[len(scores) // 2]
    return unseen.images[chosen], found[chosen].astype(np.uint8), unseen.masks[chosen]


def draw(column, title, picture, *masks, class_names):
    """Fill a column of axes: the picture, and each mask over it."""
    drawing.draw_image(column[0], style.as_image(picture))
    column[0].set_title(title, fontsize=9)
    for ax, mask in zip(column[1:], masks, strict=True):
        if len(class_names) == 2:
            drawing.overlay(ax, picture, mask)
        else:
            drawing.class_map(ax, mask, class_names, image=picture)


def main():
    """Train, draw, save."""
    chapters = {
        "heart MRI: the left ventricle": "03_mri_unet",
        "cell nuclei": "06_dsb2018_unetpp",
        "outdoor scenes": "04_stanford_labels_and_scores",
    }
    ratios = {"width_ratios": (1, 1, 4 / 3)}
    figure, axes = style.new_figure(3, 3, height=6.6, width=8.6, gridspec_kw=ratios)
    for column, (title, chapter) in zip(axes.T, chapters.items(), strict=True):
        data = load(chapter)
        draw(column, title, *answer(data), class_names=data.class_names)
    for ax, row in zip(axes[:, 0], ("image", "a network's answer", "truth"), strict=True):
        ax.set_ylabel(row)
    OUTPUT.write_bytes(style.png(figure, bbox_inches="tight"))


if __name__ == "__main__":
    main()
