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
    from huggingface_hub import HfApi


@dataclass(frozen=True)
class Package:
    """What is to be shared.

    Attributes:
        file: Name of the model file in the repository.
        card: Its card, with the sha256 and size of the file.
        dataset: Name of its dataset on the Hub, or "".
    """

    path: Path
    file: str
    card: ModelCard
    spec: ModelSpec
    dataset: str


def pack(zoo: Zoo, model: str) -> Package:
    """What is shared of a model, which is loaded first: what cannot be run is not shared."""
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
) -> tuple[dict[str, str], bool]:
    """Put a model into a repository and branch on the Hub, which are made where they are not there.

    Returns:
        The reference to the very file, the url of the commit and the file's sha256; and whether
        the repository has a README of its own, which stays.

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
    config = RepoConfig(
        format=repo_config.FORMAT,
        file=package.file,
        sha256=package.card.sha256,
        size=package.card.size,
        model=msgspec.to_builtins(package.spec),
    )
    contents: dict[str, Path | bytes] = {
        package.file: package.path,
        repo_config.NAME: msgspec.json.format(msgspec.json.encode(config), indent=2) + b"\n",
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
    return {"reference": reference, "url": url, "sha256": package.card.sha256}, keeps_readme


def _has_own_readme(api: HfApi, about: About) -> bool:
    """Whether the repository has a README that no push has made; one that is new has no commit."""
    repo, revision = about.repo, about.revision
    info = ask(lambda s: api.model_info(repo, revision=revision, timeout=s), about)
    if readme.NAME not in [sibling.rfilename for sibling in info.siblings or ()]:
        return False
    if not (isinstance(info.sha, str) and is_commit(info.sha)):
        raise no_hub(f"does not say which commit {revision!r} is")
    path = bring(repo, readme.NAME, info.sha, Promise(), max_bytes=readme.MAX_BYTES)
    return readme.MARK not in path.read_text(encoding="utf-8", errors="replace")


def _dataset(zoo: Zoo, model: str, card: ModelCard) -> str:
    try:
        return zoo.recipe(model).data.hub if card.recipe else ""
    except GenzooError:  # a file by path has a card, but no recipe beside it
        return ""
