"""GIF: the pictures on their way from noise, or a walk picture by picture."""

from __future__ import annotations

import io

from genzoo.run.outputs.layout import GAP, lay_out, layout_of
from genzoo.run.outputs.record import encode
from genzoo.run.tasks import task_of
from genzoo_core.errors import UsageError
from genzoo_core.pictures import Pictures

FRAME = 80
"""Milliseconds that a frame is shown."""
REST = 1600
"""Milliseconds that the result is shown."""


def animation_gif(pictures: Pictures) -> bytes:
    """An animation that runs for ever."""
    from genzoo_core.images import grid, to_pil, to_uint8

    record = pictures.record
    walk = task_of(record).steps(pictures)
    if walk is not None:
        there = [grid(to_uint8(step), columns=1, gap=GAP) for step in walk]
        frames = there + there[-2:0:-1]
        durations = [FRAME] * len(frames)
    elif pictures.frames:
        frames = [lay_out(pictures, frame) for frame in (*pictures.frames, pictures.images)]
        durations = [FRAME] * (len(frames) - 1) + [REST]
    else:
        raise UsageError(
            f"{record.model} makes a picture in one step: there is nothing to animate",
            "write a .png, or animate a walk: --interpolate 0,1",
        )
    images = [to_pil(frame) for frame in frames]
    out = io.BytesIO()
    images[0].save(
        out,
        "GIF",
        save_all=True,
        append_images=images[1:],
        duration=durations,
        loop=0,
        comment=encode(record, layout_of(pictures)).encode(),
    )
    return out.getvalue()
