"""The first minute of chapter 00. That its network learns, the chapter itself asserts."""

import keras
import numpy as np

from course_utils import first_look
from course_utils.datasets import IGNORE


def test_streets_follow_from_their_seed():
    one, same, other = (first_look.draw_streets(3, seed) for seed in (1, 1, 2))
    assert (one.images == same.images).all() and (one.masks == same.masks).all()
    assert (one.images != other.images).any()
    assert one.images.shape == (3, 48, 64, 3)
    assert set(np.unique(one.masks)) <= {*range(8), IGNORE}


def test_a_trained_network_names_each_pixel(monkeypatch):
    monkeypatch.setattr(first_look, "EPOCHS", 1)
    streets, epochs = first_look.draw_streets(9, 1), []
    count = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: epochs.append(epoch))
    network = first_look.train_network(streets, callbacks=[count])
    masks = first_look.predict_masks(network, streets.images)
    logits = network.predict(streets.images, verbose=0)
    assert epochs == [0]
    assert masks.shape == streets.masks.shape and masks.dtype == np.uint8
    assert logits.dtype == np.float32
    assert (logits.argmax(axis=-1) == masks).all()
