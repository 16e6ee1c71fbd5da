"""Figures of the course. One function draws one thing, and returns the Axes or the Figure.

In a notebook a returned Figure is shown once, with or without a semicolon behind the call.
"""

from .comparisons import cases, invented_classes, iou_picture, object_errors
from .curves import degradation, gradient_maps, history, learning_curve, lines
from .inside import attention, before_and_after, maps, receptive_field
from .labels import detection_instance_semantic, draw_instances, labels_of_scene, merged_masks
from .masks import class_map, gallery, overlay, scenes, show_pairs
from .scores import (
    border_errors,
    class_scores,
    confusion,
    foreground_share,
    paired,
    precision_recall,
    recall_and_precision,
    seeds,
    stack,
    tradeoff,
)
from .style import show

__all__ = [
    "attention",
    "before_and_after",
    "border_errors",
    "cases",
    "class_map",
    "class_scores",
    "confusion",
    "degradation",
    "detection_instance_semantic",
    "draw_instances",
    "foreground_share",
    "gallery",
    "gradient_maps",
    "history",
    "invented_classes",
    "iou_picture",
    "labels_of_scene",
    "learning_curve",
    "lines",
    "maps",
    "merged_masks",
    "object_errors",
    "overlay",
    "paired",
    "precision_recall",
    "recall_and_precision",
    "receptive_field",
    "scenes",
    "seeds",
    "show",
    "show_pairs",
    "stack",
    "tradeoff",
]
