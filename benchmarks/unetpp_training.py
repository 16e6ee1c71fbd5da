"""How fast U-Net and UNet++ of chapter 06 train, against the same networks in PyTorch at its best.

    pip install torch        # a CPU build is enough; the course itself never needs it
    python benchmarks/unetpp_training.py

Keras trains `course_utils.models.unet` and `course_utils.models.unetpp`, the latter plain and
deeply supervised, as the chapter does: images of 96 × 96, batches drawn and shuffled by
`course_utils.pipeline`, `BinaryCrossentropyDice`, Adam(3e-4), mean IoU counted at every step (of
the last output, where there are four), all through `fit`. PyTorch gets every advantage: its batch
lies ready in memory, channels last, it counts no metric, its Adam is the fused one, its ReLU works
in place, under bfloat16 its interpolation and its logits are bfloat16 too, glibc keeps freed memory
for it (`--plain-malloc` leaves that out), and it is timed in float32 and bfloat16, plain and
through `torch.compile` (which builds for minutes; `--no-compile` leaves it out). The fastest of
them is what Keras is held against.

Before any timing the two get the same weights, moving statistics included, and must have as many
trainable parameters, the same logits, by moving statistics and by the batch's, and the same loss.
At 32 channels the parameters must be those of the article that the chapter follows.

The images are made-up nuclei, the same 32 over and over: what they show does not change the time.

On a machine that other programs use as well, `--one-thread` holds both to one thread and counts
the processor's seconds instead of the clock's: other programs change those far less.
"""

import argparse
import math
import sys
from functools import partial

from _common import interleaved, share_of_others

try:
    import torch
except ImportError as error:
    sys.exit(
        f"This benchmark compares with PyTorch, which is not here ({error}): pip install torch"
    )

from _training import POLICIES, print_speeds, start, torch_batch, torch_contestant, torch_steps
from _unetpp_torch import TorchUNet, TorchUNetPP, copy_weights, torch_loss

# Precision of PyTorch, and torch.compile or not.
TORCH = (("float32", False), ("float32", True), ("bfloat16", False), ("bfloat16", True))
# Trainable parameters with filters 32-64-128-256-512 on three channels.
NETWORKS = {"unet": 7_852_545, "unetpp": 9_163_329, "unetpp-deep": 9_163_428}
SIDE = 96


def filters(width):
    """Channels of the five levels."""
    return tuple(width * 2**level for level in range(5))


def torch_network(network, width):
    """The network in PyTorch, from random weights, channels last."""
    if network == "unet":
        twin = TorchUNet(filters(width))
    else:
        twin = TorchUNetPP(filters(width), network == "unetpp-deep")
    return twin.to(memory_format=torch.channels_last)


def keras_network(network, width, side=SIDE):
    """The chapter's network."""
    from course_utils import models

    options = {"input_shape": (side, side, 3), "filters": filters(width)}
    if network == "unet":
        return models.unet(**options)
    return models.unetpp(**options, deep_supervision=network == "unetpp-deep")


def made_up_nuclei(n_images=32, side=SIDE, seed=0):
    """Draw images [N, H, W, 3] and masks [N, H, W] of 0 and 1."""
    import numpy as np

    from course_utils.datasets import samples

    rng = np.random.default_rng(seed)
    fields = [samples.nuclei(rng, side, side) for _ in range(n_images)]
    images, instances = map(np.stack, zip(*fields, strict=True))
    return images, (instances > 0).astype(np.uint8)


def prove_alike(network, width=32, side=SIDE, n_images=4):
    """Check that both have as many parameters and compute the same logits and the same loss.

    Raises
    ------
    RuntimeError
        If they do not.
    """
    import keras
    import numpy as np

    from course_utils import losses

    keras.mixed_precision.set_global_policy("float32")
    keras.utils.set_random_seed(0)
    model, twin = keras_network(network, width, side), torch_network(network, width)
    parameters = (
        sum(math.prod(weight.shape) for weight in model.trainable_weights),
        sum(weight.numel() for weight in twin.parameters()),
    )
    if len({*parameters, NETWORKS[network] if width == 32 else parameters[0]}) != 1:
        raise RuntimeError(
            f"{network}: not the same network: Keras has {parameters[0]:,} trainable parameters, "
            f"PyTorch {parameters[1]:,}" + f", the article {NETWORKS[network]:,}" * (width == 32)
        )
    rng = np.random.default_rng(0)
    for weight in model.weights:  # else biases and shifts are all 0, scales and variances all 1
        if len(weight.shape) == 1:
            weight.assign(weight + rng.uniform(0, 0.5, weight.shape))
    copy_weights(model, twin)

    images, masks = made_up_nuclei(n_images, side)
    x, y = torch_batch(images, masks)
    loss = losses.BinaryCrossentropyDice()
    print(f"{network}, width {width}: {parameters[0]:,} trainable parameters each")
    for training in (False, True):
        outputs = model(images.astype("float32") / 255, training=training)
        outputs = outputs if isinstance(outputs, list) else [outputs]
        with torch.no_grad():
            twin_outputs = twin.train(training)(x)
            pair = (
                float(np.mean([loss(masks[..., None], logits) for logits in outputs])),
                torch_loss(twin_outputs, y).item(),
            )
        logits = np.stack(outputs)
        twin_logits = torch.stack(twin_outputs).permute(0, 1, 3, 4, 2).numpy()
        furthest = abs(logits - twin_logits).max()
        # Dividing by a batch's deviation magnifies rounding errors.
        allowed = (1e-3 if training else 1e-4) * abs(logits).max()
        if not (furthest < allowed and np.isclose(*pair, rtol=1e-4)):
            raise RuntimeError(
                f"{network}: not the same network: logits {furthest} apart, losses {pair}"
            )
        print(
            f"    {'training ' if training else 'inference'}: logits up to "
            f"{abs(logits).max():.2f}, at most {furthest:.1e} apart; "
            f"losses {pair[0]:.6f} and {pair[1]:.6f}"
        )


def keras_training(network, options, images, masks, policy):
    """Return a function that trains the chapter's network for some steps."""
    import keras

    from course_utils import losses, pipeline
    from course_utils.keras_metrics import MeanIoU

    keras.mixed_precision.set_global_policy(policy)
    model = keras_network(network, options.width)
    outputs = len(model.outputs)
    model.compile(
        keras.optimizers.Adam(3e-4),
        [losses.BinaryCrossentropyDice() for _ in range(outputs)],
        loss_weights=[1 / outputs] * outputs,
        metrics={model.output_names[-1]: [MeanIoU()]},
    )
    batches = pipeline.batches(images, masks, options.batch, shuffle=True, repeat=True)
    batches = batches.map(lambda images, masks: (images, (masks,) * outputs))
    model.fit(batches, steps_per_epoch=1, verbose=0)
    return lambda: model.fit(batches, steps_per_epoch=options.steps, verbose=0)


def torch_training(network, options, images, masks, precision, compiled):
    """Return a function that trains the same network in PyTorch for some steps."""
    chosen = [i % len(images) for i in range(options.batch)]
    x, y = torch_batch(images[chosen], masks[chosen])
    model = torch_network(network, options.width).train()
    return torch_steps(model, torch_loss, x, y, options.steps, precision, compiled, 3e-4)


def compare(network, options, clock):
    """Time all contestants on one network; print images a second, the ratio, and who disturbed."""
    job = (network, options, *made_up_nuclei())
    contestants = {f"Keras {policy}": keras_training(*job, policy) for policy in POLICIES}
    for precision, compiled in TORCH:
        if not (compiled and options.no_compile):
            make = partial(torch_training, *job, precision, compiled)
            contestants |= torch_contestant(precision, make, compiled)
    share_since = share_of_others()
    seconds = interleaved(contestants, options.rounds, warm_up=False, clock=clock)
    share = share_since()
    print(f"    batch {options.batch}, {options.rounds} rounds of {options.steps} steps")
    print_speeds(seconds, options.steps * options.batch, clock)
    others = "an unknown share" if share is None else f"{share:.0%}"
    print(f"    other programs took {others} of the processor meanwhile", flush=True)


def main():
    """Compare on each network."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--width", type=int, default=32, help="channels of the first level")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=4, help="steps a round")
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    options, clock = start(parser, "tensorflow", "keras", "torch")
    for network in options.networks:
        prove_alike(network, options.width)
        compare(network, options, clock)


if __name__ == "__main__":
    main()
