"""U-Net and UNet++: layer by layer, node by node, by plain NumPy, and at any size."""

from itertools import chain, pairwise

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from test_models import assert_same_layers, chapter, convolve

from course_utils import models
from course_utils.losses import BinaryCrossentropyDice
from course_utils.models import PadAndConcatenate, PadLike, prune, unet, unetpp

TINY = (3, 4, 5, 6, 7)  # five levels of different widths
THREE = (3, 4, 5)


@pytest.fixture
def set_precision():
    """Restore the precision after the test."""
    before = keras.config.dtype_policy()
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy(before)


def images(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, "float32")


def stir(model, seed=0):
    """Give every weight a value of its own: biases, and what batch normalisation has learnt."""
    rng = np.random.default_rng(seed)
    for w in model.weights:
        if w.name != "kernel":
            w.assign(rng.uniform(0.5, 1.5, w.shape))
    return model


def counted(model):
    """Parameters as the articles count them: without the moving mean and variance."""
    return sum(int(np.prod(w.shape)) for w in model.trainable_weights)


def block_parameters(channels, filters):
    """Two 3x3 convolutions with bias, each with a scale and a shift a channel."""
    return 9 * channels * filters + 9 * filters**2 + 6 * filters


# Counts as published


def test_unet_of_unetpp_on_nuclei():
    model = unet((96, 96, 3), filters=(32, 64, 128, 256, 512))
    assert counted(model) == 7_852_545
    wide = [(512, 256), (256, 128), (128, 64), (64, 32)]
    for i, (below, skip) in enumerate(wide[::-1]):
        assert model.get_layer(f"up_{i}_join").output.shape[-1] == below + skip
        assert model.get_layer(f"up_{i}").output.shape[-1] == skip


def test_unet_with_bilinear_upsampling():
    assert counted(unet((256, 256, 3), classes=2)) == 13_395_394
    by_hand = block_parameters(3, 64) + block_parameters(64, 128) + block_parameters(128, 256)
    by_hand += block_parameters(256, 512) + block_parameters(512, 512)
    by_hand += block_parameters(512 + 512, 256) + block_parameters(256 + 256, 128)
    by_hand += block_parameters(128 + 128, 64) + block_parameters(64 + 64, 64) + 64 * 2 + 2
    assert by_hand == 13_395_394


def test_unet_with_transposed_convolutions():
    filters = (64, 128, 256, 512, 1024)
    model = unet((128, 128, 3), filters=filters, classes=2, upsampling="transposed", l2=0.05)
    expected = block_parameters(3, 64) + 64 * 2 + 2
    for few, many in pairwise(filters):
        expected += block_parameters(few, many) + block_parameters(2 * few, few)
        expected += 2 * 2 * many * few + few
    assert counted(model) == expected == 31_043_586


@pytest.mark.parametrize(("deep", "count"), [(False, 9_163_329), (True, 9_163_428)])
def test_unetpp_on_nuclei(deep, count):
    assert counted(unetpp(deep_supervision=deep)) == count


# Layer by layer

BLOCK = ["Conv2D", "BatchNormalization", "ReLU"] * 2


def assert_block(model, name, side, filters):
    """Compare a block with two convolutions, batch normalisations and ReLUs of so many channels."""
    names = [f"{name}_{part}" for part in "conv1 norm1 relu1 conv2 norm2".split()] + [name]
    parts = [model.get_layer(part) for part in names]
    assert [type(layer).__name__ for layer in parts] == BLOCK
    for layer, after in pairwise(parts):
        assert after.input is layer.output
    for layer in parts:
        assert layer.output.shape == (None, *side, filters)
    for conv in parts[0], parts[3]:
        assert (conv.kernel_size, conv.strides, conv.padding) == ((3, 3), (1, 1), "same")
        assert conv.use_bias
        assert conv.activation is keras.activations.linear
    for norm in parts[1], parts[4]:
        assert (norm.momentum, norm.epsilon, norm.axis) == (0.9, 1e-5, -1)
    return parts[0].input


def assert_bilinear(layer):
    assert type(layer) is layers.UpSampling2D
    assert (layer.size, layer.interpolation) == ((2, 2), "bilinear")
    assert layer.compute_dtype == "float32"  # whatever the policy


@pytest.mark.parametrize("upsampling", ["bilinear", "transposed"])
@pytest.mark.parametrize("skips", [True, False])
def test_unet_layer_by_layer(upsampling, skips):
    filters = (4, 8, 16, 32, 32)
    model = unet((64, 32, 3), filters=filters, classes=2, upsampling=upsampling, skips=skips)
    sides = [(64, 32), (32, 16), (16, 8), (8, 4), (4, 2)]
    assert assert_block(model, "down_0", sides[0], 4) is model.input
    for i in range(1, 5):
        pool = model.get_layer(f"down_{i}_pool")
        assert assert_block(model, f"down_{i}", sides[i], filters[i]) is pool.output
        assert (type(pool), pool.pool_size) == (layers.MaxPooling2D, (2, 2))
        assert pool.input is model.get_layer(f"down_{i - 1}").output

    below = model.get_layer("down_4").output
    for i, width in [(3, 16), (2, 8), (1, 4), (0, 4)]:  # halved, at least 4
        up = model.get_layer(f"up_{i}_up")
        assert up.input is below
        if upsampling == "bilinear":
            assert_bilinear(up)
            assert up.output.shape == (None, *sides[i], below.shape[-1])
        else:
            assert type(up) is layers.Conv2DTranspose
            assert (up.kernel_size, up.strides, up.padding) == ((2, 2), (2, 2), "valid")
            assert up.activation is keras.activations.relu
            assert up.output.shape == (None, *sides[i], width)
        entrance = assert_block(model, f"up_{i}", sides[i], width)
        if skips:
            join = model.get_layer(f"up_{i}_join")
            assert entrance is join.output
            skip, enlarged = join.input
            assert skip is model.get_layer(f"down_{i}").output
            assert enlarged is up.output
        else:
            assert entrance is up.output
        below = model.get_layer(f"up_{i}").output

    logits = model.layers[-1]
    assert (logits.name, logits.kernel_size, logits.filters) == ("logits", (1, 1), 2)
    assert logits.activation is keras.activations.linear
    assert logits.input is below
    assert model.output is logits.output
    assert model.name == "unet"
    count = 1 + 5 * 6 + 4 + 4 * (6 + 1 + skips) + 1
    assert len(model.layers) == count  # nothing else: no padding where the size fits


# Node: what it takes; the last of them from below, at twice its size.
INPUTS = {
    "x_0_1": ["x_0_0", "x_1_0"],
    "x_1_1": ["x_1_0", "x_2_0"],
    "x_2_1": ["x_2_0", "x_3_0"],
    "x_3_1": ["x_3_0", "x_4_0"],
    "x_0_2": ["x_0_0", "x_0_1", "x_1_1"],
    "x_1_2": ["x_1_0", "x_1_1", "x_2_1"],
    "x_2_2": ["x_2_0", "x_2_1", "x_3_1"],
    "x_0_3": ["x_0_0", "x_0_1", "x_0_2", "x_1_2"],
    "x_1_3": ["x_1_0", "x_1_1", "x_1_2", "x_2_2"],
    "x_0_4": ["x_0_0", "x_0_1", "x_0_2", "x_0_3", "x_1_3"],
}


@pytest.mark.parametrize("deep", [True, False])
def test_unetpp_node_by_node(deep):
    model = unetpp((32, 48, 3), filters=TINY, deep_supervision=deep)
    sides = [(32, 48), (16, 24), (8, 12), (4, 6), (2, 3)]
    assert assert_block(model, "x_0_0", sides[0], TINY[0]) is model.input
    for i in range(1, 5):
        pool = model.get_layer(f"x_{i}_0_pool")
        assert assert_block(model, f"x_{i}_0", sides[i], TINY[i]) is pool.output
        assert (type(pool), pool.pool_size) == (layers.MaxPooling2D, (2, 2))
        assert pool.input is model.get_layer(f"x_{i - 1}_0").output
    for node, (*beside, below) in INPUTS.items():
        level = int(node[2])
        join, up = (model.get_layer(f"{node}_{part}") for part in ("join", "up"))
        assert assert_block(model, node, sides[level], TINY[level]) is join.output
        *skips, enlarged = join.input
        for skip, name in zip(skips, beside, strict=True):
            assert skip is model.get_layer(name).output, node
        assert enlarged is up.output
        assert_bilinear(up)
        assert up.input is model.get_layer(below).output, node
    names = ["out_1", "out_2", "out_3", "out_4"] if deep else ["out_4"]
    assert list(model.output_names) == names
    for name, output in zip(names, model.outputs, strict=True):
        out = model.get_layer(name)
        assert (type(out), out.kernel_size, out.filters) == (layers.Conv2D, (1, 1), 1)
        assert out.activation is keras.activations.linear
        assert out.input is model.get_layer(name.replace("out", "x_0")).output
        assert output is out.output
    assert isinstance(model.output, list) == deep
    assert model.name == "unetpp"
    assert len(model.layers) == 1 + 15 * 6 + 4 + 10 * 2 + len(names)


# By plain NumPy


class Plain:
    """The blocks in float64, with the weights of a model."""

    def __init__(self, model):
        self.weights = {layer.name: layer.get_weights() for layer in model.layers}

    def block(self, x, name):
        for i in "12":
            x = convolve(x, *self.weights[f"{name}_conv{i}"], 1)
            scale, shift, mean, variance = self.weights[f"{name}_norm{i}"]
            x = np.maximum(scale * (x - mean) / np.sqrt(variance + 1e-5) + shift, 0)
        return x

    def pool(self, x):
        h, w = x.shape[0] // 2, x.shape[1] // 2
        return x[: 2 * h, : 2 * w].reshape(h, 2, w, 2, -1).max((1, 3))

    def up(self, x, like, name):
        if self.weights.get(f"{name}_up"):
            kernel, bias = self.weights[f"{name}_up"]  # [2, 2, out, in]
            x = np.einsum("hwc,ijoc->hiwjo", x, kernel)
            h, _, w, _, c = x.shape
            x = np.maximum(x.reshape(2 * h, 2 * w, c) + bias, 0)
        else:
            for axis in (0, 1):
                n = x.shape[axis]
                before, after = (
                    x.take(np.clip(np.arange(n) + step, 0, n - 1), axis) for step in (-1, 1)
                )
                both = np.stack([0.75 * x + 0.25 * before, 0.75 * x + 0.25 * after], axis + 1)
                x = both.reshape([2 * m if a == axis else m for a, m in enumerate(x.shape)])
        return np.pad(x, [(0, like.shape[0] - len(x)), (0, like.shape[1] - x.shape[1]), (0, 0)])

    def out(self, x, name):
        kernel, bias = self.weights[name]
        return x @ kernel[0, 0] + bias


@pytest.mark.parametrize("size", [(8, 12), (9, 7), (11, 13)])
@pytest.mark.parametrize("upsampling", ["bilinear", "transposed"])
@pytest.mark.parametrize("skips", [True, False])
def test_unet_computes_what_plain_numpy_computes(size, upsampling, skips):
    keras.utils.set_random_seed(0)
    options = {"filters": (2, 4, 6), "classes": 2, "upsampling": upsampling, "skips": skips}
    model = stir(unet((*size, 3), **options))
    image, plain = images(*size, 3), Plain(model)
    encoded = [plain.block(image, "down_0")]
    for i in (1, 2):
        encoded.append(plain.block(plain.pool(encoded[-1]), f"down_{i}"))
    x = encoded[2]
    for i in (1, 0):
        x = plain.up(x, encoded[i], f"up_{i}")
        x = np.concatenate([encoded[i], x], -1) if skips else x
        x = plain.block(x, f"up_{i}")
    found = model(image[np.newaxis])[0]
    np.testing.assert_allclose(found, plain.out(x, "logits"), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", [(8, 12), (11, 7)])
def test_unetpp_computes_what_plain_numpy_computes(size):
    keras.utils.set_random_seed(0)
    model = stir(unetpp((*size, 3), filters=(2, 3, 4), deep_supervision=True))
    image, plain = images(*size, 3), Plain(model)
    x00 = plain.block(image, "x_0_0")
    x10 = plain.block(plain.pool(x00), "x_1_0")
    x20 = plain.block(plain.pool(x10), "x_2_0")
    x01 = plain.block(np.concatenate([x00, plain.up(x10, x00, "x_0_1")], -1), "x_0_1")
    x11 = plain.block(np.concatenate([x10, plain.up(x20, x10, "x_1_1")], -1), "x_1_1")
    x02 = plain.block(np.concatenate([x00, x01, plain.up(x11, x00, "x_0_2")], -1), "x_0_2")
    first, second = model(image[np.newaxis])
    np.testing.assert_allclose(first[0], plain.out(x01, "out_1"), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(second[0], plain.out(x02, "out_2"), rtol=1e-4, atol=1e-4)


# Any size


def test_padding_adds_zeros_below_and_to_the_right():
    x, like = images(2, 2, 3, 2), images(2, 4, 4, 5)
    found = PadLike()([x, like])
    expected = np.pad(x, [(0, 0), (0, 2), (0, 1), (0, 0)])
    np.testing.assert_array_equal(found, expected)
    joined = PadAndConcatenate()([like, like[..., :1], x])
    np.testing.assert_array_equal(joined, np.concatenate([like, like[..., :1], expected], -1))
    shapes = [(1, None, 7, 4), (1, None, 7, 5), (1, 2, None, 3)]
    assert PadAndConcatenate().compute_output_shape(shapes) == (1, None, 7, 12)
    assert PadLike().compute_output_shape([(1, 2, None, 3), (1, None, 7, 4)]) == (1, None, 7, 3)


@pytest.mark.parametrize("build", [unet, unetpp])
def test_only_what_does_not_fit_is_padded(build):
    for size, expected in {(38, 64): {(19, 32), (9, 16)}, (48, 32): set()}.items():
        joins = [
            layer for layer in build((*size, 1), filters=TINY).layers if layer.name[-5:] == "_join"
        ]
        assert len(joins) == {unet: 4, unetpp: 10}[build]
        padded = {j.output.shape[1:3] for j in joins if type(j) is PadAndConcatenate}
        assert padded == expected  # 38, 19, 9, 4, 2: two of the sides that are doubled were odd
        assert all(
            type(j) is layers.Concatenate for j in joins if j.output.shape[1:3] not in padded
        )


def test_without_skips_only_the_size_is_taken_over():
    for size, expected in {(38, 64): [(9, 16), (19, 32)], (48, 32): []}.items():
        model = unet((*size, 1), filters=TINY, skips=False)
        pads = [layer for layer in model.layers if type(layer) is PadLike]
        assert [layer.output.shape[1:3] for layer in pads] == expected


@pytest.mark.parametrize("build", [unet, unetpp])
def test_a_network_without_a_size_takes_every_size(build):
    keras.utils.set_random_seed(0)
    anywhere = stir(build((None, None, 2), filters=TINY, classes=3))
    assert anywhere.output_shape == (None, None, None, 3)
    for size in [(16, 16), (17, 31), (32, 50)]:
        fixed = build((*size, 2), filters=TINY, classes=3)
        fixed.set_weights(anywhere.get_weights())
        assert fixed.output_shape == (None, *size, 3)
        x = images(2, *size, 2)
        expected = fixed(x)
        np.testing.assert_allclose(anywhere(x), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(anywhere.predict(x, verbose=0), expected, rtol=1e-4, atol=1e-5)


def test_one_side_may_be_unknown():
    model = unet((None, 20, 1), filters=(2, 2, 2), upsampling="transposed", skips=False)
    assert model(images(1, 7, 20, 1)).shape == (1, 7, 20, 1)


def test_two_levels_are_enough():
    assert unet((2, 2, 1), filters=(2, 3)).output_shape == (None, 2, 2, 1)
    model = unetpp((3, 2, 1), filters=(2, 3), deep_supervision=True)
    assert list(model.output_names) == ["out_1"]


# Connections


def image_gradient(model):
    """Gradient of the logits' sum of squares with respect to the image."""
    image = tf.constant(images(1, 16, 16, 2))
    with tf.GradientTape() as tape:
        tape.watch(image)
        total = tf.reduce_sum(model(image) ** 2)
    gradient = tape.gradient(total, image)
    return 0.0 if gradient is None else float(tf.reduce_max(tf.abs(gradient)))


def silence(model, layer, channels=slice(None)):
    """Make a convolution deaf to some of its input channels."""
    kernel = model.get_layer(layer).kernel
    values = kernel.numpy()
    values[:, :, channels] = 0
    kernel.assign(values)


@pytest.mark.parametrize("upsampling", ["bilinear", "transposed"])
@pytest.mark.parametrize("open_skip", [0, 1, 2])
def test_the_image_reaches_the_logits_through_each_skip(open_skip, upsampling):
    keras.utils.set_random_seed(1)
    filters = (4, 6, 8, 8)
    model = unet((16, 16, 2), filters=filters, upsampling=upsampling)
    silence(model, "down_3_conv1")
    for i in {0, 1, 2} - {open_skip}:
        silence(model, f"up_{i}_conv1", slice(filters[i]))  # the skip's channels stand first
    assert image_gradient(model) > 0
    silence(model, f"up_{open_skip}_conv1", slice(filters[open_skip]))
    assert image_gradient(model) == pytest.approx(0, abs=1e-9)


def test_without_skips_all_passes_through_the_bottom():
    keras.utils.set_random_seed(1)
    for size in (16, None):
        model = unet((size, size, 2), filters=(4, 6, 8, 8), skips=False)
        assert image_gradient(model) > 0
        silence(model, "down_3_conv1")
        assert image_gradient(model) == pytest.approx(0, abs=1e-9)
    assert counted(model) < counted(unet((16, 16, 2), filters=(4, 6, 8, 8)))


def test_every_kernel_learns_from_the_last_output_and_some_from_the_first():
    keras.utils.set_random_seed(0)
    model = unetpp((32, 32, 3), filters=TINY, deep_supervision=True)
    kernels = {layer.name: layer.kernel for layer in model.layers if hasattr(layer, "kernel")}
    for which in (0, 3):
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(model(images(2, 32, 32, 3), training=True)[which] ** 2)
        gradients = tape.gradient(total, [k.value for k in kernels.values()])
        reached = {n for n, g in zip(kernels, gradients, strict=True) if g is not None}
        nodes = ["x_0_0", "x_1_0", "x_0_1"] if which == 0 else {*INPUTS, *chain(*INPUTS.values())}
        expected = {f"{node}_conv{i}" for node in nodes for i in (1, 2)}
        assert reached == expected | {f"out_{which + 1}"}
        for gradient in gradients:
            assert gradient is None or np.abs(gradient).max() > 0


# Pruning


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_pruned_gives_the_full_models_output(depth):
    keras.utils.set_random_seed(0)
    model = stir(unetpp((19, 32, 3), filters=TINY, classes=2, deep_supervision=True))
    small = prune(model, depth)
    x = images(2, 19, 32, 3)
    np.testing.assert_allclose(small(x), model(x)[depth - 1], rtol=1e-4, atol=1e-5)
    assert small.output_shape == (None, 19, 32, 2)
    assert small.name == f"unetpp_{depth}"
    nodes = {layer.name for layer in small.layers if layer.name in {*INPUTS} | {"x_0_0"}}
    assert nodes == {f"x_{i}_{j}" for i in range(5) for j in range(5) if i + j <= depth} - {
        f"x_{i}_0" for i in range(1, 5)
    }
    encoder = [layer.name for layer in small.layers if layer.name in [f"x_{i}_0" for i in range(5)]]
    assert len(encoder) == depth + 1
    assert [layer.name for layer in small.layers if "out" in layer.name] == [f"out_{depth}"]


def test_pruned_shares_the_weights():
    model = unetpp((16, 16, 1), filters=TINY, deep_supervision=True)
    small = prune(model, 2)
    for layer in small.layers:
        assert layer is model.get_layer(layer.name)
    x, before = images(1, 16, 16, 1), small(images(1, 16, 16, 1))
    small.get_layer("x_0_2_conv2").kernel.assign_add(np.ones((3, 3, 3, 3)))
    assert not np.allclose(small(x), before)
    np.testing.assert_allclose(small(x), model(x)[1], rtol=1e-4, atol=1e-5)


def test_pruned_is_as_large_as_the_smaller_network():
    model = unetpp(deep_supervision=True)
    filters = (32, 64, 128, 256, 512)
    for depth in (1, 2, 3):
        alone = unetpp(filters=filters[: depth + 1])
        assert counted(prune(model, depth)) == counted(alone)
        small = prune(model, depth)
        by_name = {layer.name: layer.output.shape for layer in small.layers}
        assert by_name == {layer.name: layer.output.shape for layer in alone.layers}
    assert counted(prune(model, 4)) == 9_163_329


@pytest.mark.parametrize("depth", [0, 5, "1_"])
def test_there_is_an_output_for_each_depth(depth):
    model = unetpp((16, 16, 1), filters=TINY, deep_supervision=True)
    with pytest.raises(ValueError, match=f"needs an output named out_{depth}, but unetpp has"):
        prune(model, depth)


def test_without_deep_supervision_there_is_nothing_to_prune():
    with pytest.raises(ValueError, match="depth 1 needs an output named out_1"):
        prune(unetpp((16, 16, 1), filters=TINY), 1)


# Settings

BUILDS = {
    "bilinear": lambda **kw: unet(filters=THREE, **kw),
    "transposed": lambda **kw: unet(filters=THREE, upsampling="transposed", **kw),
    "unetpp": lambda **kw: unetpp(filters=THREE, **kw),
    "deep": lambda **kw: unetpp(filters=THREE, deep_supervision=True, **kw),
}


def kernels_of(model):
    return [w for w in model.weights if w.name == "kernel"]


@pytest.mark.parametrize("which", BUILDS)
def test_initialisation_reaches_every_kernel(which):
    shape = {"input_shape": (16, 16, 1)}
    model = BUILDS[which](kernel_initializer=keras.initializers.Constant(0.25), **shape)
    assert (
        len(kernels_of(model))
        == {"bilinear": 11, "transposed": 13, "unetpp": 13, "deep": 14}[which]
    )
    assert all((w.numpy() == 0.25).all() for w in kernels_of(model))
    for layer in BUILDS[which](**shape).layers:
        if hasattr(layer, "kernel_initializer"):
            assert isinstance(layer.kernel_initializer, keras.initializers.HeNormal)


@pytest.mark.parametrize("upsampling", ["bilinear", "transposed"])
def test_l2_is_the_sum_of_all_squared_kernels(upsampling):
    options = {"input_shape": (16, 16, 2), "filters": THREE, "upsampling": upsampling}
    model = unet(l2=0.05, **options)
    assert len(model.losses) == len(kernels_of(model))
    expected = 0.05 * sum(np.sum(w.numpy() ** 2) for w in kernels_of(model))
    assert sum(float(loss) for loss in model.losses) == pytest.approx(expected, rel=1e-5)
    assert unet(**options).losses == []


@pytest.mark.parametrize("which", BUILDS)
def test_logits_are_float32_under_mixed_precision(which, set_precision):
    keras.utils.set_random_seed(0)
    full = stir(BUILDS[which](input_shape=(16, 20, 1)))
    set_precision("mixed_bfloat16")
    model = BUILDS[which](input_shape=(16, 20, 1))
    model.set_weights(full.get_weights())
    assert {w.dtype for w in model.weights} == {"float32"}
    for layer in model.layers:
        exact = layer.name == "logits" or layer.name.startswith("out_")
        exact |= type(layer) is layers.UpSampling2D
        assert layer.compute_dtype == ("float32" if exact else "bfloat16"), layer.name
    x = images(2, 16, 20, 1)
    found, expected = (m(x) if isinstance(m.output, list) else [m(x)] for m in (model, full))
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.dtype == "float32"
        assert np.abs(ours - theirs).max() < 0.1 * np.abs(theirs).max()


@pytest.mark.parametrize("which", BUILDS)
@pytest.mark.parametrize("size", [(None, None), (16, 16)])
def test_saved_and_loaded(which, size, tmp_path):
    keras.utils.set_random_seed(0)
    model = stir(BUILDS[which](input_shape=(*size, 2)))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_same_layers(model, loaded)
    side = 16 if size[0] else 21
    x = images(2, side, side, 2)
    for ours, theirs in zip(model(x), loaded(x), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("which", BUILDS)
def test_logits_are_neither_squashed_nor_cut(which):
    keras.utils.set_random_seed(0)
    model = stir(BUILDS[which](input_shape=(16, 16, 1)))
    last = [layer for layer in model.layers if layer.name in ("logits", "out_2")]
    for shift in (-50.0, 50.0):
        last[0].bias.assign([shift])
        logits = model(images(1, 16, 16, 1))
        logits = logits[-1] if isinstance(logits, list) else logits
        assert np.sign(shift) * logits.numpy().mean() > 10


def test_a_deeply_supervised_network_learns_at_every_output():
    keras.utils.set_random_seed(0)
    truth = np.zeros((4, 16, 16), "uint8")
    truth[:2, 4:12, 4:12] = truth[2:, :6, 8:] = 1
    x = (truth + np.random.default_rng(0).normal(0, 0.1, truth.shape))[..., np.newaxis]
    model = unetpp((16, 16, 1), filters=(4, 6, 8), deep_supervision=True)
    loss = BinaryCrossentropyDice()
    model.compile(keras.optimizers.Adam(0.01), [loss] * 2, loss_weights=[1 / 2] * 2)
    history = model.fit(x, [truth] * 2, epochs=30, batch_size=2, verbose=0).history
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    total, first, second = model.evaluate(x, [truth] * 2, verbose=0)
    assert total == pytest.approx((first + second) / 2, rel=1e-4)
    for depth in (1, 2):
        predicted = prune(model, depth).predict(x, verbose=0)[..., 0] > 0
        assert np.mean(predicted == truth) > 0.9


# Errors


def test_upsampling_must_be_known():
    with pytest.raises(ValueError, match='must be "bilinear" or "transposed", got \'nearest\''):
        unet(upsampling="nearest")


@pytest.mark.parametrize("build", [unet, unetpp])
@pytest.mark.parametrize("size", [(15, 16), (16, 8), (None, 15)])
def test_an_image_too_small_is_an_error(build, size):
    words = f"5 levels .* at least 16, got {size[0]} x {size[1]}"
    with pytest.raises(ValueError, match=words):
        build((*size, 1), filters=TINY)


@pytest.mark.parametrize("build", [unet, unetpp])
@pytest.mark.parametrize("filters", [(), (8,)])
def test_one_level_is_an_error(build, filters):
    with pytest.raises(ValueError, match="at least two numbers, got"):
        build(filters=filters)


def test_the_package_offers_its_networks():
    assert models.__all__ == sorted(models.__all__)
    assert {"fcn", "mlp", "prune", "unet", "unetpp"} < {*models.__all__}
    assert all(hasattr(models, name) for name in models.__all__)


# What the chapters build


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("skips", [True, False])
@pytest.mark.parametrize(("upsampling", "l2"), [("bilinear", 0.0), ("transposed", 1e-3)])
def test_chapter_03_builds_the_same_unet(upsampling, l2, skips, precision, set_precision):
    names = {"keras": keras, "layers": layers}
    build = chapter("03_mri_unet", "block", "updown", "build", **names)["build_unet"]
    set_precision(precision)
    options = {"upsampling": upsampling, "skips": skips, "l2": l2, "classes": 2}
    model = build((64, 32, 3), (4, 8, 16, 32, 32), **options)
    assert_same_layers(unet((64, 32, 3), filters=(4, 8, 16, 32, 32), **options), model, names=False)


@pytest.mark.parametrize("skips", [True, False])
@pytest.mark.parametrize("size", [(31, 22), (17, 16)])
def test_chapter_03_pads_odd_sides_in_the_same_way(size, skips):
    names = {"keras": keras, "layers": layers}
    build = chapter("03_mri_unet", "block", "updown", "build", **names)["build_unet"]
    ours = stir(unet((*size, 1), filters=TINY, skips=skips))
    model = build((*size, 1), TINY, skips=skips)
    model.set_weights(ours.get_weights())
    x = images(2, *size, 1)
    np.testing.assert_allclose(model(x), ours(x), atol=1e-5)


def test_chapter_03_counts_as_the_articles(capsys):
    cells = ("block", "updown", "build", "count")
    chapter("03_mri_unet", *cells, keras=keras, layers=layers, np=np)
    assert "bilinear 13,395,394, transposed 31,043,586" in capsys.readouterr().out


@pytest.mark.parametrize("deep", [True, False])
def test_chapter_06_builds_the_same_unetpp(deep):
    names = {"keras": keras, "blocks": models.blocks}
    build = chapter("06_dsb2018_unetpp", "build", **names)["build_unetpp"]
    for filters in [TINY, THREE]:
        model = build(filters, deep_supervision=deep)
        expected = unetpp((96, 96, 3), filters=filters, deep_supervision=deep)
        assert_same_layers(expected, model)
        assert model.output_names == expected.output_names


def test_chapter_06_lists_what_each_node_takes(capsys):
    names = {"keras": keras, "blocks": models.blocks}
    chapter("06_dsb2018_unetpp", "build", "nodes", **names)
    printed = capsys.readouterr().out
    for node, taken in INPUTS.items():
        level = int(node[2])
        channels = 32 * 2**level * (len(taken) - 1) + 64 * 2**level
        node, *taken = (f"X({name[2]},{name[4]})" for name in (node, *taken))
        assert f"{node} takes {', '.join(taken)} enlarged: {channels} channels\n" in printed
