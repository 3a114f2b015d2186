"""What other plugins may use of the trainer."""

from genzoo_train.failures import DivergedError, StoppedError
from genzoo_train.launching import join
from genzoo_train.loop import StageLoop
from genzoo_train.process import TrainingProcess, stop_all
from genzoo_train.ranks import ALONE, Ranks
from genzoo_train.reporting import Reporter
from genzoo_train.training import stage_loop, train

__all__ = [
    "ALONE",
    "DivergedError",
    "Ranks",
    "Reporter",
    "StageLoop",
    "StoppedError",
    "TrainingProcess",
    "join",
    "stage_loop",
    "stop_all",
    "train",
]
