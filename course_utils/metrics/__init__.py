"""Scores for segmentation, nearly all read off one confusion matrix.

Count once, in whole numbers, over as many batches as there are; divide once, at the end. Pixel
accuracy, class accuracy, IoU and Dice are functions of the same matrix, so two scores can never
disagree about what was counted. Two scores need more than counts: average precision needs the
order of the pixels by score, the Hausdorff distance needs to know where the pixels are.

Notation as in Long, Shelhamer and Darrell, "Fully Convolutional Networks for Semantic
Segmentation", CVPR 2015: ``n_ij`` is the number of pixels of class ``i`` predicted as class ``j``.
"""

from .boundary import hausdorff_distance
from .confusion import ConfusionMatrix, confusion_matrix
from .images import binary_scores, foreground_ious, image_iou, pieces_hit
from .ranking import average_precision
from .scores import (
    class_accuracy,
    class_dice,
    class_iou,
    frequency_weighted_iou,
    mean_class_accuracy,
    mean_iou,
    pixel_accuracy,
    summary,
)

__all__ = [
    "ConfusionMatrix",
    "average_precision",
    "binary_scores",
    "class_accuracy",
    "class_dice",
    "class_iou",
    "confusion_matrix",
    "foreground_ious",
    "frequency_weighted_iou",
    "hausdorff_distance",
    "image_iou",
    "mean_class_accuracy",
    "mean_iou",
    "pieces_hit",
    "pixel_accuracy",
    "summary",
]
