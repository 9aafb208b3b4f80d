"""The landing: files from other systems, and how they become rows of `raw`."""

from orchestration.landing.land import LandingReport, land_new_files
from orchestration.landing.listing import Ignored, LandedFile, Listing, list_landing, new_files
from orchestration.landing.load import LedgerRow

__all__ = [
    "Ignored",
    "LandedFile",
    "LandingReport",
    "LedgerRow",
    "Listing",
    "land_new_files",
    "list_landing",
    "new_files",
]
