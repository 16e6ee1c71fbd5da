"""SegNet to SegFormer: counts as published, layers against NumPy, at sizes that do not divide."""

from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf
from chapter_cells import execute
from test_models import assert_nearly, counted, images, stir, unfilled

from course_utils import models

SIZE = (37, 45)  # its maps: 19 x 23, 10 x 12, 5 x 6, 3 x 3, 2 x 2


def on_maps(module, *shapes):
    """Make a model of a module and the maps that it takes."""
    maps = [keras.Input(shape) for shape in shapes]
    return keras.Model(maps if len(maps) > 1 else maps[0], module(*maps))


# As published

SMALL, LARGE = (5, 7, 2048), (19, 23, 256)
PUBLISHED = {
    "SegNet, 2 classes": (lambda: models.segnet((32, 33, 3), classes=2), 29_444_162, (32, 33, 2)),
    "SegNet, 21 classes": (
        lambda: models.segnet((32, 33, 3), classes=21),
        29_455_125,
        (32, 33, 21),
    ),
    "ResNet-18": (lambda: models.resnet((*SIZE, 3)), 11_176_512, (2, 2, 512)),
    "FCN head": (lambda: on_maps(lambda x: models.fcn_head(x, 21), SMALL), 9_448_981, (5, 7, 21)),
    "ASPP": (lambda: on_maps(models.aspp, SMALL), 15_535_104, (5, 7, 256)),
    "DeepLab v3 head": (
        lambda: on_maps(lambda x: models.deeplab_head(x, 21), SMALL),
        16_130_837,
        (5, 7, 21),
    ),
    "DeepLab v3+ decoder": (
        lambda: on_maps(lambda *maps: models.deeplab_v3plus_decoder(*maps, 21), (5, 6, 256), LARGE),
        1_309_045,
        (19, 23, 21),
    ),
    "pyramid": (lambda: on_maps(models.pyramid_pooling, SMALL), 4_198_400, (5, 7, 4096)),
    "PSPNet head": (
        lambda: on_maps(lambda x: models.pspnet_head(x, 21), SMALL),
        23_084_565,
        (5, 7, 21),
    ),
    "JPU": (
        lambda: on_maps(lambda *maps: models.jpu(maps), (19, 23, 512), (10, 12, 1024), SMALL),
        19_735_552,
        (19, 23, 2048),
    ),
    "MiT-B0": (lambda: models.mit((*SIZE, 3)), 3_319_392, (2, 2, 256)),
    "SegFormer-B0": (lambda: models.segformer((*SIZE, 3), classes=19), 3_719_027, (*SIZE, 19)),
}


@pytest.mark.parametrize("what", PUBLISHED)
def test_as_many_parameters_as_published(what):
    build, count, shape = PUBLISHED[what]
    model = unfilled(build)
    assert counted(model) == count
    assert model.outputs[-1].shape == (None, *shape)


@pytest.mark.parametrize(
    ("build", "count"),
    [
        (lambda: models.resnet((224, 224, 3)), 1_813_561_344),  # 1.814 G with the classifier
        (lambda: models.segformer((512, 512, 3), classes=150), 8_387_821_568),  # "8.4 G"
        (lambda: models.fcn((1,) * 5, (16, 16, 1)), 25 * (64 + 4) + 2 * 9 + 1 + 32**2),
        (lambda: models.mlp((4, 4, 1), 5), 16 * 5 + 5 * 5 + 5 * 16),
    ],
)
def test_as_many_multiplications_as_published(build, count):
    assert models.count_multiplications(unfilled(build)) == count


# As chapter 08 builds them

CHAPTER_08 = {"keras": keras, "layers": keras.layers, "models": models}
TWO, THREE = [(5, 6, 16), (19, 23, 8)], [(19, 23, 8), (10, 12, 12), (5, 6, 16)]
MODULES = {
    "v2-head": (
        lambda cells: on_maps(lambda x: cells["sum_of_rates"](x, 3), (5, 7, 8)),
        lambda: on_maps(lambda x: models.deeplab_v2_head(x, 3), (5, 7, 8)),
    ),
    "aspp": (
        lambda cells: on_maps(lambda x: cells["aspp"](x, 8), (5, 7, 16)),
        lambda: on_maps(lambda x: models.aspp(x, 8), (5, 7, 16)),
    ),
    "decoder": (
        lambda cells: on_maps(lambda *maps: cells["decoder"](*maps, 3, 4, 8), *TWO),
        lambda: on_maps(lambda *maps: models.deeplab_v3plus_decoder(*maps, 3, 4, 8), *TWO),
    ),
    "pyramid": (
        lambda cells: on_maps(cells["pyramid_pooling"], (5, 7, 16)),
        lambda: on_maps(models.pyramid_pooling, (5, 7, 16)),
    ),
    "jpu": (
        lambda cells: on_maps(lambda *maps: cells["jpu"](maps, 8), *THREE),
        lambda: on_maps(lambda *maps: models.jpu(maps, 8), *THREE),
    ),
    "segnet": (
        lambda cells: cells["segnet"]((33, 38, 3), 3, (4, 6, 8), (1, 2, 3)),
        lambda: models.segnet((33, 38, 3), classes=3, filters=(4, 6, 8), convolutions=(1, 2, 3)),
    ),
}


@pytest.mark.parametrize("cell", MODULES)
def test_chapter_08_builds_the_same(cell):
    theirs, ours = MODULES[cell]
    model, expected = theirs(execute("08_networks_since_2015", cell, **CHAPTER_08)), ours()
    assert [type(layer) for layer in model.layers] == [type(layer) for layer in expected.layers]
    for a, b in zip(expected.layers, model.layers, strict=True):
        assert a.get_config() | {"name": ""} == b.get_config() | {"name": ""}
    model.set_weights(stir(expected).get_weights())
    maps = [images(2, *x.shape[1:]) for x in expected.inputs]
    maps = maps if len(maps) > 1 else maps[0]
    assert_nearly(model(maps), expected(maps))


def test_a_response_reaches_as_far_as_the_kernels_do():
    seen = models.response(lambda x: models.conv_block(x, 16, "block", rate=3), 15)
    where = np.zeros((15, 15), bool)
    where[4:11:3, 4:11:3] = True
    assert ((seen > 0) == where).all() and seen.max() == 1
    late, early = (
        models.response(lambda *x: models.deeplab_v3plus_decoder(*x, 3, 8, 32), 5, 20, at=at) > 0
        for at in (0, 1)
    )
    assert early.shape == (20, 20) and early[8:13, 8:13].all() and early.sum() == 25 < late.sum()


# Whole networks

resnet = partial(models.resnet, filters=(8, 8, 12, 16), blocks=(1, 1, 1, 1))
HEADS = {
    "FCN": (32, lambda maps: models.fcn_head(maps[-1], 3)),
    "DeepLab v1": (8, lambda maps: models.deeplab_v2_head(maps[-1], 3, rates=(12,))),
    "DeepLab v2": (8, lambda maps: models.deeplab_v2_head(maps[-1], 3)),
    "DeepLab v3": (16, lambda maps: models.deeplab_head(maps[-1], 3, 8)),
    "DeepLab v3+": (
        16,
        lambda maps: models.deeplab_v3plus_decoder(models.aspp(maps[-1], 8), maps[0], 3, 4, 8),
    ),
    "PSPNet": (8, lambda maps: models.pspnet_head(maps[-1], 3, 8)),
    "FastFCN": (32, lambda maps: models.pspnet_head(models.jpu(maps[1:], 8), 3, 8)),
}
SEGFORMER = {"widths": (4, 8, 12, 16), "depths": (1, 1, 1, 1), "heads": (1, 2, 3, 4), "width": 8}


def build(which, size=SIZE):
    if which == "SegNet":
        return models.segnet((*size, 3), classes=3, filters=(4, 6, 8, 8, 8))
    if which == "SegFormer":
        return models.segformer((*size, 3), classes=3, **SEGFORMER)
    stride, head = HEADS[which]
    return models.segmenter(resnet((*size, 3), output_stride=stride), head)


@pytest.mark.parametrize("which", ["SegNet", "DeepLab v3+", "FastFCN", "SegFormer"])
def test_a_network_learns_is_saved_and_answers_in_float32(which, tmp_path):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = unfilled(lambda: build(which, (64, 64)))
        assert {output.dtype for output in model.outputs} == {"float32"}
    finally:
        keras.config.set_dtype_policy(before)
    model, x = stir(build(which)), images(2, *SIZE, 3)
    with tf.GradientTape() as tape:
        logits = model(x, training=True)
    assert logits.shape == (2, *SIZE, 3)
    gradients = tape.gradient(logits, [w.value for w in model.trainable_weights])
    assert all(np.isfinite(gradient).all() for gradient in gradients)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_nearly(loaded.predict(x, verbose=0), model(x))  # a graph, as training has it


@pytest.mark.parametrize("stride", [8, 16])
def test_a_dilated_encoder_gives_what_the_other_gives_and_the_values_between(stride):
    strided, dilated = stir(resnet((*SIZE, 3))), resnet((*SIZE, 3), output_stride=stride)
    dilated.set_weights(strided.get_weights())
    x = images(1, *SIZE, 3)
    for i, (few, many) in enumerate(zip(strided(x), dilated(x), strict=True)):
        step = max(1, 2 ** (i + 2) // stride)
        assert_nearly(many[:, ::step, ::step], few)


# SegNet's layers


@pytest.mark.parametrize("size", [(4, 6), (5, 3), (2, 2)])
@pytest.mark.parametrize("ties", [False, True])
def test_unpooling_puts_each_maximum_back_and_only_there_is_a_gradient(size, ties):
    rng = np.random.default_rng(0)
    x = rng.integers(-2, 3, (2, *size, 3)) if ties else rng.permutation(6 * np.prod(size)) / 9
    x = x.reshape(2, *size, 3).astype("float32")
    kept = np.zeros_like(x)
    for n, row, column, c in np.ndindex(2, size[0] // 2, size[1] // 2, 3):
        window = x[n, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2, c]
        i, j = np.unravel_index(window.argmax(), (2, 2))
        kept[n, 2 * row + i, 2 * column + j, c] = 1
    pool, unpool = models.MaxPoolingWithIndices(), models.MaxUnpooling(*size)
    weights, value = images(*x.shape), tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(value)
        pooled, places = pool(value)
        result = unpool(pooled, places)
        total = keras.ops.sum(weights * result)
    assert_nearly(pooled, keras.ops.max_pool(x, 2))
    assert_nearly(result, x * kept)
    gradient = tape.gradient(total, value).numpy()
    assert_nearly(gradient, weights * kept)
    if not ties:  # and numerically, in any direction
        way = 0.01 * rng.normal(size=x.shape).astype("float32")
        there, back = (keras.ops.sum(weights * unpool(*pool(x + s * way))) for s in (1, -1))
        assert float(there - back) == pytest.approx(2 * (gradient * way).sum(), abs=1e-4)


# Convolutions with holes


@pytest.mark.parametrize("rate", [2, 3])
def test_a_rate_is_a_larger_kernel_with_zeros_between(rate):
    x = images(1, 9, 8, 2)
    dilated = on_maps(lambda x: models.conv_block(x, 4, "block", rate=rate), x.shape[1:])
    dense = on_maps(lambda x: models.conv_block(x, 4, "block", 2 * rate + 1), x.shape[1:])
    kernel, *others = stir(dilated).get_weights()
    larger = np.zeros((2 * rate + 1, 2 * rate + 1, 2, 4), "float32")
    larger[::rate, ::rate] = kernel
    dense.set_weights([larger, *others])
    assert_nearly(dilated(x), dense(x))


VGG16 = [(3, 1, 1), (3, 1, 1), (2, 2, 1)] * 2 + [*[(3, 1, 1)] * 3, (2, 2, 1)] * 3


@pytest.mark.parametrize(
    ("stack", "seen"),
    [
        ([], 1),
        ([(3, 1, 1), (3, 1, 1)], 5),
        ([(3, 2, 1), (3, 1, 4)], 19),
        ([(3, 1, 1), (3, 1, 2), (3, 1, 4)], 15),
        (VGG16, 212),
    ],
)
def test_receptive_field_is_how_far_a_value_sees(stack, seen):
    assert models.receptive_field(stack) == seen
    side = 2 * seen + 1
    x = tf.ones((1, side, side, 1))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x
        for kernel, stride, rate in stack:
            ones = np.ones((kernel, kernel, 1, 1), "float32") / kernel**2
            y = keras.ops.conv(y, ones, stride, "valid", dilation_rate=rate)
        value = y[0, 0, 0, 0]
    gradient = tape.gradient(value, x).numpy()
    assert (np.flatnonzero(gradient.any((0, 1, 3))).max() + 1 == seen) and gradient[0, 0, 0, 0]


# The pyramid


@pytest.mark.parametrize("size", [(1, 1), (5, 7), (6, 12), (13, 4)])
@pytest.mark.parametrize("bins", [1, 2, 3, 6])
def test_bins_cover_maps_that_they_do_not_divide(size, bins):
    x = images(2, *size, 3)
    expected = np.zeros((2, bins, bins, 3), "float32")
    for i, j in np.ndindex(bins, bins):
        (top, left), (bottom, right) = (
            [int(rounded((k + step) * side / bins)) for k, side in zip((i, j), size, strict=True)]
            for step, rounded in ((0, np.floor), (1, np.ceil))
        )
        expected[:, i, j] = x[:, top:bottom, left:right].mean((1, 2))
    assert_nearly(models.AdaptiveAveragePooling2D(bins)(x), expected)


# Attention


@pytest.mark.parametrize(
    ("stage", "heads", "keys"), [(0, 1, (2, 1)), (1, 2, (2, 1)), (2, 3, (2, 1)), (3, 4, (2, 2))]
)
def test_attention_sums_to_1_over_a_map_that_reduction_made_smaller(stage, heads, keys):
    model = models.segformer((64, 45, 3), classes=3, **SEGFORMER)  # maps of 16 x 12 … 2 x 2
    image, side = 10 * images(64, 45, 3), 4 * 2**stage
    attend = model.get_layer(f"stage_{stage}_block_0_attention")
    vectors = keras.Model(model.input, attend.input)(image[None])
    _, scores = attend(*vectors, return_attention_scores=True)
    scores = np.reshape(scores, (heads, 64 // side, -(-45 // side), *keys))
    assert_nearly(scores.sum((-1, -2)), np.ones(scores.shape[:3]))
    for pixel, (row, column) in [
        ((0, 0), (0, 0)),
        ((side - 1, side // 2), (0, 0)),
        ((side, 0), (1, 0)),
        ((63, 44), (-1, -1)),
    ]:
        found = models.attention_map(model, image, pixel, stage)
        assert_nearly(found, scores[:, row, column])


def test_attention_without_reduction_is_all_pixels_to_all_pixels():
    x = images(2, 3, 4, 6)
    model = on_maps(lambda x: models.efficient_attention(x, 2, 1, "attend"), x.shape[1:])
    tokens = x.reshape(2, 12, 6)
    assert_nearly(model(x), model.get_layer("attend")(tokens, tokens).numpy().reshape(x.shape))


# Errors


@pytest.mark.parametrize(
    ("use", "words"),
    [
        (lambda: models.segnet((31, 64, 3), classes=2), "at least 32, got 31 x 64"),
        (lambda: models.segnet((None, 64, 3), classes=2), "must be known .* got None x 64"),
        (lambda: models.resnet((None, None, 3)), "must be known"),
        (lambda: models.resnet(output_stride=4), "8, 16 or 32, got 4"),
        (lambda: models.mit((28, 64, 3)), "at least 29, got 28 x 64"),
        (lambda: models.mit(heads=(1, 2, 5)), "one number for each stage"),
        (lambda: models.mit(heads=(3, 2, 5, 8)), "heads must divide widths"),
        (lambda: on_maps(models.aspp, (None, 8, 4)), "must be known"),
        (lambda: on_maps(models.pyramid_pooling, (None, 8, 4)), "must be known"),
        (
            lambda: models.attention_map(build("SegFormer"), images(*SIZE, 3), (0, 45)),
            "outside the image",
        ),
    ],
)
def test_errors_say_what_is_wrong(use, words):
    with pytest.raises(ValueError, match=words):
        use()
