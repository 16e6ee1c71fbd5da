"""The networks of `course_utils.models.unet` and `unetpp`, and their loss, in PyTorch."""

import torch
from torch import nn
from torch.nn import functional


def block(channels_in, channels):
    """`course_utils.models.blocks.vgg_block` in PyTorch."""
    layers = []
    for n in (channels_in, channels):
        layers += [nn.Conv2d(n, channels, 3, padding=1), nn.BatchNorm2d(channels, eps=1e-5)]
        layers += [nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def join(skips, below):
    """Concatenate the skips and, after them, the map from below at twice its size."""
    above = functional.interpolate(below, scale_factor=2, mode="bilinear", align_corners=False)
    return torch.cat([*skips, above], dim=1)


def torch_loss(outputs, y):
    """`course_utils.losses.BinaryCrossentropyDice` in PyTorch, the mean over the outputs."""
    losses = []
    for logits in outputs:
        logits = logits.float()
        p, axes = logits.sigmoid(), (1, 2, 3)
        dice = (2 * (p * y).sum(axes) + 1e-5) / (p.sum(axes) + y.sum(axes) + 1e-5)
        crossentropy = functional.binary_cross_entropy_with_logits(logits, y)
        losses.append(0.5 * crossentropy + (1 - dice).mean())
    return sum(losses) / len(losses)


def copy_weights(model, twin):
    """Give the PyTorch network the weights and the moving statistics of the Keras one."""
    pairs = []
    for name, child in twin.named_children():
        if isinstance(child, nn.Conv2d):
            pairs.append((name, child))
        else:
            ends = ("conv1", "norm1", None, "conv2", "norm2", None)  # ReLU has nothing to copy
            pairs += [(f"{name}_{end}", m) for end, m in zip(ends, child, strict=True) if end]
    for name, module in pairs:
        targets = [module.weight, module.bias]
        if isinstance(module, nn.BatchNorm2d):
            targets += [module.running_mean, module.running_var]
        for target, array in zip(targets, model.get_layer(name).get_weights(), strict=True):
            if array.ndim == 4:  # Keras: height, width, in, out
                array = array.transpose(3, 2, 0, 1).copy()
            target.data.copy_(torch.from_numpy(array))


class TorchUNet(nn.Module):
    """`course_utils.models.unet` in PyTorch; its children have the names of Keras's blocks."""

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
        """A list of logits [N, 1, H, W], here of one, for images [N, 3, H, W]."""
        encoded = []
        for i in range(self.last + 1):
            x = self.get_submodule(f"down_{i}")(functional.max_pool2d(x, 2) if i else x)
            encoded.append(x)
        for i in reversed(range(self.last)):
            x = self.get_submodule(f"up_{i}")(join([encoded[i]], x))
        return [self.logits(x)]


class TorchUNetPP(nn.Module):
    """`course_utils.models.unetpp` in PyTorch; its children have the names of Keras's nodes."""

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
        """Logits of X(0, 1) and on, or of the last alone, in a list; shapes as of `TorchUNet`."""
        x = {}
        for j in range(self.last + 1):
            for i in range(self.last + 1 - j):
                if j:
                    inputs = join([x[i, k] for k in range(j)], x[i + 1, j - 1])
                else:
                    inputs = functional.max_pool2d(x[i - 1, 0], 2) if i else image
                x[i, j] = self.get_submodule(f"x_{i}_{j}")(inputs)
        return [self.get_submodule(f"out_{j}")(x[0, j]) for j in self.outputs]
