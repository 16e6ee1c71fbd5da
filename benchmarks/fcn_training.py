"""How fast the FCN of chapter 02 trains, against the same network in PyTorch at its best.

    pip install torch        # a CPU build is enough; the course itself never needs it
    python benchmarks/fcn_training.py

Keras runs what the chapter runs: `course_utils.models.fcn`, binary cross entropy from logits, Adam,
batches drawn and shuffled by `course_utils.pipeline`, mean and class IoU counted at every step,
all through `fit`. PyTorch gets every advantage: its batch lies ready in memory, channels last, it
counts no metric, its Adam is the fused one, and it is timed in float32 and bfloat16, plain and
through `torch.compile`; the fastest of them is what Keras is held against. Before any timing the
two networks get the same weights and must give the same logits and the same loss.

Two more things that PyTorch gains from, and that a plain script has not:

- The transposed convolution in float32 while the rest is bfloat16 ("end in float32"), because
  oneDNN's bfloat16 kernel for a stride of 16 is several times slower than its float32 one.
- glibc keeps freed memory instead of giving it back to the system. By default PyTorch gets every
  large tensor as fresh pages; TensorFlow has a pool of its own. `--plain-malloc` leaves this out.

On a machine that other programs use as well, `--one-thread` holds both to one thread and counts
the processor's seconds instead of the clock's: other programs change those far less.
"""

import argparse
import sys
from functools import partial

from _common import interleaved, training_images

try:
    import torch
    from torch import nn
    from torch.nn import functional
except ImportError:
    sys.exit("This benchmark compares with PyTorch, which is not here: pip install torch")

from _training import POLICIES, print_speeds, start, torch_batch, torch_contestant, torch_steps

# Precision of PyTorch's convolutions, of its transposed convolution, and torch.compile or not.
TORCH = (
    ("float32", "float32", False),
    ("float32", "float32", True),
    ("bfloat16", "bfloat16", False),
    ("bfloat16", "float32", False),
    ("bfloat16", "float32", True),
)


class TorchFCN(nn.Module):
    """`course_utils.models.fcn` in PyTorch, padded as Keras's "same" pads."""

    def __init__(self, channels=(64, 128, 128, 128, 128), end="float32"):
        super().__init__()
        self.end = end
        self.conv1 = nn.Conv2d(1, channels[0], 5, stride=2)
        self.conv2 = nn.Conv2d(channels[0], channels[1], 5, stride=2)
        self.conv3 = nn.Conv2d(channels[1], channels[2], 3, padding=1)
        self.conv4 = nn.Conv2d(channels[2], channels[3], 3, padding=1)
        self.conv5 = nn.Conv2d(channels[3], channels[4], 1)
        self.transposed = nn.ConvTranspose2d(channels[4], 1, 32, stride=16, padding=8)

    def forward(self, x):
        """Logits [N, 1, H, W] for images [N, 1, H, W]."""
        for conv in (self.conv1, self.conv2):
            # One row above, two below: PyTorch's own padding="same" knows no strides.
            x = functional.max_pool2d(functional.relu(conv(functional.pad(x, (1, 2, 1, 2)))), 2)
        for conv in (self.conv3, self.conv4, self.conv5):
            x = functional.relu(conv(x))
        if self.end == "bfloat16":
            return self.transposed(x)
        with torch.autocast("cpu", enabled=False):
            return self.transposed(x.float())


def copy_weights(keras_model, torch_model):
    """Give the PyTorch network the weights of the Keras one."""
    for name, layer in torch_model.named_children():
        kernel, bias = keras_model.get_layer(name).get_weights()
        # Keras: height, width, in, out (transposed: out, in). PyTorch: the other way round.
        layer.weight.data.copy_(torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy()))
        layer.bias.data.copy_(torch.from_numpy(bias))


def torch_loss(logits, y):
    """Binary cross entropy from logits, in float32."""
    return functional.binary_cross_entropy_with_logits(logits.float(), y)


def prove_equal(images, masks):
    """Check that both networks compute the same function and the same loss.

    Raises
    ------
    RuntimeError
        If they do not.
    """
    import keras
    import numpy as np

    from course_utils import models

    keras.mixed_precision.set_global_policy("float32")
    model, twin = models.fcn(kernel_initializer="he_normal"), TorchFCN()
    copy_weights(model, twin)
    logits = np.asarray(model(images.astype("float32") / 255))
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    x, y = torch_batch(images, masks)
    with torch.no_grad():
        twin_logits = twin(x)
        twin_loss = torch_loss(twin_logits, y).item()
    furthest = abs(logits - twin_logits.permute(0, 2, 3, 1).numpy()).max()
    losses = float(loss(masks[..., None].astype("float32"), logits)), twin_loss
    if furthest > 1e-4 * abs(logits).max() or not np.isclose(*losses, rtol=1e-4):
        raise RuntimeError(f"not the same network: logits {furthest} apart, losses {losses}")
    print(
        f"same weights: logits up to {abs(logits).max():.2f}, at most {furthest:.1e} apart; "
        f"losses {losses[0]:.6f} and {losses[1]:.6f}"
    )


def keras_training(data, batch_size, steps, policy):
    """Return a function that trains the chapter's FCN for some steps."""
    import keras

    from course_utils import models, pipeline
    from course_utils.keras_metrics import ClassIoU, MeanIoU

    keras.mixed_precision.set_global_policy(policy)
    model = models.fcn()
    model.compile(
        keras.optimizers.Adam(),
        keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[MeanIoU(), ClassIoU(1, name="lv_iou")],
    )
    batches = pipeline.batches(data.images, data.masks, batch_size, shuffle=True, repeat=True)
    model.fit(batches, steps_per_epoch=1, verbose=0)
    return lambda: model.fit(batches, steps_per_epoch=steps, verbose=0)


def torch_training(data, batch_size, steps, precision, end, compiled):
    """Return a function that trains the same network in PyTorch for some steps."""
    chosen = [i % len(data) for i in range(batch_size)]
    x, y = torch_batch(data.images[chosen], data.masks[chosen])
    model = TorchFCN(end=end).to(memory_format=torch.channels_last)
    return torch_steps(model, torch_loss, x, y, steps, precision, compiled)


def compare(data, batch_size, images, rounds, clock):
    """Time all contestants at one batch size and print images a second and the ratio."""
    steps = max(1, images // batch_size)
    contestants = {}
    for policy in POLICIES:
        contestants[f"Keras {policy}"] = keras_training(data, batch_size, steps, policy)
    for precision, end, compiled in TORCH:
        name = f"{precision}{f', end in {end}' * (end != precision)}"
        make = partial(torch_training, data, batch_size, steps, precision, end, compiled)
        contestants |= torch_contestant(name, make, compiled)
    seconds = interleaved(contestants, rounds, warm_up=False, clock=clock)
    print(f"batch {batch_size}, {rounds} rounds of {steps} steps")
    print_speeds(seconds, steps * batch_size, clock)


def main():
    """Compare at each batch size."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--batches", type=int, nargs="+", default=[8, 16, 128])
    parser.add_argument("--images", type=int, default=256, help="images a round")
    parser.add_argument("--rounds", type=int, default=5)
    options, clock = start(parser, "tensorflow", "keras", "torch")
    data = training_images()
    prove_equal(data.images[:4], data.masks[:4])
    for batch_size in options.batches:
        compare(data, batch_size, options.images, options.rounds, clock)


if __name__ == "__main__":
    main()
