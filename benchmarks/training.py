"""How fast the course's networks train, against the same networks in PyTorch at its best.

    pip install torch                         # a CPU build is enough; the course never needs it
    pip install segmentation-models-pytorch   # for --networks resnet34 only
    python benchmarks/training.py --networks fcn unet unetpp unetpp-deep

Keras trains as the chapters do: batches drawn and shuffled by `course_utils.pipeline`, Adam, mean
IoU counted at every step, all through `fit`. PyTorch gets every advantage: its batch lies ready in
memory, channels last, it counts no metric, its Adam is the fused one, glibc keeps freed memory for
it, and it is timed in float32 and in bfloat16, by `--compile` through `torch.compile` as well; the
fastest of them is what Keras is held against. Both train on made-up images: what they show does not
change the time.

Before any timing the two get the same weights and must give the same logits and the same loss. The
U-Net with a ResNet-34 encoder of chapter 05 comes from two libraries, whose networks are alike but
not equal; of it the convolutions are compared, kernel by kernel and size by size.

On a machine that other programs use as well, `--one-thread` holds both to one thread and counts
the processor's seconds instead of the clock's: other programs change those far less.
"""

import argparse
import ctypes
import os
import sys
import time
from collections import Counter

from common import heading, interleaved

try:
    import torch
    import torch._dynamo  # else imported by the optimizer, where Triton crashes after TensorFlow
    from torch import nn
    from torch.nn import functional
except ImportError as error:
    sys.exit(
        f"This benchmark compares with PyTorch, which is not here ({error}): pip install torch"
    )

try:
    import segmentation_models_pytorch as smp
except ImportError:
    smp = None  # not needed but for resnet34; like PyTorch itself to be imported before TensorFlow

import keras
import numpy as np

from course_utils import environment, losses, models, pipeline
from course_utils.datasets import IGNORE
from course_utils.keras_metrics import MeanIoU

FILTERS = (32, 64, 128, 256, 512)
# Height, width, channels of the images; images per batch; classes.
NETWORKS = {
    "fcn": ((256, 256, 1), 8, 2),
    "unet": ((96, 96, 3), 16, 2),
    "unetpp": ((96, 96, 3), 16, 2),
    "unetpp-deep": ((96, 96, 3), 16, 2),
    "resnet34": ((96, 128, 3), 8, 3),
}

# The same networks and losses in both; children in PyTorch have the names of Keras's blocks


def keras_network(name):
    """Build the chapter's network, from random weights."""
    shape, _, classes = NETWORKS[name]
    if name == "fcn":
        return models.fcn(input_shape=shape, kernel_initializer="he_normal")
    if name == "unet":
        return models.unet(shape, filters=FILTERS)
    if name == "resnet34":
        os.environ["SM_FRAMEWORK"] = "tf.keras"
        import segmentation_models as sm

        options = {"classes": classes, "activation": "linear", "encoder_weights": None}
        return sm.Unet(name, input_shape=shape, **options)
    return models.unetpp(shape, filters=FILTERS, deep_supervision=name == "unetpp-deep")


def torch_network(name):
    """Build the same in PyTorch, channels last."""
    if name == "resnet34":
        if smp is None:
            sys.exit("resnet34 needs: pip install torchvision segmentation-models-pytorch")
        network = smp.Unet(name, encoder_weights=None, classes=NETWORKS[name][2])
    elif name == "fcn":
        network = TorchFCN()
    elif name == "unet":
        network = TorchUNet(FILTERS)
    else:
        network = TorchUNetPP(FILTERS, deep_supervision=name == "unetpp-deep")
    return network.to(memory_format=torch.channels_last)


def keras_loss(name):
    """Return the loss of one output."""
    if name == "fcn":
        return keras.losses.BinaryCrossentropy(from_logits=True)
    if name == "resnet34":
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=IGNORE)
    return losses.BinaryCrossentropyDice()


def torch_loss(name, outputs, y):
    """Return the mean of the same loss over the outputs, in float32."""
    total = 0
    for logits in outputs:
        logits = logits.float()
        if name == "resnet34":
            total += functional.cross_entropy(logits, y[:, 0].long(), ignore_index=IGNORE)
            continue
        crossentropy = functional.binary_cross_entropy_with_logits(logits, y)
        if name == "fcn":
            total += crossentropy
        else:
            p, axes = logits.sigmoid(), (1, 2, 3)
            dice = (2 * (p * y).sum(axes) + 1e-5) / (p.sum(axes) + y.sum(axes) + 1e-5)
            total += 0.5 * crossentropy + (1 - dice).mean()
    return total / len(outputs)


class TorchFCN(nn.Module):
    """`course_utils.models.fcn`, padded as Keras's "same" pads."""

    def __init__(self, channels=(64, 128, 128, 128, 128)):
        super().__init__()
        self.conv1 = nn.Conv2d(1, channels[0], 5, stride=2)
        self.conv2 = nn.Conv2d(channels[0], channels[1], 5, stride=2)
        self.conv3 = nn.Conv2d(channels[1], channels[2], 3, padding=1)
        self.conv4 = nn.Conv2d(channels[2], channels[3], 3, padding=1)
        self.conv5 = nn.Conv2d(channels[3], channels[4], 1)
        self.transposed = nn.ConvTranspose2d(channels[4], 1, 32, stride=16, padding=8)

    def forward(self, x):
        """Return a list of one tensor of logits [N, 1, H, W] for images [N, 1, H, W]."""
        for conv in (self.conv1, self.conv2):
            # One row above, two below: PyTorch's own padding="same" knows no strides.
            x = functional.max_pool2d(functional.relu(conv(functional.pad(x, (1, 2, 1, 2)))), 2)
        for conv in (self.conv3, self.conv4, self.conv5):
            x = functional.relu(conv(x))
        # In float32, as in Keras: the bfloat16 kernel for a stride of 16 is five times slower.
        with torch.autocast("cpu", enabled=False):
            return [self.transposed(x.float())]


def block(channels_in, channels):
    """`course_utils.models.vgg_block`."""
    layers = []
    for n in (channels_in, channels):
        layers += [nn.Conv2d(n, channels, 3, padding=1), nn.BatchNorm2d(channels, eps=1e-5)]
        layers += [nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def join(skips, below):
    """Concatenate the skips and, after them, the map from below at twice its size."""
    above = functional.interpolate(below, scale_factor=2, mode="bilinear", align_corners=False)
    return torch.cat([*skips, above], dim=1)


class TorchUNet(nn.Module):
    """`course_utils.models.unet`."""

    def __init__(self, filters):
        super().__init__()
        self.last = len(filters) - 1
        for i, width in enumerate(filters):
            self.add_module(f"down_{i}", block(filters[i - 1] if i else 3, width))
        for i in reversed(range(self.last)):
            below, width = width, max(width // 2, filters[0])
            self.add_module(f"up_{i}", block(filters[i] + below, width))
        self.logits = nn.Conv2d(width, 1, 1)

    def forward(self, x):
        """Return a list of one tensor of logits [N, 1, H, W] for images [N, 3, H, W]."""
        encoded = []
        for i in range(self.last + 1):
            x = self.get_submodule(f"down_{i}")(functional.max_pool2d(x, 2) if i else x)
            encoded.append(x)
        for i in reversed(range(self.last)):
            x = self.get_submodule(f"up_{i}")(join([encoded[i]], x))
        return [self.logits(x)]


class TorchUNetPP(nn.Module):
    """`course_utils.models.unetpp`."""

    def __init__(self, filters, deep_supervision):
        super().__init__()
        self.last = len(filters) - 1
        self.outputs = range(1 if deep_supervision else self.last, self.last + 1)
        for j in range(self.last + 1):
            for i in range(self.last + 1 - j):
                into = j * filters[i] + filters[i + 1] if j else filters[i - 1] if i else 3
                self.add_module(f"x_{i}_{j}", block(into, filters[i]))
        for j in self.outputs:
            self.add_module(f"out_{j}", nn.Conv2d(filters[0], 1, 1))

    def forward(self, image):
        """Return the logits of X(0, 1) and on, or of the last alone, in a list."""
        x = {}
        for j in range(self.last + 1):
            for i in range(self.last + 1 - j):
                if j:
                    inputs = join([x[i, k] for k in range(j)], x[i + 1, j - 1])
                else:
                    inputs = functional.max_pool2d(x[i - 1, 0], 2) if i else image
                x[i, j] = self.get_submodule(f"x_{i}_{j}")(inputs)
        return [self.get_submodule(f"out_{j}")(x[0, j]) for j in self.outputs]


def copy_weights(model, twin):
    """Give the PyTorch network the weights and the moving statistics of the Keras one."""
    for name, child in twin.named_children():
        pairs = [(name, child)]
        if isinstance(child, nn.Sequential):
            ends = ("conv1", "norm1", None, "conv2", "norm2", None)  # ReLU has nothing to copy
            pairs = [(f"{name}_{end}", m) for end, m in zip(ends, child, strict=True) if end]
        for layer, module in pairs:
            targets = [module.weight, module.bias]
            if isinstance(module, nn.BatchNorm2d):
                targets += [module.running_mean, module.running_var]
            for target, array in zip(targets, model.get_layer(layer).get_weights(), strict=True):
                if array.ndim == 4:  # Keras: height, width, in, out (transposed: out, in)
                    array = array.transpose(3, 2, 0, 1).copy()
                target.data.copy_(torch.from_numpy(array))


# Like with like


def made_up(name, n_images=32):
    """Draw images [N, H, W, C] and masks [N, H, W] in blocks of a class."""
    (height, width, channels), _, classes = NETWORKS[name]
    rng = np.random.default_rng(0)
    blocks = rng.integers(0, classes, (n_images, height // 16, width // 16), dtype=np.uint8)
    masks = blocks.repeat(16, axis=1).repeat(16, axis=2)
    noise = rng.integers(0, 86, (*masks.shape, channels), dtype=np.uint8)
    return noise + 80 * masks[..., np.newaxis], masks


def torch_batch(images, masks):
    """Return images and masks as PyTorch likes them best: float32, channels last."""
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    return x.to(memory_format=torch.channels_last), torch.from_numpy(masks)[:, None].float()


def prove_equal(name):
    """Check that both compute the same logits and the same loss; RuntimeError if not."""
    keras.utils.set_random_seed(0)
    model, twin = keras_network(name), torch_network(name).eval()
    rng = np.random.default_rng(0)
    for weight in model.weights:  # else biases and shifts are all 0, scales and variances all 1
        if len(weight.shape) == 1:
            weight.assign(weight + rng.uniform(0, 0.5, weight.shape))
    copy_weights(model, twin)
    images, masks = made_up(name, 4)
    outputs = model(images.astype("float32") / 255)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    loss, (x, y) = keras_loss(name), torch_batch(images, masks)
    truth = masks[..., np.newaxis].astype("float32")
    with torch.no_grad():
        twins = twin(x)
        pair = np.mean([loss(truth, o) for o in outputs]), torch_loss(name, twins, y).item()
    logits, twins = np.stack(outputs), torch.stack(twins).permute(0, 1, 3, 4, 2).numpy()
    furthest, largest = abs(logits - twins).max(), abs(logits).max()
    if not (furthest < 1e-4 * largest and np.isclose(*pair, rtol=1e-4)):
        raise RuntimeError(f"{name}: not the same network: logits {furthest} apart, losses {pair}")
    print(
        f"{name}: logits up to {largest:.2f}, at most {furthest:.1e} apart; losses {pair[0]:.6f} "
        f"and {pair[1]:.6f}"
    )


def prove_alike(name):
    """Check that both have the same convolutions; RuntimeError if not.

    Keras's ResNet-34 normalises before each convolution and not after it. Therefore it has one
    small convolution more, in the first shortcut, and its batch normalizations sit elsewhere.
    """
    model, twin, (height, width, _) = keras_network(name), torch_network(name), NETWORKS[name][0]
    ours = Counter(
        (*layer.kernel.shape, *layer.output.shape[1:3])
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D)
    )
    theirs = Counter([(1, 1, 64, 64, height // 4, width // 4)])

    def note(layer, _, output):
        channels_out, channels_in, *kernel = layer.weight.shape
        theirs[(*kernel, channels_in, channels_out, *output.shape[2:])] += 1

    for module in twin.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(note)
    with torch.no_grad():
        twin.eval()(torch.zeros(1, 3, height, width))
    if ours != theirs:
        raise RuntimeError(f"{name}: only Keras has {ours - theirs}, only PyTorch {theirs - ours}")
    print(f"{name}: {ours.total()} convolutions, all but the first shortcut's in both")


# Timing


def keras_training(name, batch_size, steps, policy):
    """Return a function that trains the chapter's network for some steps."""
    keras.mixed_precision.set_global_policy(policy)
    model, (images, masks) = keras_network(name), made_up(name)
    n = len(model.outputs)
    loss = [keras_loss(name) for _ in range(n)]
    scores = [[]] * (n - 1) + [[MeanIoU(NETWORKS[name][2])]]
    model.compile(keras.optimizers.Adam(3e-4), loss, loss_weights=[1 / n] * n, metrics=scores)
    batches = pipeline.batches(images, masks, batch_size, shuffle=True, repeat=True)
    batches = batches.map(lambda images, masks: (images, (masks,) * n))
    model.fit(batches, steps_per_epoch=1, verbose=0)
    return lambda: model.fit(batches, steps_per_epoch=steps, verbose=0)


def torch_training(name, batch_size, steps, precision, compiled):
    """Return a function that trains the same network in PyTorch on one batch."""
    images, masks = made_up(name, batch_size)
    x, y = torch_batch(images, masks)
    model = torch_network(name).train()
    forward = torch.compile(model) if compiled else model
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-4, eps=1e-7, fused=True)

    def train(steps=steps):
        for _ in range(steps):
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
                outputs = forward(x)
            torch_loss(name, outputs if isinstance(outputs, list) else [outputs], y).backward()
            optimizer.step()

    train(1)
    return train


def compare(name, options, clock):
    """Time all contestants on one network; print images per second and the ratio."""
    keras.mixed_precision.set_global_policy("float32")
    (prove_alike if name == "resnet34" else prove_equal)(name)
    batch_size = options.batch or NETWORKS[name][1]
    job = name, batch_size, options.steps
    precisions = ("float32",) if options.float32 else ("float32", "bfloat16")
    policies = [precision.replace("bf", "mixed_bf") for precision in precisions]
    contestants = {f"Keras {policy}": keras_training(*job, policy) for policy in policies}
    for precision in precisions:
        for compiled in (False, True) if options.compile else (False,):
            how = f"PyTorch {precision}{', compiled' * compiled}"
            contestants[how] = torch_training(*job, precision, compiled)
    seconds = interleaved(contestants, options.rounds, warm_up=False, clock=clock)
    print(f"    batch {batch_size}, {options.rounds} rounds of {options.steps} steps")
    speed = {how: options.steps * batch_size / taken for how, taken in seconds.items()}
    for how, images_per_second in speed.items():
        print(f"    {how:30} {images_per_second:6.1f} images/s")
    ours = f"Keras {policies[0] if options.float32 else environment.precision()}"
    best = max((how for how in speed if how.startswith("PyTorch")), key=speed.get)
    print(f"    {ours} / {best}: {speed[ours] / speed[best]:.2f}", flush=True)


def main():
    """Compare on each network."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=["fcn", "unet"])
    parser.add_argument("--batch", type=int, help="the chapter's, unless told")
    parser.add_argument("--steps", type=int, default=4, help="steps per round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--float32", action="store_true", help="leave out bfloat16")
    parser.add_argument("--compile", action="store_true", help="torch.compile as well: minutes")
    parser.add_argument("--one-thread", action="store_true", help="count processor time")
    options = parser.parse_args()
    if sys.platform == "linux":  # glibc keeps freed memory, however large the blocks
        m_mmap_max, m_trim_threshold, m_top_pad = -4, -1, -2
        for option, value in ((m_mmap_max, 0), (m_trim_threshold, 2**31 - 1), (m_top_pad, 2**27)):
            ctypes.CDLL(None).mallopt(option, value)
    if options.one_thread:
        import tensorflow as tf

        torch.set_num_threads(1)
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    heading("tensorflow", "keras", "torch")
    for name in options.networks:
        compare(name, options, time.process_time if options.one_thread else time.perf_counter)


if __name__ == "__main__":
    main()
