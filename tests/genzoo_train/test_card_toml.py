"""The card that a training prints, to be pasted into a manifest."""

from __future__ import annotations

import tomllib

from genzoo_core import ModelCard
from genzoo_train.export import card_toml


def test_a_card_survives_being_pasted_and_steers_no_terminal() -> None:
    summary = '\x1b[31mred \x9b0m \u202e \x7f \u2028 \U000e0041 "quoted" back\\slash é 😀\n\t'
    card = ModelCard("mine", "vae", summary, credits=(summary,), shape=(1, 8, 8))
    text = card_toml(card)
    assert all(line.isprintable() for line in text.split("\n"))
    (read,) = tomllib.loads(text)["models"]
    assert (read["summary"], read["credits"], read["shape"]) == (summary, [summary], [1, 8, 8])
