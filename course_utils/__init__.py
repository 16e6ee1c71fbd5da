"""The helpers of the semantic segmentation course: what a reader should not have to retype."""

__version__ = "0.1.0"
