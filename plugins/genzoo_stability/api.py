"""What other plugins may use of the stability protocol. Imports no torch."""

from genzoo_stability.claims import BLURRY
from genzoo_stability.plan import DATASET
from genzoo_stability.results import StabilityResults, Summary, load_shipped

__all__ = ["BLURRY", "DATASET", "StabilityResults", "Summary", "load_shipped"]
