"""Stands in for the module to come."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "data_scripts"))

from stamp_repository import PLACEHOLDER, address_of  # noqa: F401
