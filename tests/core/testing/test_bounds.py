"""Each number of a config has two bounds, each text and list a greatest length."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

import genzoo
from genzoo_core import Config
from genzoo_core.specs import ComponentSpec, PartSpec
from genzoo_core.testing import unbounded
from genzoo_core.testing.plugins import load


def test_every_setting_of_our_components_has_bounds() -> None:
    found = []
    for plugin in genzoo.open_zoo(no_plugins=True).plugins("genzoo"):
        assert plugin.manifest is not None
        for entry in plugin.manifest.components:
            structs = [load(entry.target).Config, *map(load, filter(None, [entry.options]))]
            for struct in structs:
                found += [f"{entry.kind} {entry.name}: {line}" for line in unbounded(struct)]
    assert found == []


class Inner(Config):
    shift: Annotated[float, Meta(ge=0)] = 0.0
    sound: Annotated[int, Meta(gt=0, lt=5)] = 1


class Loose(Config):
    views: tuple[Inner, ...] = ()
    pair: tuple[int, Annotated[str, Meta(max_length=9)]] | None = None
    names: Annotated[dict[str, Any], Meta(max_length=2)] = {}
    chosen: ComponentSpec | None = None
    nested: PartSpec | None = None


def test_what_has_no_end_is_found_where_it_is() -> None:
    found = list(unbounded(Loose))
    assert found[:6] == [
        "views has no greatest length",
        "views[].shift has no upper bound",
        "pair[0] has no lower bound",
        "pair[0] has no upper bound",
        "names[] has no greatest length",
        "names[] takes anything",
    ]
    assert {line.partition(".")[0] for line in found[6:]} == {"nested"}
