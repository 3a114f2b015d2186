"""Pretrained encoders of text from a folder or the Hub, opened when the first text is read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from genzoo_core import Condition, ConfigError, GenzooError, HubError
from genzoo_core.downloads import bounded_answers, download, downloads_allowed, public
from genzoo_core.libraries import mend_torchvision
from genzoo_core.text import one_line
from genzoo_text_embeddings.config import ClipEncoder, Pretrained
from genzoo_text_embeddings.texts import Notices, is_longer, readable

FETCHED = ["*.safetensors", "*.json", "*.txt", "*.model"]
"""What is fetched of a repository: tensors and text, neither pickles nor code."""

MOST_FILES = 200
"""An encoder with more files is refused."""

PATIENCE = 10.0
"""Seconds to wait for the Hub to go on with its answer."""

MOST_CACHED = 20_000
"""Texts whose features are cached."""

Read = Callable[[str], tuple[Tensor, Tensor, bool]]
"""A text's pooled vector `[D]`, its tokens' vectors `[T, D]`, and whether the text was cut."""


class PretrainedEncoder:
    """Features by an encoder that a library of the extra `[text]` runs, on the CPU.

    Texts are read one at a time: padded to the longest of a batch, a text's features would
    depend on its neighbours, if only in the last digits.
    """

    def __init__(self, read: Read, config: Pretrained, tokens: int) -> None:
        self._read, self._config, self._tokens = read, config, tokens
        self._cached: dict[str, Tensor] = {}
        self._notices = Notices()

    def features(self, texts: Sequence[str]) -> Tensor:
        """What `pack` gives for texts, `[B, 1 + tokens, D + 1]`.

        Raises:
            ConfigError: The encoder's vectors are of another size than its config says.
        """
        new = [text for text in dict.fromkeys(texts) if text not in self._cached]
        counts = {text: self._add(text) for text in new}
        cut = [text for text, (_, is_cut) in counts.items() if is_cut]
        self._notices.warn(f"the text is longer than {self._config.model} reads, and cut", cut)
        if self._tokens:
            unseen = [text for text, (count, _) in counts.items() if count > self._tokens]
            self._notices.warn_unattended(self._tokens, unseen)
        rows = [self._cached[text] for text in texts]
        if len(self._cached) > MOST_CACHED:
            self._cached.clear()
        return torch.stack(rows)

    def _add(self, text: str) -> tuple[int, bool]:
        """Read a text that is not cached; how many tokens it has, and whether it was cut."""
        pooled, tokens, cut = self._read(readable(text))
        dim = self._config.dim
        sizes = {pooled.shape[-1], *((tokens.shape[-1],) if self._tokens else ())}
        if sizes != {dim}:
            found = " and ".join(map(str, sorted(sizes)))
            hint = f"set dim = {found}" if len(sizes) == 1 else "use tokens = 0"
            raise ConfigError(
                f"{self._config.model} gives vectors of {found} numbers, but dim is {dim}", hint
            )
        features = tokens if tokens.shape[-1] == dim else tokens.new_ones(len(tokens), dim)
        condition = Condition(pooled[None].clone(), features[None].clone())
        self._cached[text] = pack(condition, self._tokens)[0]
        return len(tokens), cut or is_longer(text)


@lru_cache(maxsize=2)
def open_encoder(config: Pretrained, tokens: int) -> PretrainedEncoder:
    """The encoder of a config; once for all models that use it.

    Raises:
        GenzooError: The extra `[text]` is not installed, or the encoder cannot be read.
        HubError: It is not on this machine, and cannot be fetched.
    """
    if isinstance(config, ClipEncoder):
        library, opening = "transformers", _clip
    else:
        library, opening = "sentence_transformers", _sentence_transformer
    mend_torchvision()  # both libraries import it where it is installed
    try:
        module = import_module(library)
    except ImportError as error:
        raise GenzooError(
            f"the text encoder {config.model} needs {library}, which cannot be imported ({error})",
            "`pip install 'genzoo[text]'`",
        ) from error
    folder = _folder(config)
    try:
        read = opening(module, folder, config)
    except GenzooError:
        raise
    except Exception as error:
        raise ConfigError(
            f"{config.model} cannot be read as a text encoder: {one_line(error)}",
            "it must hold safetensors, a tokeniser and the library's own config",
        ) from error
    return PretrainedEncoder(read, config, tokens)


def _folder(config: Pretrained) -> Path:
    folder = Path(config.model).expanduser()
    if folder.is_dir():
        return folder
    if config.model.count("/") > 1 or config.model.startswith((".", "~", "/")):
        raise ConfigError(
            f"there is no folder {config.model[:100]!r} to read a text encoder from",
            "on the Hub, one is called owner/repo",
        )
    try:
        return _fetched(config) if downloads_allowed() else _cached(config.model, config.revision)
    except HubError:
        raise
    except Exception as error:
        raise HubError(
            f"the text encoder {config.model[:100]!r} is no folder here, and the Hub does not "
            f"give it: {public(one_line(error))}",
            "name a folder that holds it, or fetch it once with a network",
        ) from error


def _cached(repo: str, revision: str) -> Path:
    """The folder in the Hub's cache; no request is made."""
    from huggingface_hub import snapshot_download

    found = snapshot_download(
        repo, revision=revision or None, allow_patterns=FETCHED, local_files_only=True
    )
    return Path(found)


def _fetched(config: Pretrained) -> Path:
    """The folder in the Hub's cache, with what was missing there; as it is where no Hub answers.

    The files are fetched one by one, as the client's own way to fetch all has no bounds.
    """
    from huggingface_hub import HfApi, get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
    from huggingface_hub.utils import filter_repo_objects

    repo, revision = config.model, config.revision or "main"
    try:
        with bounded_answers():
            info = HfApi().model_info(repo, revision=revision, timeout=PATIENCE)
    except HubError:
        raise
    except Exception:
        with suppress(Exception):
            return _cached(repo, revision)
        raise
    if not re.fullmatch(r"[0-9a-f]{40}", str(info.sha)):
        raise HubError(f"the Hub does not say which commit {revision!r} of {repo} is")
    names = [str(sibling.rfilename) for sibling in info.siblings or ()]
    wanted = list(filter_repo_objects(names, allow_patterns=FETCHED))
    if len(wanted) > MOST_FILES:
        raise HubError(f"{repo} has {len(wanted):,} files; no text encoder has over {MOST_FILES}")
    for name in wanted:
        if try_to_load_from_cache(repo, name, revision=info.sha) is None:
            with bounded_answers():
                url = hf_hub_url(repo, name, revision=revision)
                size = get_hf_file_metadata(url, timeout=PATIENCE).size
            download(repo, name, revision, size)
    return _cached(repo, str(info.sha))


def _sentence_transformer(library: Any, folder: Path, config: Pretrained) -> Read:
    """An encoder of sentence-transformers (Reimers & Gurevych 2019)."""
    _check_modules(folder, config)
    model = library.SentenceTransformer(
        str(folder),
        device="cpu",
        local_files_only=True,
        trust_remote_code=False,
        model_kwargs={"use_safetensors": True},
    ).eval()

    def read(text: str) -> tuple[Tensor, Tensor, bool]:
        output = model.encode(text, output_value=None, show_progress_bar=False)
        special = _special(model.tokenizer, output["input_ids"].tolist())
        whole = len(model.tokenizer(text, truncation=False, verbose=False)["input_ids"])
        tokens = output["token_embeddings"][~special[: len(output["token_embeddings"])]]
        return output["sentence_embedding"], tokens, whole > len(special)

    return read


def _clip(library: Any, folder: Path, config: Pretrained) -> Read:
    """The text half of CLIP: its state at the end of the text, and at each token."""
    place = {"local_files_only": True, "trust_remote_code": False}
    tokenizer = library.AutoTokenizer.from_pretrained(str(folder), **place)
    model = library.CLIPTextModel.from_pretrained(str(folder), use_safetensors=True, **place).eval()
    longest = model.config.max_position_embeddings

    def read(text: str) -> tuple[Tensor, Tensor, bool]:
        ids = tokenizer(text, truncation=True, max_length=longest, return_tensors="pt")["input_ids"]
        whole = len(tokenizer(text, truncation=False, verbose=False)["input_ids"])
        output = model(input_ids=ids)
        special = _special(tokenizer, ids[0].tolist())
        return output.pooler_output[0], output.last_hidden_state[0][~special], whole > ids.shape[1]

    return read


def _special(tokenizer: Any, ids: list[int]) -> Tensor:
    """Which ids mark the beginning and the end of a text, bool `[T]`."""
    special = tokenizer.get_special_tokens_mask(ids, already_has_special_tokens=True)
    return torch.tensor(special, dtype=torch.bool)


def _check_modules(folder: Path, config: Pretrained) -> None:
    """Refuse modules that are not the library's own: it would import whatever is listed."""
    listed = folder / "modules.json"
    if not listed.is_file():
        return
    for module in json.loads(listed.read_text(encoding="utf-8")):
        name = str(module.get("type"))
        if not name.startswith("sentence_transformers."):
            raise ConfigError(
                f"{config.model} is made of {name[:100]!r}, which is no part of "
                "sentence-transformers and is not imported"
            )


def pack(condition: Condition, count: int) -> Tensor:
    """An encoder's vector `[B, D]` and tokens `[B, any, D]` as rows, `[B, 1 + count, D + 1]`.

    They are float32 on the CPU: the pooled vector, then `count` tokens, all of length 1, each
    followed by 1 where it counts. A text without a single token is null, all 0.
    """
    n, dim = condition.vector.shape
    out = torch.zeros(n, 1 + count, dim + 1)
    present = torch.ones(n, dtype=torch.bool)
    if condition.tokens is not None:
        shape, device = condition.tokens.shape[:2], condition.tokens.device
        mask = torch.ones(shape, device=device) if condition.mask is None else condition.mask
        present = mask.bool().any(1).cpu()
        used = min(count, shape[1])
        out[:, 1 : 1 + used, :dim] = _unit(condition.tokens[:, :used])
        out[:, 1 : 1 + used, dim] = mask[:, :used].cpu()
    out[:, 0, :dim] = _unit(condition.vector)
    out[:, 0, dim] = 1
    return out * present[:, None, None]


def _unit(vectors: Tensor) -> Tensor:
    return F.normalize(vectors.float(), dim=-1).cpu()
