"""Chapter 00: kinds of segmentation, masks and channels, logits."""

import numpy as np

from .judge import Check, Missing, Wrong, look_up, shown

KINDS = ("detection", "instance", "semantic")
# For each question the right answer, and why the others are not.
TASKS = {
    "count the cars in a car park": (
        "detection",
        {
            "instance": "a box around each car is enough to count them",
            "semantic": "cars that touch become one patch, and cannot be counted",
        },
    ),
    "measure the size of every cell": (
        "instance",
        {
            "detection": "a box holds more than its cell; the size needs the cell's own pixels",
            "semantic": "touching cells must be told apart, pixel by pixel",
        },
    ),
    "share of a satellite picture that is forest": (
        "semantic",
        {
            "detection": "a box around a forest holds other things too; a share needs the pixels",
            "instance": "how many forests there are plays no role",
        },
    ),
    "blur everything behind a speaker": (
        "semantic",
        {
            "detection": "a box holds background too; what to blur is decided pixel by pixel",
            "instance": "person or not person, for each pixel, is all it needs",
        },
    ),
}


@shown
def check_tasks(answers):
    """Which kind of segmentation answers which question."""
    answers = look_up(answers, TASKS, "`answers` a dictionary from question to kind")
    for question, answer in answers.items():
        if answer is ...:
            raise Missing(f"an answer for “{question}”.")
    for question, (kind, hints) in TASKS.items():
        answer = answers[question]
        said = answer.strip().lower() if isinstance(answer, str) else ""
        if said not in KINDS:
            raise Wrong(f"“{answer}” is none of {', '.join(KINDS)}.")
        if said != kind:
            raise Wrong(f"“{question}”: {hints[said]}.")


def _one_hot(mask, n):
    return mask[..., np.newaxis] == np.arange(n)


check_one_hot = Check(
    "A mask [H, W] to one channel per class [H, W, C]; 255 is no class, and all its channels 0.",
    solution=_one_hot,
    used=True,
    cases={
        "a mask without 255": (np.array([[0, 2, 1], [2, 2, 0]], np.uint8), 4),
        "a mask with 255, which is no class and has no channel": (
            np.array([[0, 255], [3, 1], [1, 2]], np.uint8),
            4,
        ),
    },
    mistakes={
        "the channels come first; put them last: [H, W, C].": [
            lambda mask, n: np.stack([mask == c for c in range(n)])
        ],
        "there are n_classes channels, also for a class that is absent.": [
            lambda mask, n: np.eye(int(mask.max()) + 1)[mask],
            lambda mask, n: mask[..., np.newaxis] == np.unique(mask),
            lambda mask, n: _one_hot(mask, np.unique(mask[mask != 255]).size),
            lambda mask, n: _one_hot(mask, mask[mask != 255].max() + 1),
        ],
        "255 is no class: all channels of such a pixel are 0.": [
            lambda mask, n: _one_hot(np.minimum(mask, n - 1), n),
            lambda mask, n: _one_hot(mask % n, n),
            lambda mask, n: _one_hot(np.where(mask == 255, 0, mask), n),
        ],
        "there are n_classes channels; 255 needs none.": [
            lambda mask, n: np.eye(256)[mask],
            lambda mask, n: np.concatenate([_one_hot(mask, n), mask[..., np.newaxis] == 255], -1),
        ],
        "the picture's height and width got lost.": [lambda mask, n: _one_hot(mask.ravel(), n)],
        "the classes are shifted by one; numbering starts at 0.": [
            lambda mask, n: np.stack([mask == c + 1 for c in range(n)], -1)
        ],
        "ones and zeros are the wrong way round.": [lambda mask, n: ~_one_hot(mask, n)],
    },
)

check_from_one_hot = Check(
    "One channel per class [H, W, C] back to a mask [H, W].",
    solution=lambda channels: channels.argmax(-1),
    used=True,
    # Logits: the largest need be neither above one half nor the largest in magnitude.
    cases={
        "scores of 2 × 3 pixels": (
            np.eye(4)[[[0, 2, 1], [3, 2, 0]]]
            - np.array([[[3.0], [0.0], [1.0]], [[5.0], [2.0], [4.0]]]),
        )
    },
    mistakes={
        "`argmax` without an axis looks at the whole array at once.": [lambda c: c.argmax()],
        "that compares rows; the classes are along the last axis.": [lambda c: c.argmax(0)],
        "that compares columns; the classes are along the last axis.": [lambda c: c.argmax(1)],
        "that is where the smallest is; the largest counts: `argmax`.": [lambda c: c.argmin(-1)],
        "`max` gives the value of the largest; its position is wanted.": [lambda c: c.max(-1)],
        "a sum does not tell which channel is the largest.": [lambda c: c.sum(-1)],
        "the classes are shifted by one; numbering starts at 0.": [lambda c: c.argmax(-1) + 1],
        "that needs ones and zeros; scores have a largest, too, though all may be negative.": [
            lambda c: c @ np.arange(4),
            lambda c: (c == 1).argmax(-1),
            lambda c: np.where((c > 0).any(-1), c.argmax(-1), 255),
            lambda c: np.where(c.max(-1) == 0, 255, c.argmax(-1)),
        ],
        "that is the largest in magnitude, but −3 is less than −2: no `abs`.": [
            lambda c: abs(c).argmax(-1)
        ],
    },
)

check_one_logit = Check(
    "The one sigmoid logit that says the same as two softmax logits.",
    solution=lambda a, b: b - a,
    used=True,
    cases={"logits of three pixels": (np.array([0.0, 2.0, -1.0]), np.array([1.5, -0.5, 3.0]))},
    mistakes={
        "that is the logit of class 0; class 1 is asked for.": [lambda a, b: a - b],
        "class 0's logit counts too: only the difference matters to a softmax.": [lambda a, b: b],
        "that is the probability; the sigmoid comes after the logit.": [
            lambda a, b: np.exp(b) / (np.exp(a) + np.exp(b))
        ],
        "that is the probability of class 0; the logit of class 1's is wanted.": [
            lambda a, b: np.exp(a) / (np.exp(a) + np.exp(b))
        ],
        "that is b's sigmoid; a logit is wanted, and class 0's counts too.": [
            lambda a, b: 1 / (1 + np.exp(-b))
        ],
        "that is the probability's logarithm; its logit is log(p / (1 − p)).": [
            lambda a, b: b - np.logaddexp(a, b)
        ],
        "adding 1 to both logits leaves a softmax as it was, but not your answer.": [
            lambda a, b: a + b,
            lambda a, b: (a + b) / 2,
            lambda a, b: a * b,
            lambda a, b: b / a,
            np.maximum,
        ],
        "those are the odds; take their logarithm.": [lambda a, b: np.exp(b - a)],
    },
)
