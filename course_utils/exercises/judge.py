"""Stands in for the module to come."""

from typing import NamedTuple

RIGHT, MISSING, WRONG = "right", "missing", "wrong"


class Verdict(NamedTuple):
    """What a check says."""

    outcome: str
    hint: str = ""
