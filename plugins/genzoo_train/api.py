"""What other plugins may use of the trainer."""

from genzoo_train.failures import DivergedError
from genzoo_train.loop import StageLoop
from genzoo_train.process import TrainingProcess, stop_all
from genzoo_train.training import stage_loop

__all__ = ["DivergedError", "StageLoop", "TrainingProcess", "stage_loop", "stop_all"]
