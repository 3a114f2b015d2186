"""A bare name works while it is unique; nothing wins silently."""

from __future__ import annotations

import re

import pytest
from answers import answer, full_name
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shelf import Shelf, component, model

import genzoo
from genzoo_core import ConfigError, ModelSpec, PluginError, UsageError

FLOWS = """
from genzoo_core import Noiser, Sampler

class Flow(Noiser): ...

class Ode(Sampler):
    Config = Noiser.Config
    def __init__(self, config, context): ...
    def __call__(self, *_): ...
"""


def test_a_model_is_found_by_its_bare_name_its_full_name_and_its_aliases(shelf: Shelf) -> None:
    shelf.add("acme-zoo", model("small", aliases=["tiny"]))
    for name in ("small", "acme-zoo/small", "Acme_Zoo/small", "tiny", "acme-zoo/tiny"):
        assert full_name(name) == "acme-zoo/small"


def test_an_unknown_name_is_answered_with_close_ones(shelf: Shelf) -> None:
    shelf.add("acme", model("butterfly"))
    with pytest.raises(UsageError, match="no model 'buterfly'; did you mean butterfly"):
        genzoo.card("buterfly")
    with pytest.raises(UsageError, match="`genzoo list` shows"):
        genzoo.card("zzzzzzzz")
    with pytest.raises(
        UsageError, match=r"`genzoo list` shows .*; of the Hugging Face Hub: hf://a/zz"
    ):
        genzoo.card("a/zz")
    with pytest.raises(UsageError, match=r"did you mean butterfly\?$"):
        genzoo.card("buterfly")
    shelf.add("acme-more", model("butter"), model("butterflies"))
    with pytest.raises(UsageError, match=r"mean butterfly or butterflies\?$"):
        genzoo.card("buterfly")


def test_hostile_25_two_distributions_own_a_name(shelf: Shelf) -> None:
    shelf.add("acme-zoo", model("same"))
    shelf.add("other-zoo", model("same"), model("another"))
    listed = answer("list")
    shown = [row["name"] for row in listed if not row["full_name"].startswith("genzoo/")]
    assert shown == ["another", "acme-zoo/same", "other-zoo/same"]
    with pytest.raises(UsageError, match="acme-zoo/same and other-zoo/same; use the full name"):
        genzoo.card("same")
    assert full_name("other-zoo/same") == "other-zoo/same"


def test_hostile_25_a_third_party_takes_a_name_of_genzoos_own(shelf: Shelf) -> None:
    shelf.add("acme-zoo", model("vae-mlp-mnist"), component("vae", "model", "acme_zoo:Net"))
    zoo = genzoo.open_zoo()
    with pytest.raises(UsageError, match="acme-zoo/vae-mlp-mnist and genzoo/vae-mlp-mnist"):
        zoo.card("vae-mlp-mnist")
    with pytest.raises(ConfigError, match="genzoo/vae and acme-zoo/vae; use the full name"):
        zoo.build(ModelSpec("vae"))
    spec = ModelSpec("genzoo/vae", {"shape": [1, 8, 8]})
    assert zoo.build(spec).spec.component == "genzoo/vae"


def test_hostile_25_two_plugins_of_one_distribution_own_a_name(shelf: Shelf) -> None:
    second = shelf.add("acme-two", model("same"), entry_points="[other]\na = b\n").name
    entry_points = f"[genzoo]\none = acme_zoo\ntwo = {second}\n"
    shelf.add("acme-zoo", model("same"), entry_points=entry_points)
    for name in ("same", "acme-zoo/same"):
        with pytest.raises(UsageError, match=r"one \(acme-zoo 1.0\) and two \(acme-zoo 1.0\)"):
            genzoo.card(name)


def test_an_alias_never_shadows_a_name(shelf: Shelf) -> None:
    shelf.add("acme", model("real"))
    shelf.add("other", model("thief", aliases=["real"]))
    assert full_name("real") == "acme/real"
    assert full_name("other/real") == "other/thief"


def test_an_alias_of_two_models_is_ambiguous(shelf: Shelf) -> None:
    shelf.add("acme", model("one", aliases=["best"]), model("two", aliases=["best"]))
    with pytest.raises(UsageError, match="acme/one and acme/two"):
        genzoo.card("best")


def test_components_of_different_kinds_may_share_a_name(shelf: Shelf) -> None:
    tables = [
        component("flow", "noiser", "acme_flows:Flow"),
        component("flow", "sampler", "acme_flows:Ode"),
    ]
    shelf.add("acme-flows", *tables, files={"__init__.py": FLOWS})
    zoo = genzoo.open_zoo()
    assert type(zoo.component("noiser", "acme-flows/flow", {})).__name__ == "Flow"
    assert type(zoo.component("sampler", "acme-flows/flow", {})).__name__ == "Ode"


def test_hostile_11_an_unknown_component(shelf: Shelf) -> None:
    shelf.add("acme", component("butterfly", "model", "acme:Net"))
    zoo = genzoo.open_zoo()
    with pytest.raises(ConfigError, match="unknown model 'buterfly'; did you mean butterfly"):
        zoo.build(ModelSpec("buterfly"))
    with pytest.raises(ConfigError, match="no plugin 'nice-zoo' is installed"):
        zoo.build(ModelSpec("nice-zoo/net"))
    with pytest.raises(ConfigError, match="unknown noiser"):
        zoo.component("noiser", "butterfly", {})


def test_of_a_plugin_that_is_not_there_no_other_component_is_proposed(shelf: Shelf) -> None:
    shelf.add("acme", component("net", "model", "acme:Net"))
    zoo = genzoo.open_zoo()
    with pytest.raises(ConfigError, match=r"'acme-zoo/nett'; no plugin 'acme-zoo' is"):
        zoo.build(ModelSpec("acme-zoo/nett"))
    with pytest.raises(ConfigError, match=r"did you mean acme/net.*no plugin 'acne' is"):
        zoo.build(ModelSpec("acne/net"))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("os.system", "unknown model 'os.system'"),
        ("os:system", "'os:system' is no name of a model"),
        ("acme.models:Net", "'acme.models:Net' is no name of a model"),
        ("../acme/net", "'../acme/net' is no name of a model"),
        ("", "'' is no name of a model"),
    ],
)
def test_hostile_12_an_import_path_is_no_component(shelf: Shelf, name: str, why: str) -> None:
    folder = shelf.add("acme", component("net", "model", "acme.models:Net"))
    with pytest.raises(ConfigError, match=why):
        genzoo.open_zoo().build(ModelSpec(name))
    assert not (folder / "imported").exists()


def test_the_owner_of_a_name_being_broken_is_an_error(shelf: Shelf) -> None:
    tables = [model("mine", shape="round"), component("net", "model", "acme:Net")]
    shelf.add("acme", *tables)
    zoo = genzoo.open_zoo()
    for name in ("mine", "acme/mine", "acme/whatever"):
        with pytest.raises(PluginError, match=r"acme \(acme 1.0\), which is broken: .*shape"):
            zoo.card(name)
    with pytest.raises(PluginError, match="which is broken"):
        zoo.build(ModelSpec("net"))


def test_a_sound_owner_is_not_troubled_by_a_broken_one_of_the_same_name(shelf: Shelf) -> None:
    shelf.add("acme", model("mine", shape="round"))
    shelf.add("other", model("mine"))
    assert full_name("mine") == "other/mine"


words = st.from_regex(r"[ab][ab-]{0,2}", fullmatch=True)
shelves = st.fixed_dictionaries(
    {
        owner: st.dictionaries(words, st.lists(words, max_size=2), max_size=3)
        for owner in ("acme", "other")
    }
)
"""By distribution, its models with their aliases."""


def test_a_name_is_found_before_an_alias_and_all_owners_of_it_are_found(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENZOO_DISABLE", "genzoo")
    folders = {owner: shelf.add(owner) for owner in ("acme", "other")}

    @settings(
        max_examples=100, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(shelves, words)
    def found(shelves: dict[str, dict[str, list[str]]], name: str) -> None:
        for owner, models in shelves.items():
            tables = [model(bare, aliases=aliases) for bare, aliases in models.items()]
            (folders[owner] / "genzoo.toml").write_text("\n".join(["api = 2", *tables]))
        everything = {
            f"{owner}/{bare}": (bare, aliases)
            for owner, models in shelves.items()
            for bare, aliases in models.items()
        }
        for owner in ("", "acme/", "other/"):
            among = {full: its for full, its in everything.items() if full.startswith(owner)}
            named = {full for full, (bare, _) in among.items() if bare == name}
            expected = named or {full for full, (_, aliases) in among.items() if name in aliases}
            assert meant_by(owner + name) == expected

    found()


def meant_by(name: str) -> set[str]:
    """The full names of all models that a name may mean."""
    try:
        genzoo.card(name)
    except UsageError as error:
        text = str(error)
        assert text.startswith((f"no model '{name}'", f"model name '{name}' is ambiguous: "))
        owners = text.partition(" is ambiguous: ")[2]
        return set(re.findall(r"(?:acme|other)/[ab-]+", owners))
    return {full_name(name)}


def test_a_distribution_is_found_however_its_name_is_spelt(shelf: Shelf) -> None:
    shelf.add("Acme.Zoo-two", model("small"), package="acme_zoo_two")
    assert full_name("small") == "acme-zoo-two/small"
    zoo = genzoo.open_zoo()
    joints = st.text(alphabet="-_.", min_size=1, max_size=3)

    @given(joints, joints, st.sets(st.integers(0, 10)))
    def found(first: str, second: str, capitals: set[int]) -> None:
        lower = f"acme{first}zoo{second}two"
        spelt = "".join(c.upper() if i in capitals else c for i, c in enumerate(lower))
        [plugin] = zoo.plugins(spelt)
        assert plugin.distribution == "acme-zoo-two"
        assert zoo.card(f"{spelt}/small").name == "small"

    found()
