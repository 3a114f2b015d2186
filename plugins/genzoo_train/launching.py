"""The devices and processes of a training, which Lightning Fabric starts or finds."""

from __future__ import annotations

import atexit
import logging
import os
import sys
from datetime import timedelta
from typing import Literal

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import distributed
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from genzoo_core.devices import find_device, has_half
from genzoo_core.errors import TrainingError, UsageError
from genzoo_core.recipe import Recipe
from genzoo_train.ranks import ALONE, Ranks

# Which precision it computes in stands in the recipe, and how many ranks there are its user knows;
# each fabric would say it again.
for _name in ("rank_zero", "distributed"):
    logging.getLogger(f"lightning_fabric.utilities.{_name}").setLevel(logging.WARNING)

WAITING = timedelta(hours=2)
"""How long a rank waits for the first one, which alone fits what is fitted last, and writes. One
that died is noticed at once."""

TORCHRUN = "TORCHELASTIC_RUN_ID"
"""Variable of the environment that torchrun sets."""

BACKENDS = {"cpu": "gloo", "cuda": "cpu:gloo,cuda:nccl"}
"""What carries the messages of the ranks on a kind of device: those of the host go by gloo."""


def join(device: str, devices: int | None, nodes: int | None) -> Ranks:
    """Become one of the ranks of a training, before anything is read; see `launch`."""
    if layout(devices, nodes) == (1, 1):
        return ALONE
    fabric = launch(device, None, devices, nodes)
    return Ranks(fabric.global_rank, fabric.world_size)


def make_fabric(device: str, recipe: Recipe | None) -> Fabric:
    """What computes in this process alone, in single precision where there is no recipe yet.

    Raises:
        UsageError: No such device.
    """
    kind, _, index = find_device(device).partition(":")
    chosen = [int(index)] if index and kind != "cpu" else 1
    fabric = Fabric(accelerator=kind, devices=chosen, precision=_precision(recipe, kind))
    fabric.launch()  # makes the device the current one
    return fabric


def launch(device: str, recipe: Recipe | None, devices: int | None, nodes: int | None) -> Fabric:
    """What computes a training on one or several ranks, which find each other here.

    Args:
        device: "cpu", "cuda", "cuda:1", "mps", or "auto" for the first that is here.
        recipe: Says the precision.
        devices: See `genzoo_train.training.train`.
        nodes: The same.

    Raises:
        TrainingError: The ranks do not find each other.
        UsageError: No such device, or not so many.
    """
    devices, nodes = layout(devices, nodes)
    kind, _, index = find_device(device).partition(":")
    if devices * nodes == 1:
        return make_fabric(device, recipe)
    if kind not in BACKENDS or index:
        raise UsageError(
            f"a training on several devices takes no {device}", "use --device cpu or cuda"
        )
    if kind == "cuda" and devices > torch.cuda.device_count():
        raise UsageError(f"{devices} devices, and this machine has {torch.cuda.device_count()}")
    if sys.flags.safe_path:  # the others are started by Fabric, without this process's flags
        os.environ["PYTHONSAFEPATH"] = "1"
    try:
        if TORCHRUN in os.environ and not distributed.is_initialized():
            _meet(BACKENDS[kind])
        fabric = Fabric(
            accelerator=kind,
            strategy=DDPStrategy(process_group_backend=BACKENDS[kind], timeout=WAITING),
            devices=devices,
            num_nodes=nodes,
            precision=_precision(recipe, kind),
        )
        fabric.launch()
        atexit.register(_part)
        # Fabric would kill this process where another one fails; it ends by itself, and says why.
        getattr(fabric.strategy.launcher, "procs", []).clear()
    except (RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:300]
        raise TrainingError(
            f"the processes of the training do not come together: {reason}",
            "docs/scale.md says how they are started",
        ) from error
    return fabric


def _meet(backend: str) -> None:
    """Join the process group of torchrun, which Fabric then finds.

    The agent's store outlives a restart of the workers: without names of their own they would look
    for those of the attempt before, at addresses where nobody is.
    """
    store, rank, count = next(rendezvous("env://"))
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    own = PrefixStore(f"genzoo-{attempt}", store)
    distributed.init_process_group(backend, store=own, rank=rank, world_size=count, timeout=WAITING)


def _part() -> None:
    """Leave the process group: its threads would else outlive what they work with."""
    if distributed.is_initialized():
        distributed.destroy_process_group()


def _precision(recipe: Recipe | None, device: str) -> Literal["bf16-mixed", "32-true"]:
    half = recipe is not None and recipe.precision == "bf16" and has_half(device, "bf16")
    return "bf16-mixed" if half else "32-true"


def layout(devices: int | None, nodes: int | None) -> tuple[int, int]:
    """Ranks on each machine, and machines: as asked for, or as torchrun or SLURM started them.

    One on one machine is this process alone, whoever started it beside others.

    Raises:
        UsageError: What is asked for is not what they started.
    """
    if (devices, nodes) == (1, 1):
        return 1, 1
    environ, started = os.environ, (1, 1)
    if TORCHRUN in environ:
        local = int(environ["LOCAL_WORLD_SIZE"])
        started = (local, int(environ["WORLD_SIZE"]) // local)
    elif "SLURM_STEP_ID" in environ:  # of a job's script itself there is but one
        each, machines = (environ.get(f"SLURM_{n}", "1") for n in ("NTASKS_PER_NODE", "NNODES"))
        started = (int(each), int(machines))
    found = (devices or started[0], nodes or started[1])
    if started not in ((1, 1), found):
        raise UsageError(
            f"--devices {found[0]} --nodes {found[1]}, but {started[0]} processes were started on "
            f"each of {started[1]} machines",
            "leave both out",
        )
    return found
