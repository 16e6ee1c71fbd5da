"""Figures of the course. One function draws one thing, and returns the Axes or the Figure.

In a notebook a returned Figure is shown once, with or without a semicolon behind the call.
"""

from .charts import foreground_share, history
from .classes import class_map
from .comparisons import comparison, iou_picture, outcome, worst
from .concepts import detection_instance_semantic, iou_venn
from .curves import degradation, learning_curve, loss_curves
from .masks import overlay, show_pairs
from .mistakes import gradient_maps, invented_classes
from .nuclei import gallery, merged_masks
from .outdoor import labels_of_scene, scenes, worst_scenes
from .pairs import paired, paired_difference
from .points import class_scores, tradeoff
from .scores import confusion, seeds
from .style import class_palette, show

__all__ = [
    "class_map",
    "class_palette",
    "class_scores",
    "comparison",
    "confusion",
    "degradation",
    "detection_instance_semantic",
    "foreground_share",
    "gallery",
    "gradient_maps",
    "history",
    "invented_classes",
    "iou_picture",
    "iou_venn",
    "labels_of_scene",
    "learning_curve",
    "loss_curves",
    "merged_masks",
    "outcome",
    "overlay",
    "paired",
    "paired_difference",
    "scenes",
    "seeds",
    "show",
    "show_pairs",
    "tradeoff",
    "worst",
    "worst_scenes",
]
