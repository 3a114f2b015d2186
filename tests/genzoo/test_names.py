"""A bare name works while it is unique; nothing wins silently."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shelf import Shelf, component, model

from genzoo.catalogue import Catalogue
from genzoo.installed.names import matches, normalise
from genzoo.installed.records import ComponentRow
from genzoo_core.errors import ConfigError, PluginError, UsageError


def test_a_model_is_found_by_its_bare_name_its_full_name_and_its_aliases(shelf: Shelf) -> None:
    shelf.add("acme-zoo", model("small", aliases=["tiny"]))
    catalogue = Catalogue.open()
    for name in ("small", "acme-zoo/small", "Acme_Zoo/small", "tiny", "acme-zoo/tiny"):
        assert catalogue.find_model(name).name == "acme-zoo/small"


def test_an_unknown_name_is_answered_with_close_ones(shelf: Shelf) -> None:
    shelf.add("acme", model("butterfly"))
    with pytest.raises(UsageError, match="no model 'buterfly'; did you mean butterfly"):
        Catalogue.open().find_model("buterfly")
    with pytest.raises(UsageError, match="`genzoo list` shows"):
        Catalogue.open().find_model("zzzzzzzz")


def test_hostile_25_two_distributions_own_a_name(shelf: Shelf) -> None:
    shelf.add("acme-zoo", model("same"))
    shelf.add("other-zoo", model("same"), model("another"))
    catalogue = Catalogue.open()
    shown = [row.shown for row in catalogue.rows if not catalogue.plugins[row.plugin].builtin]
    assert shown == ["another", "acme-zoo/same", "other-zoo/same"]
    with pytest.raises(UsageError, match="acme-zoo/same and other-zoo/same; use the full name"):
        catalogue.find_model("same")
    assert catalogue.find_model("other-zoo/same").distribution == "other-zoo"


def test_hostile_25_a_third_party_takes_a_name_of_genzoos_own(shelf: Shelf) -> None:
    shelf.add("acme-zoo", model("vae-mlp-mnist"), component("vae", "model", "acme_zoo:Net"))
    catalogue = Catalogue.open()
    with pytest.raises(UsageError, match="acme-zoo/vae-mlp-mnist and genzoo/vae-mlp-mnist"):
        catalogue.find_model("vae-mlp-mnist")
    with pytest.raises(ConfigError, match="genzoo/vae and acme-zoo/vae; use the full name"):
        catalogue.find_component("model", "vae")
    assert catalogue.find_component("model", "genzoo/vae")[0].builtin


def test_hostile_25_two_plugins_of_one_distribution_own_a_name(shelf: Shelf) -> None:
    second = shelf.add("acme-two", model("same"), entry_points="[other]\na = b\n").name
    entry_points = f"[genzoo]\none = acme_zoo\ntwo = {second}\n"
    shelf.add("acme-zoo", model("same"), entry_points=entry_points)
    for name in ("same", "acme-zoo/same"):
        with pytest.raises(UsageError, match=r"one \(acme-zoo 1.0\) and two \(acme-zoo 1.0\)"):
            Catalogue.open().find_model(name)


def test_an_alias_never_shadows_a_name(shelf: Shelf) -> None:
    shelf.add("acme", model("real"))
    shelf.add("other", model("thief", aliases=["real"]))
    assert Catalogue.open().find_model("real").name == "acme/real"
    assert Catalogue.open().find_model("other/real").name == "other/thief"


def test_an_alias_of_two_models_is_ambiguous(shelf: Shelf) -> None:
    shelf.add("acme", model("one", aliases=["best"]), model("two", aliases=["best"]))
    with pytest.raises(UsageError, match="acme/one and acme/two"):
        Catalogue.open().find_model("best")


def test_components_of_different_kinds_may_share_a_name(shelf: Shelf) -> None:
    tables = [component("flow", "noiser", "acme:Flow"), component("flow", "model", "acme:Net")]
    shelf.add("acme", *tables)
    assert Catalogue.open().find_component("noiser", "flow")[1].target == "acme:Flow"
    assert Catalogue.open().find_component("model", "acme/flow")[1].target == "acme:Net"


def test_hostile_11_an_unknown_component(shelf: Shelf) -> None:
    shelf.add("acme", component("butterfly", "model", "acme:Net"))
    catalogue = Catalogue.open()
    with pytest.raises(ConfigError, match="unknown model 'buterfly'; did you mean butterfly"):
        catalogue.find_component("model", "buterfly")
    with pytest.raises(ConfigError, match="`genzoo install nice-zoo`"):
        catalogue.find_component("model", "nice-zoo/net")
    with pytest.raises(ConfigError, match="unknown noiser"):
        catalogue.find_component("noiser", "butterfly")


def test_of_a_plugin_that_is_not_there_no_other_component_is_proposed(shelf: Shelf) -> None:
    shelf.add("acme", component("net", "model", "acme:Net"))
    with pytest.raises(ConfigError, match=r"'acme-zoo/nett'; no plugin acme-zoo is installed; if"):
        Catalogue.open().find_component("model", "acme-zoo/nett")
    with pytest.raises(ConfigError, match=r"did you mean acme/net.*`genzoo install acne`"):
        Catalogue.open().find_component("model", "acne/net")


@pytest.mark.parametrize("name", ["os.system", "os:system", "acme.models:Net", "../acme/net", ""])
def test_hostile_12_an_import_path_is_no_component(shelf: Shelf, name: str) -> None:
    folder = shelf.add("acme", component("net", "model", "acme.models:Net"))
    with pytest.raises(ConfigError, match="unknown model"):
        Catalogue.open().find_component("model", name)
    assert not (folder / "imported").exists()


def test_the_owner_of_a_name_being_broken_is_an_error(shelf: Shelf) -> None:
    tables = [model("mine", shape="round"), component("net", "model", "acme:Net")]
    shelf.add("acme", *tables)
    catalogue = Catalogue.open()
    for name in ("mine", "acme/mine", "acme/whatever"):
        with pytest.raises(PluginError, match=r"acme \(acme 1.0\), which is broken: .*shape"):
            catalogue.find_model(name)
    with pytest.raises(PluginError, match="which is broken"):
        catalogue.find_component("model", "net")


def test_a_sound_owner_is_not_troubled_by_a_broken_one_of_the_same_name(shelf: Shelf) -> None:
    shelf.add("acme", model("mine", shape="round"))
    shelf.add("other", model("mine"))
    assert Catalogue.open().find_model("mine").name == "other/mine"


names = st.text(alphabet="ab-", min_size=1, max_size=3)
rows = st.builds(
    ComponentRow,
    name=names,
    distribution=st.sampled_from(["acme", "other"]),
    plugin=st.just(0),
    kind=st.just("model"),
    target=st.just("a:B"),
    options=st.none(),
    summary=st.just(""),
    aliases=st.lists(names, max_size=2).map(tuple),
)


@given(st.lists(rows, max_size=6), names)
def test_a_name_is_found_before_an_alias_and_all_owners_of_it_are_found(
    among: list[ComponentRow], name: str
) -> None:
    named = [row for row in among if row.name == name]
    expected = named or [row for row in among if name in row.aliases]
    assert matches(name, among) == expected
    for owner in ("acme", "other"):
        assert all(row.distribution == owner for row in matches(f"{owner}/{name}", among))
        assert {id(row) for row in named if row.distribution == owner} <= {
            id(row) for row in matches(f"{owner}/{name}", among)
        }


@given(st.text(alphabet=string.ascii_letters + "-_.", max_size=10))
def test_a_normalised_distribution_stays_so(name: str) -> None:
    assert normalise(normalise(name)) == normalise(name)
    assert normalise(name) == normalise(name.upper().replace("-", "_"))
