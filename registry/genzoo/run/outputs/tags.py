"""What pictures say to other programs: the settings, and that a trained model made them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from genzoo.run.tasks import task_of
from genzoo_core.request import Record

PARAMETERS = "parameters"
"""The PNG text chunk that AUTOMATIC1111 writes, and that other programs read."""
XMP = "XML:com.adobe.xmp"
"""The PNG text chunk of XMP (XMP specification, part 3, 1.1.5)."""

SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/"
"""IPTC's vocabulary of where a picture comes from."""

_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    Iptc4xmpExt:DigitalSourceType="{source}"/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""

_SAMPLERS = {
    "ddim": "DDIM",
    "ddpm": "DDPM",
    "dpm++-2m": "DPM++ 2M",
    "dpmpp-2m": "DPM++ 2M",
    "euler": "Euler",
    "heun": "Heun",
}
"""What AUTOMATIC1111 calls the samplers; others have their own names."""


def xmp(record: Record) -> str:
    """An XMP packet that says where pictures come from."""
    composite = record.mask is not None  # a part of a picture of others is still in it
    name = "compositeWithTrainedAlgorithmicMedia" if composite else "trainedAlgorithmicMedia"
    return _PACKET.format(source=SOURCE + name)


def parameters(record: Record, size: tuple[int, ...]) -> str:
    """The settings as AUTOMATIC1111 writes them, those of the first picture.

    `size` is (H, W) of a picture. What the model has no notion of is left out.
    """
    task = task_of(record)
    index = record.pictures[0] if record.pictures else 0
    row = index // record.n
    lines = [record.prompts[row % len(record.prompts)] if record.prompts else ""]
    if record.negative is not None:
        lines.append(f"Negative prompt: {record.negative}")
    facts: dict[str, object] = {}
    if task.guides:  # something was drawn
        facts |= _drawn(record)
    if task.draws:
        first = record.seeds[row] - row * record.n if record.seeds else record.seed
        facts["Seed"] = first + index
    facts["Size"] = f"{size[1]}x{size[0]}"
    facts["Model hash"] = record.weights[:10]
    facts["Model"] = model_stem(record)
    if task.strength is not None:
        facts["Denoising strength"] = f"{task.strength:g}"
    lines.append(", ".join(f"{name}: {_quoted(value)}" for name, value in facts.items()))
    return "\n".join(lines)


def model_stem(record: Record) -> str:
    """The model without what says where it is."""
    model = record.model.partition("@")[0] if "://" in record.model else record.model
    return model.removesuffix(".safetensors").rsplit("/", 1)[-1]


def _drawn(record: Record) -> Iterator[tuple[str, object]]:
    """Steps, sampler and guidance, where the model has them."""
    settings: dict[str, Any] = {**record.defaults}
    settings |= {name: value for name, value in record.options.items() if value is not None}
    if (steps := settings.get("steps")) is not None:
        yield "Steps", steps
    sampler = settings.get("sampler")
    if isinstance(sampler, dict):
        sampler = sampler.get("component")
    if sampler is not None:
        yield "Sampler", _SAMPLERS.get(str(sampler), sampler)
    if (guidance := settings.get("guidance")) is not None:
        yield "CFG scale", f"{guidance:g}" if isinstance(guidance, int | float) else guidance


def _quoted(value: object) -> str:
    """A value; as a JSON string where a reader would end it too early."""
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if set(text) & set(',:\n"') else text
