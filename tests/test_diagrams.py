"""The drawings' arithmetic is that of Keras's layers."""

import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")

from course_utils import diagrams


@pytest.fixture(autouse=True)
def close_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


def parts(figure, kind):
    return [patch for patch in figure.axes[0].patches if patch.get_gid() == kind]


def formula(figure):
    (text,) = [t.get_text() for t in figure.axes[0].texts if t.get_text().startswith("out = ")]
    return text


def side(count):
    return round(count**0.5)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding"),
    [(7, 3, 2, 1), (8, 3, 2, 0), (5, 3, 1, 1), (6, 2, 2, 0), (5, 5, 3, 2), (3, 3, 1, 0)],
)
def test_convolution_has_the_output_size_of_conv2d(size, kernel, stride, padding):
    import keras

    image = keras.Input((size, size, 1))
    padded = keras.layers.ZeroPadding2D(padding)(image)
    out = keras.layers.Conv2D(1, kernel, strides=stride)(padded).shape[1]
    figure = diagrams.convolution(size, kernel, stride, padding, position=(out - 1, 0))
    assert formula(figure).endswith(f"+ 1 = {out}")
    assert len(parts(figure, "output")) == len(parts(figure, "window")) == out**2
    assert len(parts(figure, "input")) == size**2
    assert len(parts(figure, "padding")) == (size + 2 * padding) ** 2 - size**2
    assert all(cell.get_linestyle() == "--" for cell in parts(figure, "padding"))


def test_convolution_marks_the_window_of_the_chosen_pixel():
    figure = diagrams.convolution(7, 3, 2, 1, position=(1, 2))
    window, pixel = parts(figure, "chosen")
    corner = parts(figure, "padding")[0].get_xy()  # upper left of the padded input
    first = parts(figure, "output")[0].get_xy()
    np.testing.assert_allclose(np.subtract(window.get_xy(), corner), [4, 2])
    assert (window.get_width(), pixel.get_width()) == (3, 1)
    np.testing.assert_allclose(np.subtract(pixel.get_xy(), first), [2, 1])
    assert formula(figure) == "out = (7 + 2·1 − 3)/2 + 1 = 4"


def test_convolution_says_when_pixels_are_left_over():
    assert "⌊" in formula(diagrams.convolution(8, 3, 2, 0))
    assert "never seen" in diagrams.convolution(8, 3, 2, 0).axes[0].get_xlabel()
    assert "never seen" not in diagrams.convolution(7, 3, 2, 0).axes[0].get_xlabel()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 3, "kernel": 6, "padding": 1}, "kernel is 6 .* only 5"),
        ({"stride": 0}, "stride must be"),
        ({"padding": -1}, "padding must be"),
        ({"size": 2.5}, "size must be"),
        ({"position": (4, 0)}, "position"),
    ],
)
def test_convolution_explains_what_cannot_be(arguments, message):
    with pytest.raises(ValueError, match=message):
        diagrams.convolution(**arguments)


@pytest.mark.parametrize(("size", "kernel", "stride"), [(3, 4, 2), (6, 3, 2), (4, 2, 3), (5, 5, 1)])
@pytest.mark.parametrize("padding", [0, 1])
def test_overlap_count_is_a_transposed_convolution_of_ones(size, kernel, stride, padding):
    import keras

    layer = keras.layers.Conv2DTranspose(
        1, kernel, strides=stride, kernel_initializer="ones", use_bias=False
    )
    painted = np.asarray(layer(np.ones((1, size, size, 1), np.float32)))[0, ..., 0]
    full = stride * (size - 1) + kernel
    # Keras pads what lies beyond the last patch where the kernel is shorter than the stride.
    assert not painted[full:].any() and not painted[:, full:].any()
    expected = painted[padding : full - padding, padding : full - padding]
    counts = diagrams.overlap_count(size, kernel, stride, padding)
    np.testing.assert_array_equal(counts, expected)


def test_transposed_convolution_of_the_fcn_has_the_size_keras_gives():
    import keras

    out = keras.layers.Conv2DTranspose(1, 32, strides=16, padding="same")(
        keras.Input((16, 16, 8))
    ).shape[1]
    assert diagrams.overlap_count(16, 32, 16, padding=8).shape == (out, out) == (256, 256)


def test_transposed_convolution_draws_patches_sums_and_the_cut():
    figure = diagrams.transposed_convolution(3, 4, 2, 1, position=(0, 2))
    assert formula(figure) == "out = 2·(3 − 1) + 4 − 2·1 = 6"
    assert len(parts(figure, "input")) == len(parts(figure, "window")) == 9
    assert side(len(parts(figure, "count"))) == 8
    (kept,) = parts(figure, "kept")
    corner = parts(figure, "count")[0].get_xy()
    np.testing.assert_allclose(np.subtract(kept.get_xy(), corner), [1, 1])
    assert kept.get_width() == 6
    _, patch = parts(figure, "chosen")
    np.testing.assert_allclose(np.subtract(patch.get_xy(), corner), [4, 0], atol=1e-9)
    assert patch.get_width() == 4
    numbers = [int(t.get_text()) for t in figure.axes[0].texts if t.get_text().isdigit()]
    np.testing.assert_array_equal(np.reshape(numbers, (8, 8)), diagrams.overlap_count(3, 4, 2))
    with pytest.raises(ValueError, match="cuts away all"):
        diagrams.transposed_convolution(1, 2, 1, 1)
    with pytest.raises(ValueError, match="position"):
        diagrams.transposed_convolution(position=(3, 0))


def test_checkerboard_tells_even_from_uneven():
    uneven, even = diagrams.checkerboard(((3, 2), (4, 2)), size=6).axes
    assert "1 or 2 or 4 input" in uneven.get_xlabel() and "uneven" in uneven.get_xlabel()
    assert "4 input" in even.get_xlabel() and "uneven" not in even.get_xlabel()
    assert len(uneven.patches) == 13**2 and len(even.patches) == 14**2
