"""Sharing a model: its file, a README and a `config.json`, in one commit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from genzoo_core.cards import ModelCard
from genzoo_core.downloads import bounded_answers, public, transfer_seconds
from genzoo_core.errors import ConfigError, GenzooError, UsageError
from genzoo_core.specs import ModelSpec
from genzoo_core.zoo import Zoo
from genzoo_hub import readme, repo_config
from genzoo_hub.client import ask, quiet
from genzoo_hub.downloading import bring
from genzoo_hub.failures import About, explain, no_hub
from genzoo_hub.promises import Promise, sha256_of
from genzoo_hub.reference import MAIN, SUFFIX, Reference, check_file, is_commit
from genzoo_hub.repo_config import RepoConfig

if TYPE_CHECKING:
    from huggingface_hub import HfApi, ModelInfo


@dataclass(frozen=True)
class Package:
    """What is to be shared.

    Attributes:
        path: The model file.
        file: Its name in the repository.
        card: Its card; sha256 and size are those of the file.
        spec: What the file says is to be built.
        dataset: Name of its dataset on the Hub, or "".
    """

    path: Path
    file: str
    card: ModelCard
    spec: ModelSpec
    dataset: str

    def config(self) -> bytes:
        """The content of `config.json`."""
        config = RepoConfig(
            format=repo_config.FORMAT,
            file=self.file,
            sha256=self.card.sha256,
            size=self.card.size,
            model=msgspec.to_builtins(self.spec),
        )
        return msgspec.json.format(msgspec.json.encode(config), indent=2) + b"\n"


@dataclass(frozen=True)
class Pushed:
    """What was shared.

    Attributes:
        reference: To the very file.
        url: Where the commit can be looked at.
        sha256: Digest of the file.
        keeps_readme: Whether the repository has a README of its own, which stays.
    """

    reference: str
    url: str
    sha256: str
    keeps_readme: bool


def pack(zoo: Zoo, model: str) -> Package:
    """What is shared of a model, which is loaded first: what cannot be run is not shared.

    Raises:
        GenzooError: It cannot be loaded.
    """
    weights = zoo.weights(model)
    spec = zoo.open(model).spec
    size = weights.path.stat().st_size
    card = msgspec.structs.replace(zoo.card(model), sha256=weights.sha256, size=size)
    try:
        file = check_file(f"{card.name}{SUFFIX}", "the model's name")
    except ConfigError:
        file = f"model{SUFFIX}"
    return Package(weights.path, file, card, spec, _dataset(zoo, model, card))


def share(
    package: Package, repo: str, *, private: bool, revision: str = MAIN, message: str = ""
) -> Pushed:
    """Put a model into a repository on the Hub, which is made where it is not there.

    Args:
        package: What to share.
        repo: "owner/repo".
        private: Whether a new repository is seen by its owner alone.
        revision: The branch to add it to, which is made where it is not there.
        message: What the commit says.

    Raises:
        HubError: The Hub refuses, or does not answer.
        UsageError: The file has changed meanwhile.
    """
    from huggingface_hub import CommitOperationAdd, HfApi

    api, about = HfApi(library_name="genzoo"), About(repo, revision, writing=True)
    ask(lambda _: api.create_repo(repo, private=private or None, exist_ok=True), about)
    if revision != MAIN:
        ask(lambda _: api.create_branch(repo, branch=revision, exist_ok=True), about)
    keeps_readme = _has_own_readme(api, about)
    if sha256_of(package.path) != package.card.sha256:
        raise UsageError(f"{package.path} has changed since it was loaded", "push it again")
    contents: dict[str, Path | bytes] = {
        package.file: package.path,
        repo_config.NAME: package.config(),
    }
    if not keeps_readme:
        text = readme.write_readme(package.card, package.spec, repo, revision, package.dataset)
        contents[readme.NAME] = text.encode()
    operations = [CommitOperationAdd(name, content) for name, content in contents.items()]
    title = message or f"Share {package.card.name} with genzoo"
    try:
        with quiet(), bounded_answers(transfer_seconds(package.card.size)):
            done = api.create_commit(repo, operations, commit_message=title, revision=revision)
    except Exception as error:
        raise explain(error, about) from error
    if not (isinstance(done.oid, str) and is_commit(done.oid)):
        raise no_hub("does not say which commit it made")
    url = f"{public(api.endpoint)}/{repo}/commit/{done.oid}"
    reference = str(Reference(repo, package.file, done.oid))
    return Pushed(reference, url, package.card.sha256, keeps_readme)


def _has_own_readme(api: HfApi, about: About) -> bool:
    """Whether the repository has a README that no push has made."""

    def question(seconds: float) -> ModelInfo:
        return api.model_info(about.repo, revision=about.revision, timeout=seconds)

    info = ask(question, about)
    if readme.NAME not in [sibling.rfilename for sibling in info.siblings or ()]:
        return False
    if not (isinstance(info.sha, str) and is_commit(info.sha)):
        raise no_hub(f"does not say which commit {about.revision!r} is")
    path = bring(about.repo, readme.NAME, info.sha, Promise(), max_bytes=readme.MAX_BYTES)
    return readme.MARK not in path.read_text(encoding="utf-8", errors="replace")


def _dataset(zoo: Zoo, model: str, card: ModelCard) -> str:
    try:
        return zoo.recipe(model).data.hub if card.recipe else ""
    except GenzooError:  # a file by path has a card, but no recipe beside it
        return ""
