"""What a user may choose of how pictures are written."""

from __future__ import annotations

from dataclasses import dataclass

from genzoo.run.outputs.record import Layout


@dataclass(frozen=True)
class Style:
    """How pictures are written, where there is a choice.

    Attributes:
        columns: Pictures in a row of a grid; walks in a row of an animation. None for what leaves
            no hole.
        scale: By what whole number a grid, an animation or a single picture is enlarged. None for
            what makes grids and animations about 512 pixels large, and leaves single pictures.
        like: The layout of a file whose pictures are made again, for what is None.
        parameters: Whether pictures carry the text that AUTOMATIC1111 writes.
        xmp: Whether pictures say in XMP that a trained model made them.
    """

    columns: int | None = None
    scale: int | None = None
    like: Layout | None = None
    parameters: bool = True
    xmp: bool = True


STYLE = Style()
"""That of a user who has chosen nothing."""
