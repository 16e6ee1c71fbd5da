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
from .groups import check_group_split
from .labels import check_resize_mask, check_split, check_to_labels
from .nuclei import check_bce_dice, check_merge_masks
from .nuclei_scores import check_three_ious
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
from .unet import (
    check_block_parameters,
    check_join_channels,
    check_same_decision,
    check_unpadded_size,
)
from .unetpp import check_channels_in, check_node_inputs, check_pruned_nodes

__all__ = [
    "HAUSDORFF_PREDICTION",
    "HAUSDORFF_TRUTH",
    "MISSING",
    "RIGHT",
    "WRONG",
    "check_baseline",
    "check_bce_dice",
    "check_block_parameters",
    "check_channels_in",
    "check_class_accuracies",
    "check_conv_size",
    "check_dice_loss",
    "check_fcn_channels",
    "check_fcn_sizes",
    "check_foreground_share",
    "check_frequency_weighted_iou",
    "check_from_one_hot",
    "check_group_split",
    "check_hausdorff",
    "check_join_channels",
    "check_mean_iou",
    "check_merge_masks",
    "check_mlp_parameters",
    "check_node_inputs",
    "check_one_hot",
    "check_one_logit",
    "check_padded_size",
    "check_preprocess",
    "check_pruned_nodes",
    "check_recipe",
    "check_resize_mask",
    "check_same_decision",
    "check_share_left",
    "check_split",
    "check_steps",
    "check_tasks",
    "check_three_ious",
    "check_to_labels",
    "check_trainable_share",
    "check_transposed_size",
    "check_unpadded_size",
]
