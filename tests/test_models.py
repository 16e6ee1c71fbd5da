"""The networks: layer by layer as published, as the chapters build them, and by plain NumPy."""

import json
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers
from notebook_rules import ROOT

from course_utils import models


@pytest.fixture(autouse=True)
def set_precision():
    """Restore the precision after each test."""
    before = keras.config.dtype_policy()
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy(before)


def chapter(name, *ids, **namespace):
    """Execute the named cells of a chapter and return what they define."""
    notebook = json.loads((ROOT / f"notebooks/{name}.ipynb").read_text(encoding="utf-8"))
    cells = {cell["id"]: "".join(cell["source"]) for cell in notebook["cells"]}
    for cell in ids:
        exec(cells[cell], namespace)
    return namespace


def assert_same_layers(ours, theirs, names=True):
    """Compare two networks: types, shapes, parameters, and every setting of every layer."""
    assert ours.name == theirs.name
    assert ours.input_shape == theirs.input_shape
    assert ours.count_params() == theirs.count_params()
    for a, b in zip(ours.layers, theirs.layers, strict=True):
        assert type(a) is type(b)
        assert a.output.shape == b.output.shape, a.name
        assert [w.shape for w in a.weights] == [w.shape for w in b.weights], a.name
        settings = a.get_config(), b.get_config()
        if not names:  # Keras numbers them: dense, dense_1, …
            settings = [s | {"name": ""} for s in settings]
        assert settings[0] == settings[1]


def test_mlp_layer_by_layer():
    mlp = models.mlp()
    kinds = [type(layer).__name__ for layer in mlp.layers]
    assert kinds == ["Flatten", "Dense", "Dense", "Dense", "Reshape"]
    dense = [layer for layer in mlp.layers if isinstance(layer, layers.Dense)]
    assert [layer.units for layer in dense] == [100, 100, 65_536]
    activations = [layer.activation for layer in dense]
    relu, linear = keras.activations.relu, keras.activations.linear
    assert activations == [relu, relu, linear]
    counts = [65_536 * 100 + 100, 100 * 100 + 100, 100 * 65_536 + 65_536]
    assert [layer.count_params() for layer in dense] == counts
    assert mlp.count_params() == sum(counts) == 13_182_936
    assert (mlp.input_shape, mlp.output_shape) == ((None, 256, 256, 1),) * 2


# Type, kernel, stride, channels, side of the output; the sides by the formulas of the chapter.
FCN = [
    ("conv1", "Conv2D", 5, 2, 64, 128),
    ("pool1", "MaxPooling2D", 2, 2, None, 64),
    ("conv2", "Conv2D", 5, 2, 128, 32),
    ("pool2", "MaxPooling2D", 2, 2, None, 16),
    ("conv3", "Conv2D", 3, 1, 128, 16),
    ("conv4", "Conv2D", 3, 1, 128, 16),
    ("conv5", "Conv2D", 1, 1, 128, 16),
    ("transposed", "Conv2DTranspose", 32, 16, 1, 256),
]
FCN_PARAMETERS = {
    "conv1": 5 * 5 * 1 * 64 + 64,
    "conv2": 5 * 5 * 64 * 128 + 128,
    "conv3": 3 * 3 * 128 * 128 + 128,
    "conv4": 3 * 3 * 128 * 128 + 128,
    "conv5": 1 * 1 * 128 * 128 + 128,
    "transposed": 32 * 32 * 128 * 1 + 1,
}


def test_fcn_layer_by_layer():
    fcn = models.fcn()
    for layer, (name, kind, kernel, stride, filters, side) in zip(fcn.layers, FCN, strict=True):
        assert (layer.name, type(layer).__name__) == (name, kind)
        assert layer.output.shape[1:3] == (side, side), name
        assert layer.count_params() == FCN_PARAMETERS.get(name, 0), name
        if kernel:
            size = layer.pool_size if "pool" in name else layer.kernel_size
            assert (size, layer.strides) == ((kernel, kernel), (stride, stride)), name
        if filters:
            assert layer.filters == filters
            relu = name.startswith("conv")
            assert layer.activation is getattr(keras.activations, "relu" if relu else "linear")
    assert fcn.layers[-1].activation is keras.activations.linear
    assert fcn.count_params() == sum(FCN_PARAMETERS.values()) == 649_345
    assert (fcn.input_shape, fcn.output_shape) == ((None, 256, 256, 1),) * 2


def test_other_sizes_and_channels():
    mlp = models.mlp((8, 12, 3), hidden=5)
    assert mlp.output_shape == (None, 8, 12, 1)
    assert mlp.count_params() == (8 * 12 * 3 * 5 + 5) + (5 * 5 + 5) + (5 * 96 + 96)
    fcn = models.fcn((2, 3, 4, 5, 6), (32, 48, 3))
    assert fcn.output_shape == (None, 32, 48, 1)
    assert [layer.filters for layer in fcn.layers if hasattr(layer, "filters")] == [
        2,
        3,
        4,
        5,
        6,
        1,
    ]
    anywhere = models.fcn((2, 2, 2, 2, 2), (None, None, 1))
    assert anywhere(np.zeros((1, 64, 16, 1), "float32")).shape == (1, 64, 16, 1)


@pytest.mark.parametrize("build", [models.mlp, models.fcn])
def test_initialisation_reaches_every_kernel(build):
    model = build(input_shape=(16, 16, 1), kernel_initializer=keras.initializers.Constant(0.25))
    kernels = [w for w in model.weights if w.name == "kernel"]
    assert len(kernels) == {"mlp": 3, "fcn": 6}[model.name]
    assert all((w.numpy() == 0.25).all() for w in kernels)
    assert all((w.numpy() == 0).all() for w in model.weights if w.name == "bias")
    default = build(input_shape=(16, 16, 1))
    for layer in default.layers:
        if layer.weights:
            assert isinstance(layer.kernel_initializer, keras.initializers.GlorotUniform)


@pytest.mark.parametrize("build", [models.mlp, models.fcn])
def test_logits_are_float32_under_mixed_precision(build, set_precision):
    set_precision("mixed_bfloat16")
    model = build(input_shape=(16, 16, 1))
    weighted = [layer for layer in model.layers if layer.weights]
    assert weighted[0].compute_dtype == "bfloat16"
    assert {w.dtype for w in model.weights} == {"float32"}
    assert model.layers[-1].compute_dtype == "float32"
    assert weighted[-1].compute_dtype == "float32"
    assert model(np.ones((2, 16, 16, 1), "float32")).dtype == "float32"


@pytest.mark.parametrize("build", [models.mlp, models.fcn])
def test_logits_are_neither_squashed_nor_cut(build):
    keras.utils.set_random_seed(0)
    model = build(input_shape=(16, 16, 1), kernel_initializer="he_normal")
    logits = model(100 * np.random.default_rng(0).random((4, 16, 16, 1), "float32")).numpy()
    assert logits.min() < -1
    assert logits.max() > 2


@pytest.mark.parametrize("channels", [(64, 128, 128, 128), (1,) * 6, ()])
def test_fcn_wants_five_channel_counts(channels):
    with pytest.raises(ValueError, match=f"must hold five numbers, got {len(channels)}"):
        models.fcn(channels)


@pytest.mark.parametrize("size", [(40, 32), (32, 40), (15, 16)])
def test_fcn_wants_multiples_of_sixteen(size):
    with pytest.raises(ValueError, match=f"multiples of 16, got {size[0]} x {size[1]}"):
        models.fcn(input_shape=(*size, 1))


def test_chapter_01_builds_the_same_mlp(capsys):
    model = chapter("01_mri_mlp", "mlp")["model"]
    assert "13,182,936" in capsys.readouterr().out
    assert_same_layers(models.mlp(), model, names=False)


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_chapter_02_builds_the_same_fcn(precision, capsys):
    channels = (64, 128, 128, 128, 128)
    run = SimpleNamespace(precision=precision)
    cells = chapter(
        "02_mri_fcn", "build", "shape", keras=keras, layers=layers, run=run, channels=channels
    )
    printed = capsys.readouterr().out
    assert "(256, 256)" in printed
    assert f"{sum(FCN_PARAMETERS.values()):,} parameters" in printed
    assert keras.config.dtype_policy().name == precision
    assert_same_layers(models.fcn(kernel_initializer="lecun_normal"), cells["fcn"])
    other = cells["build_fcn"]((1, 2, 3, 4, 5), "he_normal")
    assert_same_layers(models.fcn((1, 2, 3, 4, 5), kernel_initializer="he_normal"), other)


def test_comparing_layers_notices_a_difference():
    fcn = models.fcn((1, 2, 3, 4, 5))
    for changed in (models.fcn((1, 2, 3, 4, 4)), models.fcn((1, 2, 3, 4, 5), (256, 256, 3))):
        with pytest.raises(AssertionError):
            assert_same_layers(fcn, changed)
    for key, value in {"strides": (1, 1), "activation": "tanh", "padding": "valid"}.items():
        config = fcn.get_config()
        config["layers"][1]["config"][key] = value
        if key != "activation":  # the last layer would no longer have the same shape anyway
            config["layers"][8:] = []
        with pytest.raises(AssertionError):
            assert_same_layers(fcn, keras.Sequential.from_config(config))


def test_same_padding_of_the_transposed_convolution_crops_eight():
    keras.utils.set_random_seed(0)
    small = np.random.default_rng(0).normal(size=(2, 4, 5, 3)).astype("float32")
    fcn = models.fcn((1, 1, 1, 1, 3), (64, 80, 1))
    transposed = fcn.get_layer("transposed")
    valid = layers.Conv2DTranspose(1, 32, strides=16, padding="valid")
    valid.build(small.shape)
    valid.set_weights(transposed.get_weights())
    whole = valid(small).numpy()
    assert whole.shape == (2, 16 * 3 + 32, 16 * 4 + 32, 1)
    np.testing.assert_allclose(transposed(small), whole[:, 8:-8, 8:-8], atol=1e-5)


def convolve(x, kernel, bias, stride):
    """Convolution with Keras's "same" padding: what is odd goes below and to the right."""
    k = len(kernel)
    side = [(n + (-n % stride)) - stride + k - n for n in x.shape[:2]]
    x = np.pad(x, [(max(p, 0) // 2, max(p, 0) - max(p, 0) // 2) for p in side] + [(0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(x, (k, k), axis=(0, 1))[::stride, ::stride]
    return np.einsum("hwcij,ijco->hwo", windows, kernel) + bias


def test_fcn_computes_what_plain_numpy_computes():
    keras.utils.set_random_seed(0)
    fcn = models.fcn((3, 4, 5, 4, 3), (32, 48, 2), kernel_initializer="he_normal")
    fcn.set_weights([w + 0.05 for w in fcn.get_weights()])  # biases count, too
    image = np.random.default_rng(0).random((32, 48, 2))
    weights = {layer.name: layer.get_weights() for layer in fcn.layers}

    x = image
    for name, stride in {"conv1": 2, "conv2": 2, "conv3": 1, "conv4": 1, "conv5": 1}.items():
        x = np.maximum(convolve(x, *weights[name], stride), 0)
        if stride == 2:
            h, w, c = x.shape
            x = x.reshape(h // 2, 2, w // 2, 2, c).max(axis=(1, 3))
    kernel, bias = weights["transposed"]  # [32, 32, 1, channels]
    canvas = np.zeros((16 * (len(x) - 1) + 32, 16 * (x.shape[1] - 1) + 32))
    for i, j in np.ndindex(x.shape[:2]):
        canvas[16 * i : 16 * i + 32, 16 * j : 16 * j + 32] += kernel[:, :, 0] @ x[i, j]
    expected = canvas[8:-8, 8:-8] + bias

    found = fcn(image[np.newaxis].astype("float32"))[0, ..., 0]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
