"""What can be made of a request: each task has a file with what it needs, checks and makes."""

from __future__ import annotations

from genzoo.run.tasks.decode import Decode
from genzoo.run.tasks.encode import Encode
from genzoo.run.tasks.reconstruct import Reconstruct
from genzoo.run.tasks.sample import Sample
from genzoo.run.tasks.task import Task
from genzoo.run.tasks.vary import Vary
from genzoo.run.tasks.walk import WalkBetweenInputs, WalkBetweenSeeds
from genzoo_core.request import Request


def task_of(request: Request) -> Task:
    """The task of a request, or of the record of one."""
    if request.encode:
        return Encode(request)
    if request.latents is not None:
        return Decode(request)
    if request.interpolate == "inputs":
        return WalkBetweenInputs(request)
    if request.interpolate is not None:
        return WalkBetweenSeeds(request)
    if not request.inputs:
        return Sample(request)
    varies = request.strength is not None or request.mask is not None
    return Vary(request) if varies else Reconstruct(request)
