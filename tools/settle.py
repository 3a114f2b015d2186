"""Settle how a trained model samples: write its file again with the settings of its recipe.

    python tools/settle.py RECIPE.toml RUN --data DIR

RUN is the folder that `genzoo train` wrote. What only sampling reads (guidance, steps, a sampler,
what is drawn where nothing is asked) is chosen after the training, on images that were set aside;
the weights stay.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import genzoo
from genzoo_train.building import model_spec
from genzoo_train.export import card_toml, export


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe")
    parser.add_argument("run", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="folder of the datasets")
    asked = parser.parse_args()
    zoo = genzoo.open_zoo()
    recipe = zoo.recipe(asked.recipe)
    spec = model_spec(recipe, zoo.dataset(recipe.data, asked.data))
    path = asked.run / f"{recipe.name}.safetensors"
    trained, settled = zoo.open(path), zoo.build(spec, training=False)
    shapes = [
        {name: tensor.shape for name, tensor in built.own_tensors().items()}
        for built in (trained, settled)
    ]
    if shapes[0] != shapes[1]:
        parser.error("the recipe describes other tensors than the run has")
    card = export(zoo, dataclasses.replace(trained, spec=settled.spec), recipe, path)
    (asked.run / "card.toml").write_text(card_toml(card), encoding="utf-8")
    print(f"{path}: {card.sha256}")


if __name__ == "__main__":
    main()
