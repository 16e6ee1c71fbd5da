"""The checks behind the exercises.

Each ``check_…`` takes the reader's answer and prints one of three things: what is still missing,
what is wrong (with a hint that names the cause where the mistake is a known one), or that it is
right. None of them raises, whatever the answer is, so that "Run All" always reaches the end.
"""

from ._judge import MISSING, RIGHT, WRONG
from .basics import (
    check_baseline,
    check_foreground_share,
    check_from_one_hot,
    check_mean_iou,
    check_mlp_parameters,
    check_one_hot,
    check_one_logit,
    check_tasks,
)
from .fcn import (
    check_conv_size,
    check_fcn_channels,
    check_fcn_sizes,
    check_recipe,
    check_steps,
    check_transposed_size,
)
from .labels import check_resize_mask, check_split, check_to_labels
from .pretrained import (
    check_padded_size,
    check_preprocess,
    check_share_left,
    check_trainable_share,
)
from .scores import (
    HAUSDORFF_PREDICTION,
    HAUSDORFF_TRUTH,
    check_class_accuracies,
    check_dice_loss,
    check_frequency_weighted_iou,
    check_hausdorff,
)

__all__ = [
    "HAUSDORFF_PREDICTION",
    "HAUSDORFF_TRUTH",
    "MISSING",
    "RIGHT",
    "WRONG",
    "check_baseline",
    "check_class_accuracies",
    "check_conv_size",
    "check_dice_loss",
    "check_fcn_channels",
    "check_fcn_sizes",
    "check_foreground_share",
    "check_frequency_weighted_iou",
    "check_from_one_hot",
    "check_hausdorff",
    "check_mean_iou",
    "check_mlp_parameters",
    "check_one_hot",
    "check_one_logit",
    "check_padded_size",
    "check_preprocess",
    "check_recipe",
    "check_resize_mask",
    "check_share_left",
    "check_split",
    "check_steps",
    "check_tasks",
    "check_to_labels",
    "check_trainable_share",
    "check_transposed_size",
]
