"""Figures of the course. One function draws one thing, and returns the Axes or the Figure.

In a notebook a returned Figure is shown once, with or without a semicolon behind the call.
"""

from .charts import foreground_share, history
from .comparisons import comparison, iou_picture, outcome, worst
from .concepts import detection_instance_semantic, iou_venn, network
from .figures import class_palette
from .masks import class_map, overlay, show_pairs
from .scores import confusion, seeds

__all__ = [
    "class_map",
    "class_palette",
    "comparison",
    "confusion",
    "detection_instance_semantic",
    "foreground_share",
    "history",
    "iou_picture",
    "iou_venn",
    "network",
    "outcome",
    "overlay",
    "seeds",
    "show_pairs",
    "worst",
]
