"""Pretrained encoders of text: tiny ones in folders, and every reason why there is none."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import sys
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import pytest
import torch
from text_cases import prepared, text, text_built, zoo
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from genzoo_core import ConfigError, GenzooError, HubError
from genzoo_core.downloads import no_downloads
from genzoo_core.libraries import mend_torchvision
from genzoo_core.testing import check_component
from genzoo_text_embeddings.pretrained import open_encoder

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "red", "heart", "cat", "dog"]
mend_torchvision()
SIZES = {"hidden_size": 12, "intermediate_size": 16, "num_attention_heads": 2}


@pytest.fixture(autouse=True)
def nothing_is_open() -> Iterator[None]:
    open_encoder.cache_clear()
    yield
    open_encoder.cache_clear()


def tokeniser(begin: str, end: str) -> Any:
    """Words as they are, between a mark at the beginning and one at the end."""
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    marks = [(begin, WORDS.index(begin)), (end, WORDS.index(end))]
    inner.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A {end}", special_tokens=marks
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token=begin,
        sep_token=end,
        bos_token=begin,
        eos_token=end,
        model_max_length=8,
    )


@pytest.fixture(scope="module")
def sentence_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence encoder with random weights, laid out as on the Hub, that reads 8 tokens."""
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("sentence")
    torch.manual_seed(0)
    BertModel(BertConfig(vocab_size=len(WORDS), num_hidden_layers=1, **SIZES)).save_pretrained(
        folder
    )
    tokeniser("[CLS]", "[SEP]").save_pretrained(folder)
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "pool", "type": "sentence_transformers.models.Pooling"},
    ]
    pooling = {"word_embedding_dimension": 12, "pooling_mode_mean_tokens": True}
    (folder / "pool").mkdir()
    for name, content in (
        ("modules.json", modules),
        ("sentence_bert_config.json", {"max_seq_length": 8}),
        ("pool/config.json", pooling),
    ):
        (folder / name).write_text(json.dumps(content))
    return folder


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text encoder of CLIP with random weights."""
    from transformers import CLIPTextConfig, CLIPTextModel

    folder = tmp_path_factory.mktemp("clip")
    torch.manual_seed(0)
    marks = {"bos_token_id": 2, "eos_token_id": 3, "pad_token_id": 0}
    config = CLIPTextConfig(
        vocab_size=len(WORDS), num_hidden_layers=1, max_position_embeddings=8, **SIZES, **marks
    )
    CLIPTextModel(config).save_pretrained(folder)
    tokeniser("[CLS]", "[SEP]").save_pretrained(folder)
    return folder


def sentences(folder: Path | str, dim: int = 12, **config: Any) -> dict[str, Any]:
    return {"type": "sentence-transformers", "model": str(folder), "dim": dim, **config}


def clip(folder: Path | str, dim: int = 12) -> dict[str, Any]:
    return {"type": "clip", "model": str(folder), "dim": dim}


def test_features_are_what_the_library_gives(sentence_folder: Path) -> None:
    from sentence_transformers import SentenceTransformer

    reader = text(encoder=sentences(sentence_folder), tokens=3)
    rows = prepared(reader, "red heart", "", "cat")
    peer = SentenceTransformer(str(sentence_folder), device="cpu")
    expected = torch.tensor(peer.encode(["red heart", "cat"], normalize_embeddings=True))
    torch.testing.assert_close(rows[[0, 2], 0, :-1], expected)
    assert rows[..., -1].tolist() == [[1, 1, 1, 0], [0, 0, 0, 0], [1, 1, 0, 0]]
    # The marks around the text are no tokens of it.
    inner = peer.encode("red heart", output_value="token_embeddings")[1:3].cpu()
    torch.testing.assert_close(rows[0, 1:3, :-1], torch.nn.functional.normalize(inner, dim=-1))


def test_clips_features_are_its_states_at_the_end_and_at_each_token(clip_folder: Path) -> None:
    from transformers import CLIPTextModel

    rows = prepared(text(encoder=clip(clip_folder), tokens=2), "red heart cat")
    with torch.no_grad():
        given = CLIPTextModel.from_pretrained(clip_folder)(torch.tensor([[2, 4, 5, 6, 3]]))
    expected = torch.stack([given.last_hidden_state[0, i] for i in (4, 1, 2)])
    torch.testing.assert_close(rows[0, :, :-1], torch.nn.functional.normalize(expected, dim=-1))


@pytest.mark.parametrize("kind", ["sentence", "clip"])
def test_it_keeps_to_the_interface(kind: str, sentence_folder: Path, clip_folder: Path) -> None:
    encoder = sentences(sentence_folder) if kind == "sentence" else clip(clip_folder)
    config = {"encoder": encoder, "tokens": 2}
    check_component(zoo(), "conditioner", "text", config, values=["red heart", "", "cat"])


def test_its_weights_are_not_stored_with_the_model(sentence_folder: Path) -> None:
    built = text_built(encoder=sentences(sentence_folder))
    names = set(built.own_tensors())
    prepared(built.module, "red heart")  # type: ignore[arg-type]
    assert set(built.own_tensors()) == names
    assert not any("bert" in name for name in names)


def test_long_text_is_cut_with_a_warning(
    sentence_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reader = text(encoder=sentences(sentence_folder), tokens=8)
    with caplog.at_level(logging.WARNING, "genzoo_text_embeddings"):
        rows = prepared(reader, "red heart " * 10, "cat")
        prepared(reader, "red heart " * 10)
    assert rows[0, 1:, -1].sum() == 6  # and two marks
    (record,) = [r for r in caplog.records if r.name == "genzoo_text_embeddings"]
    assert "reads, and cut: 'red heart" in record.getMessage()


def test_vectors_of_another_size_are_named(sentence_folder: Path) -> None:
    reader = text(encoder=sentences(sentence_folder, dim=384))
    with pytest.raises(ConfigError, match="gives vectors of 12 numbers, but dim is 384; set dim"):
        prepared(reader, "red")


def test_a_list_of_modules_imports_nothing_of_others(sentence_folder: Path, tmp_path: Path) -> None:
    listed = json.loads((sentence_folder / "modules.json").read_text())
    listed[0]["type"] = "os.system"
    (tmp_path / "modules.json").write_text(json.dumps(listed))
    reader = text(encoder=sentences(tmp_path))
    with pytest.raises(ConfigError, match=r"'os\.system', which is no part of sentence-transf"):
        prepared(reader, "red")


def test_a_folder_without_an_encoder_is_named(tmp_path: Path) -> None:
    reader = text(encoder=clip(tmp_path))
    with pytest.raises(ConfigError, match=r"cannot be read as a text encoder: .*safetensors"):
        prepared(reader, "red")


def test_a_pickle_is_not_loaded(clip_folder: Path, tmp_path: Path) -> None:
    for file in clip_folder.iterdir():
        if file.suffix == ".json":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(ConfigError, match="cannot be read as a text encoder"):
        prepared(text(encoder=clip(tmp_path)), "red")


@pytest.mark.parametrize("library", ["sentence_transformers", "transformers"])
def test_a_missing_extra_says_how_to_get_it(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    kind = sentences if library == "sentence_transformers" else clip
    reader = text(encoder=kind("owner/repo"))  # building it needs nothing
    with pytest.raises(GenzooError, match=rf"needs {library}.*`pip install 'genzoo\[text\]'`"):
        prepared(reader, "red")


def test_offline_what_is_not_here_is_a_clear_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    reader = text(encoder=sentences("owner/repo"))
    with pytest.raises(HubError, match="'owner/repo' is no folder here, and the Hub does not give"):
        prepared(reader, "red")


def test_what_attention_does_not_see_is_told(
    sentence_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reader = text(encoder=sentences(sentence_folder), tokens=2)
    prepared(reader, "red heart cat")
    assert [m for m in caplog.messages if m.startswith("attention")] == [
        "attention sees no more than 2 word pieces of the text: 'red heart cat'"
    ]


@pytest.mark.parametrize("place", ["/no/such/folder", "./here", "~/models/minilm", "a/b/c"])
def test_a_folder_that_is_not_there_is_not_asked_of_the_hub(place: str) -> None:
    with pytest.raises(ConfigError, match=f"there is no folder '{place}'"):
        prepared(text(encoder=sentences(place)), "red")


class Refusing(BaseHTTPRequestHandler):
    """A Hub that has nothing, and counts who asks."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_error(404)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *args: object) -> None:
        pass


@pytest.mark.parametrize("replaying", [False, True])
def test_a_replay_asks_no_hub_for_an_encoder(
    replaying: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from huggingface_hub import constants

    Refusing.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    reader = text(encoder=sentences("owner/asked" if not replaying else "owner/replayed"))
    with no_downloads() if replaying else nullcontext(), pytest.raises(HubError):
        prepared(reader, "red")
    server.shutdown()
    server.server_close()
    assert bool(Refusing.asked) is not replaying


def test_blank_text_needs_no_encoder() -> None:
    reader = text(encoder=sentences("no-such-folder"))
    assert torch.equal(prepared(reader, "", " "), reader.null(2))


COMMIT = "c" * 40


class Serving(BaseHTTPRequestHandler):
    """A Hub with one repository, which may send its tensors without an end."""

    folder: ClassVar[Path]
    endless: ClassVar[bool]
    taken: ClassVar[list[str]]

    def do_GET(self) -> None:
        if self.path.startswith("/api/models/"):
            files = [path for path in self.folder.rglob("*") if path.is_file()]
            names = [path.relative_to(self.folder).as_posix() for path in files]
            info = {
                "id": "owner/repo",
                "sha": COMMIT,
                "siblings": [{"rfilename": n} for n in names],
            }
            self.answer(json.dumps(info).encode())
        elif "/resolve/" in self.path:
            name = self.path.partition("/resolve/")[2].partition("/")[2]
            self.answer((self.folder / name).read_bytes(), name)
        else:
            self.send_error(404)

    def do_HEAD(self) -> None:
        self.do_GET()

    def answer(self, data: bytes, name: str = "") -> None:
        self.send_response(200)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        if self.command == "HEAD" or not (self.endless and name.endswith(".safetensors")):
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if name:
            self.taken.append(name)
        with suppress(ConnectionError):
            self.wfile.write(data)
            while self.endless and name.endswith(".safetensors"):
                self.wfile.write(bytes(1 << 16))

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def serving(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, clip_folder: Path
) -> Iterator[type[Serving]]:
    from huggingface_hub import constants

    Serving.folder, Serving.endless, Serving.taken = tmp_path / "repo", False, []
    shutil.copytree(clip_folder, Serving.folder)
    (Serving.folder / "pytorch_model.bin").write_bytes(b"a pickle")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Serving)
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", url)
    template = url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    yield Serving
    server.shutdown()
    server.server_close()


def test_an_encoder_of_the_hub_is_fetched_once(
    serving: type[Serving], clip_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    here = prepared(text(encoder=clip(clip_folder), tokens=2), "red cat")
    reader = text(encoder=clip("owner/repo"), tokens=2)
    assert torch.equal(prepared(reader, "red cat"), here)
    assert "model.safetensors" in serving.taken
    assert "pytorch_model.bin" not in serving.taken
    serving.taken.clear()
    for offline in (False, True):
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
        open_encoder.cache_clear()
        assert torch.equal(prepared(text(encoder=clip("owner/repo"), tokens=2), "red cat"), here)
    assert serving.taken == []


def test_a_hub_sends_no_more_of_an_encoder_than_it_promised(
    serving: type[Serving], tmp_path: Path
) -> None:
    serving.endless = True
    with pytest.raises(
        HubError, match=r"more than the [\d,]+ bytes that it promised of hf://owner"
    ):
        prepared(text(encoder=clip("owner/repo")), "red")
    assert not list(tmp_path.glob("hub/**/*.incomplete"))


def test_a_repository_of_very_many_files_is_no_encoder(serving: type[Serving]) -> None:
    for i in range(201):
        (serving.folder / f"{i}.json").write_text("{}")
    with pytest.raises(HubError, match="no text encoder has over 200"):
        prepared(text(encoder=clip("owner/repo")), "red")
    assert serving.taken == []
