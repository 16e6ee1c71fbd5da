"""How fast a U-Net of chapter 05 trains, against the same design in PyTorch at its best.

    pip install torch torchvision segmentation-models-pytorch   # the course never needs them
    python benchmarks/unet_training.py

Keras trains `segmentation_models.Unet("resnet34")` as the chapter does: cross entropy from logits
with unknown pixels left out, Adam, batches drawn and shuffled by `course_utils.pipeline`, mean IoU
counted at every step, all through `fit`. PyTorch trains `segmentation_models_pytorch.Unet` with the
same encoder and decoder, and gets every advantage: its batch lies ready in memory, channels last,
it counts no metric, its Adam is the fused one, glibc keeps freed memory for it (`--plain-malloc`
leaves that out), and it is timed in float32 and bfloat16, plain and through `torch.compile`; the
fastest of them is what Keras is held against. Both start from random weights, on made-up images.

The two are different libraries' networks, so their logits cannot be compared. What costs time can:
before any timing the convolutions of both are laid side by side, kernel by kernel and size by size.
Keras's ResNet-34 normalises before each convolution and not after it. Therefore it has one small
convolution more, in the first shortcut, and its batch normalisations sit elsewhere; all else must
be equal.

On a machine that other programs use as well, `--one-thread` holds both to one thread and counts
the processor's seconds instead of the clock's: other programs change those far less.
"""

import argparse
import math
import os
import sys
from collections import Counter
from functools import partial

from _common import interleaved

try:
    import segmentation_models_pytorch as smp
    import torch
    from torch.nn import functional
except ImportError as error:
    sys.exit(
        "This benchmark compares with PyTorch and segmentation-models-pytorch, and one of them is "
        f"not here ({error}): pip install torch torchvision segmentation-models-pytorch"
    )
except RuntimeError as error:  # what torchvision raises if it was built for another PyTorch
    sys.exit(f"PyTorch and torchvision do not fit together, install both anew: {error}")

from _training import POLICIES, print_speeds, start, torch_batch, torch_contestant, torch_steps

# Precision of PyTorch, and torch.compile or not.
TORCH = (("float32", False), ("float32", True), ("bfloat16", False), ("bfloat16", True))
ENCODER = "resnet34"
DECODER = (256, 128, 64, 32, 16)
CLASSES = 3


def size(text):
    """Height and width from "96x128"; both must be multiples of 32."""
    try:
        height, width = map(int, text.split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected such as 96x128, got {text}") from None
    if min(height, width) < 32 or height % 32 or width % 32:
        raise argparse.ArgumentTypeError(f"height and width must be multiples of 32, got {text}")
    return height, width


def made_up_scenes(size, n_images=32, seed=0):
    """Draw images [N, H, W, 3] and masks [N, H, W] in blocks, one pixel in twenty unknown."""
    import numpy as np

    from course_utils.datasets import IGNORE

    rng = np.random.default_rng(seed)
    height, width = size
    blocks = rng.integers(0, CLASSES, (n_images, height // 16, width // 16), dtype=np.uint8)
    masks = blocks.repeat(16, axis=1).repeat(16, axis=2)
    noise = rng.integers(0, 86, (*masks.shape, 3), dtype=np.uint8)
    images = noise + 80 * masks[..., np.newaxis]
    masks[rng.random(masks.shape) < 0.05] = IGNORE
    return images, masks


def keras_unet(size):
    """The chapter's U-Net, from random weights."""
    os.environ["SM_FRAMEWORK"] = "tf.keras"
    import segmentation_models as sm

    return sm.Unet(
        ENCODER,
        input_shape=(*size, 3),
        classes=CLASSES,
        activation="linear",  # logits
        encoder_weights=None,
        decoder_filters=DECODER,
    )


def torch_unet():
    """The same design in PyTorch, from random weights, channels last."""
    unet = smp.Unet(ENCODER, encoder_weights=None, decoder_channels=DECODER, classes=CLASSES)
    return unet.to(memory_format=torch.channels_last)


def keras_convolutions(model):
    """Count the convolutions by (kernel height, width, in, out, output height, width)."""
    import keras

    found = (layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    return Counter((*layer.kernel.shape, *layer.output.shape[1:3]) for layer in found)


def torch_convolutions(model, size):
    """Count the convolutions in the same way."""
    found = Counter()

    def note(layer, _, output):
        channels_out, channels_in, *kernel = layer.weight.shape
        found[(*kernel, channels_in, channels_out, *output.shape[2:])] += 1

    convolutions = [m for m in model.modules() if isinstance(m, torch.nn.Conv2d)]
    hooks = [layer.register_forward_hook(note) for layer in convolutions]
    with torch.no_grad():
        model.eval()(torch.zeros(1, 3, *size))
    for hook in hooks:
        hook.remove()
    return found


def prove_alike(size):
    """Print parameters and multiplications of both, and check that the convolutions are equal.

    Raises
    ------
    RuntimeError
        If they differ in anything but the first shortcut.
    """
    model, twin = keras_unet(size), torch_unet()
    convolutions = {
        "Keras": keras_convolutions(model),
        "PyTorch": torch_convolutions(twin, size),
    }
    parameters = {
        "Keras": sum(math.prod(weight.shape) for weight in model.trainable_weights),
        "PyTorch": sum(weight.numel() for weight in twin.parameters()),
    }
    print(f"{size[0]} x {size[1]}")
    for name, shapes in convolutions.items():
        kernels = sum(math.prod(shape[:4]) * count for shape, count in shapes.items())
        products = sum(math.prod(shape) * count for shape, count in shapes.items())
        print(
            f"    {name:8} {parameters[name]:,} trainable parameters, {kernels:,} of them in the "
            f"kernels of {shapes.total()} convolutions: {products / 1e9:.3f} billion "
            "multiplications an image"
        )
    shortcut = Counter([(1, 1, 64, 64, size[0] // 4, size[1] // 4)])
    if convolutions["Keras"] != convolutions["PyTorch"] + shortcut:
        only = {
            "Keras": convolutions["Keras"] - convolutions["PyTorch"],
            "PyTorch": convolutions["PyTorch"] - convolutions["Keras"],
        }
        raise RuntimeError(f"not the same design: convolutions that only one has: {only}")
    print(
        "    Keras has one convolution more (1 x 1, the first shortcut), and its batch\n"
        "    normalisations come before the convolutions; all other convolutions are equal"
    )


def keras_training(images, masks, batch_size, steps, policy):
    """Return a function that trains the chapter's U-Net for some steps."""
    import keras
    import segmentation_models as sm

    from course_utils import pipeline
    from course_utils.datasets import IGNORE
    from course_utils.keras_metrics import MeanIoU

    keras.mixed_precision.set_global_policy(policy)
    model = keras_unet(images.shape[1:3])
    model.compile(
        keras.optimizers.Adam(),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=IGNORE),
        metrics=[MeanIoU(CLASSES)],
    )
    preprocess = sm.get_preprocessing(ENCODER)
    batches = pipeline.batches(images, masks, batch_size, shuffle=True, repeat=True)
    batches = batches.map(lambda images, masks: (preprocess(255 * images), masks))
    model.fit(batches, steps_per_epoch=1, verbose=0)
    return lambda: model.fit(batches, steps_per_epoch=steps, verbose=0)


def torch_training(images, masks, batch_size, steps, precision, compiled):
    """Return a function that trains the same design in PyTorch for some steps."""
    from course_utils.datasets import IGNORE

    chosen = [i % len(images) for i in range(batch_size)]
    x, _ = torch_batch(images[chosen], masks[chosen])
    y = torch.from_numpy(masks[chosen]).long()

    def loss(logits, y):
        return functional.cross_entropy(logits.float(), y, ignore_index=IGNORE)

    return torch_steps(torch_unet().train(), loss, x, y, steps, precision, compiled)


def compare(size, options, clock):
    """Time all contestants at one size and print images a second and the ratio."""
    images, masks = made_up_scenes(size)
    steps = max(1, options.images // options.batch)
    job = images, masks, options.batch, steps
    contestants = {f"Keras {policy}": keras_training(*job, policy) for policy in POLICIES}
    for precision, compiled in TORCH:
        if not (compiled and options.no_compile):
            make = partial(torch_training, *job, precision, compiled)
            contestants |= torch_contestant(precision, make, compiled)
    seconds = interleaved(contestants, options.rounds, warm_up=False, clock=clock)
    print(f"    batch {options.batch}, {options.rounds} rounds of {steps} steps")
    print_speeds(seconds, steps * options.batch, clock)


def main():
    """Compare at each size."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--size", type=size, nargs="+", default=[(96, 128)], help="such as 96x128 224x224"
    )
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--images", type=int, default=64, help="images a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    packages = "segmentation-models", "torch", "segmentation-models-pytorch"
    options, clock = start(parser, "tensorflow", "keras", *packages)
    for height_width in options.size:
        prove_alike(height_width)
        compare(height_width, options, clock)


if __name__ == "__main__":
    main()
