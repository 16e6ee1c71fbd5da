"""The networks: as the chapters build them, with as many parameters as published, at any size."""

from functools import partial
from types import SimpleNamespace
from unittest import mock

import keras
import numpy as np
import pytest
import tensorflow as tf
from chapter_cells import execute
from keras import layers

from course_utils import models
from course_utils.exercises import ch03, ch06
from course_utils.models import fcn, mlp, prune, supervise, unet, unetpp

ANY = None, None, 1
THREE, TINY = (3, 4, 5), (3, 4, 5, 6, 7)  # levels of different widths


@pytest.fixture
def set_precision():
    """Restore the precision after the test."""
    before = keras.config.dtype_policy()
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy(before)


def images(*shape):
    return np.random.default_rng(0).random(shape, "float32")


def stir(model):
    """Give every weight a value of its own: biases, and what batch normalization has learnt."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    for w in model.weights:
        if w.name != "kernel":
            w.assign(rng.uniform(0.5, 1.5, w.shape))
    return model


def unfilled(build):
    """Build a network whose kernels are 0: shapes and counts need no millions of draws."""

    def zeros(self, shape, dtype=None):
        return keras.ops.zeros(shape, dtype)

    with mock.patch.object(keras.initializers.VarianceScaling, "__call__", zeros):
        return build()


def counted(model):
    """Parameters as the articles count them: without the moving mean and variance."""
    return sum(int(np.prod(w.shape)) for w in model.trainable_weights)


def assert_nearly(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


# What the chapters build


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


def test_chapter_01_builds_the_same_mlp(capsys):
    model = execute("01_mri_mlp", "mlp")["model"]
    assert "13,182,936" in capsys.readouterr().out
    assert_same_layers(mlp(), model, names=False)


def test_chapter_02_builds_the_same_fcn(capsys, set_precision):
    run = SimpleNamespace(precision="mixed_bfloat16")
    cells = execute("02_mri_fcn", "build", "shape", run=run, keras=keras, layers=layers)
    assert "649,345" in capsys.readouterr().out
    assert_same_layers(fcn(kernel_initializer="lecun_normal"), cells["fcn"])
    assert_same_layers(fcn(kernel_initializer="he_normal"), cells["build_fcn"]("he_normal"))


@pytest.fixture(scope="module")
def chapter_03():
    blocks = execute("03_mri_unet", "block", "updown", "encoder", keras=keras, layers=layers)
    check = ch03.decoder_check(*(blocks[name] for name in ("enlarge", "fit_to", "vgg_block")))
    return execute("03_mri_unet", "build", decoder_level=check.solution, **blocks)["build_unet"]


@pytest.mark.parametrize(
    ("upsampling", "l2", "skips", "precision"),
    [
        ("bilinear", 0.0, True, "mixed_bfloat16"),
        ("bilinear", 1e-3, False, "float32"),
        ("transposed", 1e-3, True, "float32"),
        ("transposed", 0.0, False, "mixed_bfloat16"),
    ],
)
def test_chapter_03_builds_the_same_unet(
    chapter_03, upsampling, l2, skips, precision, set_precision
):
    set_precision(precision)
    options = {"upsampling": upsampling, "skips": skips, "l2": l2, "classes": 2}
    filters = (4, 8, 16, 32, 32)
    model = unfilled(lambda: chapter_03((64, 32, 3), filters, **options))
    expected = unfilled(lambda: unet((64, 32, 3), filters=filters, **options))
    assert_same_layers(expected, model, names=False)


@pytest.mark.parametrize(("size", "skips"), [((31, 22), True), ((31, 22), False), ((17, 16), True)])
def test_chapter_03_pads_odd_sides_in_the_same_way(chapter_03, size, skips):
    ours = stir(unet((*size, 1), filters=TINY, skips=skips))
    model = chapter_03((*size, 1), TINY, skips=skips)
    model.set_weights(ours.get_weights())
    assert_nearly(model(images(2, *size, 1)), ours(images(2, *size, 1)))


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


FOR_CHAPTER_06 = {
    "keras": keras,
    "models": models,
    "node_inputs": ch06.check_node_inputs.solution,
    "channels_in": ch06.check_channels_in.solution,
}


@pytest.mark.parametrize(("filters", "deep"), [(TINY, True), (THREE, False)])
def test_chapter_06_builds_the_same_unetpp(filters, deep):
    build = execute("06_dsb2018_unetpp", "build", **FOR_CHAPTER_06)["build_unetpp"]
    model = build(filters, deep_supervision=deep)
    expected = unetpp((96, 96, 3), filters=filters, deep_supervision=deep)
    assert_same_layers(expected, model)
    assert model.output_names == expected.output_names
    model.set_weights(stir(expected).get_weights())
    x = images(2, 96, 96, 3)
    for ours, theirs in zip(expected(x), model(x), strict=True):
        assert_nearly(ours, theirs)


def test_chapter_06_lists_what_each_node_takes(capsys):
    execute("06_dsb2018_unetpp", "build", "nodes", **FOR_CHAPTER_06)
    printed = capsys.readouterr().out
    for node, taken in INPUTS.items():
        level = int(node[2])
        channels = 32 * 2**level * (len(taken) - 1) + 64 * 2**level
        node, *taken = (f"X({name[2]},{name[4]})" for name in (node, *taken))
        counts = f"{channels} channels expected, {channels} found"
        assert f"{node} takes {' '.join(taken)}: {counts}\n" in printed


# As published


@pytest.mark.parametrize(
    ("build", "options", "count"),
    [
        (mlp, {}, 13_182_936),
        (mlp, {"input_shape": (8, 12, 3), "hidden": 5}, 288 * 5 + 5 + 5 * 5 + 5 + 5 * 96 + 96),
        (fcn, {}, 649_345),
        (unet, {"input_shape": (256, 256, 3), "classes": 2}, 13_395_394),
        (
            unet,
            {
                "input_shape": (128, 128, 3),
                "filters": (64, 128, 256, 512, 1024),
                "classes": 2,
                "upsampling": "transposed",
            },
            31_043_586,
        ),
        (unet, {"input_shape": (96, 96, 3), "filters": (32, 64, 128, 256, 512)}, 7_852_545),
        (unetpp, {}, 9_163_329),
        (unetpp, {"deep_supervision": True}, 9_163_428),
    ],
)
def test_as_many_parameters_as_published(build, options, count):
    model = unfilled(lambda: build(**options))
    assert counted(model) == count
    assert all(output.shape[1:3] == model.input_shape[1:3] for output in model.outputs)


# All of them

BUILDS = {
    "mlp": lambda shape, **kw: mlp(shape, **kw),
    "fcn": lambda shape, **kw: fcn((2, 3, 4, 5, 6), shape, **kw),
    "bilinear": lambda shape, **kw: unet(shape, filters=THREE, **kw),
    "transposed": lambda shape, **kw: unet(shape, filters=THREE, upsampling="transposed", **kw),
    "unetpp": lambda shape, **kw: unetpp(shape, filters=THREE, **kw),
    "deep": lambda shape, **kw: unetpp(shape, filters=THREE, deep_supervision=True, **kw),
}


@pytest.mark.parametrize("which", BUILDS)
def test_logits_are_float32_under_mixed_precision(which, set_precision):
    full = stir(BUILDS[which]((16, 32, 1)))
    set_precision("mixed_bfloat16")
    model = BUILDS[which]((16, 32, 1))
    model.set_weights(full.get_weights())
    assert {w.dtype for w in model.weights} == {"float32"}
    assert model.layers[1].compute_dtype == "bfloat16"
    enlarging = [layer for layer in model.layers if type(layer) is layers.UpSampling2D]
    assert {layer.compute_dtype for layer in enlarging} <= {"float32"}
    found, expected = (
        outputs if isinstance(outputs, list) else [outputs]
        for outputs in (model(images(2, 16, 32, 1)), full(images(2, 16, 32, 1)))
    )
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.dtype == "float32"
        assert np.abs(ours - theirs).max() < 0.1 * np.abs(theirs).max()


@pytest.mark.parametrize("which", BUILDS)
def test_initialisation_and_l2_reach_every_kernel(which):
    options = {"kernel_initializer": keras.initializers.Constant(0.25)}
    if which in ("bilinear", "transposed"):
        options["l2"] = 0.05
    model = BUILDS[which]((16, 16, 1), **options)
    kernels = [w.numpy() for w in model.weights if w.name == "kernel"]
    assert len(kernels) == sum(hasattr(layer, "kernel") for layer in model.layers)
    assert all((kernel == 0.25).all() for kernel in kernels)
    penalty = sum(float(loss) for loss in model.losses)
    assert penalty == pytest.approx(options.get("l2", 0) * 0.25**2 * sum(k.size for k in kernels))


# Any size


@pytest.mark.parametrize("build", [unet, unetpp])
def test_a_network_without_a_size_takes_every_size_and_is_saved(build, tmp_path):
    anywhere = stir(build((None, None, 2), filters=THREE, classes=3))
    assert anywhere.output_shape == (None, None, None, 3)
    anywhere.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_same_layers(anywhere, loaded)
    for size in [(16, 32), (17, 31)]:
        fixed = build((*size, 2), filters=THREE, classes=3)
        fixed.set_weights(anywhere.get_weights())
        assert fixed.output_shape == (None, *size, 3)
        x = images(2, *size, 2)
        assert_nearly(anywhere(x), fixed(x))
    assert_nearly(loaded.predict(x, verbose=0), fixed(x))


@pytest.mark.parametrize(
    "build", [unet, unetpp, partial(unet, upsampling="transposed"), lambda **_: fcn((2,) * 5, ANY)]
)
def test_a_network_without_a_size_learns_and_predicts_in_a_graph(build):
    model = build(input_shape=ANY, filters=(2, 3))

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 1))])
    def graph(image):  # as fit, predict and export have it
        with tf.GradientTape() as tape:
            logits = model(image)
        return logits, tape.gradient(logits, [w.value for w in model.trainable_weights])

    for size in [(16, 32), (32, 16)] if model.name == "fcn" else [(4, 6), (5, 3)]:
        image = images(1, *size, 1)
        logits, gradients = graph(image)
        assert_nearly(logits, model(image))
        assert all(np.isfinite(gradient).all() for gradient in gradients)


def test_double_size_is_the_interpolation_of_keras():
    x = images(2, 5, 3, 4)
    assert_nearly(models.DoubleSize()(x), layers.UpSampling2D(2, interpolation="bilinear")(x))


def test_a_map_is_padded_with_zeros_below_and_to_the_right():
    x, like = images(2, 2, 3, 2), images(2, 4, 4, 5)
    padded = np.pad(x, [(0, 0), (0, 2), (0, 1), (0, 0)])
    joined = models.PadAndConcatenate()([like, like[..., :1], x])
    assert_nearly(joined, np.concatenate([like, like[..., :1], padded], -1))
    # 38, 19, 9, 4, 2: two of the sides that are doubled were odd.
    model = unetpp((38, 64, 1), filters=TINY)
    sides = [j.output.shape[1:3] for j in model.layers if type(j) is models.PadAndConcatenate]
    assert set(sides) == {(19, 32), (9, 16)}


def test_any_size_for_fcn_and_the_fewest_levels():
    anywhere = fcn((2, 2, 2, 2, 2), (None, None, 1))
    assert anywhere(images(1, 64, 16, 1)).shape == (1, 64, 16, 1)
    assert unet((2, 2, 1), filters=(2, 3)).output_shape == (None, 2, 2, 1)
    model = unetpp((3, 2, 1), filters=(2, 3), deep_supervision=True)
    assert list(model.output_names) == ["out_1"]


# Pruning


@pytest.fixture(scope="module")
def deep_unetpp():
    """A network with a depth to prune to, and its answers to two pictures."""
    model = stir(unetpp((19, 32, 3), filters=TINY, classes=2, deep_supervision=True))
    return model, model(images(2, 19, 32, 3))


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_pruned_gives_the_full_models_output(deep_unetpp, depth):
    model, answers = deep_unetpp
    small = prune(model, depth)
    assert_nearly(small(images(2, 19, 32, 3)), answers[depth - 1])
    assert small.name == f"unetpp_{depth}"
    assert all(layer is model.get_layer(layer.name) for layer in small.layers)
    alone = unfilled(lambda: unetpp((19, 32, 3), filters=TINY[: depth + 1], classes=2))
    assert {layer.name for layer in small.layers} == {layer.name for layer in alone.layers}
    assert counted(small) == counted(alone)


def test_each_level_of_a_supervised_unet_answers_for_the_whole_picture():
    plain = stir(unet((16, 32, 3), filters=(4, 6, 8)))
    model = supervise(plain)
    assert list(model.output_names) == ["out_1", "out_2"]
    assert counted(model) == counted(plain) + 5  # four weights and a bias
    x = images(1, 16, 32, 3)
    coarse, fine = model(x)
    assert coarse.shape == fine.shape == (1, 16, 32, 1)
    small = keras.Model(model.input, model.get_layer("out_1_small").output)(x)
    assert_nearly(keras.layers.UpSampling2D(2, interpolation="bilinear")(small), coarse)
    kernel, bias = model.get_layer("out_2").get_weights()
    level = keras.Model(model.input, plain.get_layer("up_0").output)(x)
    assert_nearly(np.asarray(level) @ kernel[0, 0] + bias, fine)


# Errors


@pytest.mark.parametrize(
    ("use", "words"),
    [
        (lambda: fcn((1,) * 6), "must hold five numbers, got 6"),
        (lambda: fcn(input_shape=(40, 32, 1)), "multiples of 16, got 40 x 32"),
        (lambda: unet(upsampling="nearest"), '"bilinear" or "transposed", got \'nearest\''),
        (lambda: unet((16, None, 1), skips=False), "Without skips height and width must be known"),
        (lambda: unet((15, 16, 1)), "5 levels .* at least 16, got 15 x 16"),
        (lambda: unetpp((None, 15, 1)), "at least 16, got None x 15"),
        (lambda: unet(filters=(8,)), "at least two numbers, got"),
        (lambda: unetpp(filters=()), "at least two numbers, got"),
        (
            lambda: prune(unetpp((16, 16, 1), filters=TINY, deep_supervision=True), 5),
            "needs an output named out_5, but unetpp has",
        ),
        (lambda: prune(unetpp((16, 16, 1), filters=TINY), 1), "needs an output named out_1"),
    ],
)
def test_errors_say_what_is_wrong(use, words):
    with pytest.raises(ValueError, match=words):
        use()
