"""The real client of the OpenAI API against a running server."""

from __future__ import annotations

import base64
import inspect
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import openai
import pytest
from openai import OpenAI
from openai.resources.images import Images
from PIL import Image
from processor import processor_has
from serving import Server, apart, error_of, made_by_run, pixels, png

FORMATS = {"png": "PNG", "jpeg": "JPEG", "webp": "WEBP"}


def image_of(text: str | None) -> Image.Image:
    assert text is not None
    return Image.open(io.BytesIO(base64.b64decode(text)))


def test_it_lists_the_models(client: OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert {"gan-mnist", "flow-emoji", "vae-mnist"} <= set(names)
    assert names == sorted(names)
    one = client.models.retrieve("flow-emoji")
    assert (one.id, one.object, one.owned_by) == ("flow-emoji", "model", "genzoo")
    with pytest.raises(openai.NotFoundError, match="no model 'none'"):
        client.models.retrieve("none")


def test_a_seed_gives_what_run_gives(client: OpenAI, tmp_path: Path) -> None:
    answer = client.images.generate(
        model="flow-emoji", prompt="a red heart", n=2, extra_body={"seed": 3, "steps": 4}
    )
    assert answer.data is not None
    assert answer.size == "32x32"
    assert answer.output_format == "png"
    assert answer.usage is not None
    assert [datum.seed for datum in answer.data] == [3, 4]  # type: ignore[attr-defined]
    run = made_by_run(
        tmp_path, "flow-emoji", "a red heart", *["-n", "2", "--seed", "3", "--steps", "4"]
    )
    for datum, alone in zip(answer.data, run, strict=True):
        assert apart(pixels(datum.b64_json or ""), alone) <= 1


def test_a_png_has_the_record_that_makes_it_again(client: OpenAI, tmp_path: Path) -> None:
    answer = client.images.generate(
        model="vae-mnist", prompt="7", n=3, extra_body={"seed": 9, "options": {"temperature": 0.5}}
    )
    assert answer.data is not None
    data = base64.b64decode(answer.data[1].b64_json or "")
    (tmp_path / "served.png").write_bytes(data)
    command = [sys.executable, "-m", "genzoo", "run", "--replay", "served.png", "-o", "again.png"]
    subprocess.run(command, check=True, cwd=tmp_path, capture_output=True)
    assert apart(pixels(data), pixels((tmp_path / "again.png").read_bytes())) <= 1


def test_every_field_of_the_client_is_read(client: OpenAI) -> None:
    answer = client.images.generate(
        model="gan-mnist",
        prompt="7",
        n=1,
        size="28x28",  # type: ignore[arg-type]
        response_format="b64_json",
        output_format="png",
        output_compression=100,
        background="auto",
        quality="high",
        style="vivid",
        user="someone",
        moderation="low",
        complexity="low",
        safety_identifier="someone",
        frame_count=3,
        frame_duration_ms=100,
        svg={"model": "any", "reasoning": {"effort": "low"}},
    )
    assert answer.data is not None
    assert len(answer.data) == 1
    edited = client.images.edit(
        model="flow-mnist",
        image=png((28, 28)),
        prompt="7",
        size="auto",
        background="opaque",
        quality="low",
        input_fidelity="high",
        user="someone",
        complexity="low",
        safety_identifier="someone",
        frame_count=3,
        frame_duration_ms=100,
        svg={"model": "any", "reasoning": {"effort": "low"}},
        extra_body={"steps": 2},
    )
    assert edited.size == "28x28"
    with pytest.raises(openai.BadRequestError, match="unknown file 'markup'"):
        client.images.edit(
            model="flow-mnist", image=png((28, 28)), prompt="7", markup=png((28, 28))
        )


@pytest.mark.parametrize(
    ("path", "method"),
    [("generations", "generate"), ("edits", "edit"), ("variations", "create_variation")],
)
def test_every_field_of_the_client_is_in_the_document(
    server: Server, path: str, method: str
) -> None:
    document = json.loads(server.get("/openapi.json")[2])
    content = document["paths"][f"/v1/images/{path}"]["post"]["requestBody"]["content"]
    (schema,) = (each["schema"] for each in content.values())
    name = schema.get("$ref", "").rpartition("/")[2]
    fields = (document["components"]["schemas"][name] if name else schema)["properties"]
    own = set(inspect.signature(getattr(Images, method)).parameters)
    own -= {"self", "extra_headers", "extra_query", "extra_body", "timeout"}
    assert own - set(fields) <= {"markup"}


@pytest.mark.parametrize("form", FORMATS)
def test_formats(client: OpenAI, form: Any) -> None:
    answer = client.images.generate(
        model="gan-mnist", prompt="7", output_format=form, extra_body={"seed": 1}
    )
    assert answer.data is not None
    image = image_of(answer.data[0].b64_json)
    assert (image.format, image.size) == (FORMATS[form], (28, 28))
    assert answer.output_format == form


def test_compression_makes_files_smaller(client: OpenAI) -> None:
    sizes = [
        len(
            client.images.generate(
                model="flow-emoji",
                prompt="a cat",
                output_format="jpeg",
                output_compression=compression,
                extra_body={"seed": 1, "steps": 2},
            )
            .data[0]  # type: ignore[index]
            .b64_json
        )
        for compression in (5, 95)
    ]
    assert sizes[0] < sizes[1]


def test_a_url_is_served(client: OpenAI, server: Server) -> None:
    answer = client.images.generate(
        model="gan-mnist", prompt="7", response_format="url", output_format="webp"
    )
    assert answer.data is not None
    url = answer.data[0].url
    assert url is not None
    assert url.startswith(f"{server.url}/files/")
    with urlopen(url) as file:
        assert file.headers["content-type"] == "image/webp"
        assert Image.open(io.BytesIO(file.read())).format == "WEBP"
    assert server.get("/files/none.png")[0] == 404


def test_an_edit_makes_what_is_transparent_in_the_mask(client: OpenAI, tmp_path: Path) -> None:
    mask = Image.new("RGBA", (32, 32), (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (0, 0, 16, 32))
    mask.save(tmp_path / "mask.png")
    (tmp_path / "in.png").write_bytes(png((32, 32), (200, 30, 60)))
    answer = client.images.edit(
        model="flow-emoji",
        image=(tmp_path / "in.png").open("rb"),
        mask=(tmp_path / "mask.png").open("rb"),
        prompt="a cat",
        extra_body={"seed": 5, "steps": 3},
    )
    assert answer.data is not None
    made = pixels(answer.data[0].b64_json or "")
    assert (made[:, 16:] == (200, 30, 60)).all()
    assert not (made[:, :16] == (200, 30, 60)).all()
    arguments = ["a cat", "--input", str(tmp_path / "in.png"), "--mask", str(tmp_path / "mask.png")]
    (alone,) = made_by_run(tmp_path, "flow-emoji", *arguments, "--seed=5", "--steps=3")
    assert apart(made, alone) <= 1


def test_what_is_transparent_in_the_picture_is_its_mask(client: OpenAI) -> None:
    image = Image.new("RGBA", (32, 32), (200, 30, 60, 255))
    image.paste((0, 0, 0, 0), (0, 0, 32, 8))
    file = io.BytesIO()
    image.save(file, "PNG")
    answer = client.images.edit(
        model="flow-emoji", image=file.getvalue(), prompt="a cat", extra_body={"steps": 2}
    )
    assert answer.data is not None
    assert (pixels(answer.data[0].b64_json or "")[8:] == (200, 30, 60)).all()


def test_an_edit_without_a_mask_is_a_variation(client: OpenAI, tmp_path: Path) -> None:
    (tmp_path / "in.png").write_bytes(png((28, 28), 90, "L"))
    edited = client.images.edit(
        model="flow-mnist",
        image=(tmp_path / "in.png").open("rb"),
        prompt="",
        extra_body={"seed": 2, "steps": 4},
    )
    varied = client.images.create_variation(
        model="flow-mnist",
        image=(tmp_path / "in.png").open("rb"),
        extra_body={"seed": 2, "steps": 4},
    )
    arguments = [
        "--input",
        str(tmp_path / "in.png"),
        *["--strength", "0.6", "--seed", "2", "--steps", "4"],
    ]
    (alone,) = made_by_run(tmp_path, "flow-mnist", *arguments)
    for answer in (edited, varied):
        assert answer.data is not None
        assert apart(pixels(answer.data[0].b64_json or ""), alone) <= 1


def test_several_inputs_are_each_varied(client: OpenAI) -> None:
    answer = client.images.edit(
        model="flow-emoji",
        image=[png(colour="red"), png(colour="blue")],
        prompt="a cat",
        extra_body={"strength": 0, "steps": 2},
    )
    assert answer.data is not None
    red, blue = (pixels(datum.b64_json or "") for datum in answer.data)
    assert red[..., 0].mean() > 250
    assert blue[..., 2].mean() > 250


def test_options_and_conditions_of_genzoo(client: OpenAI, tmp_path: Path) -> None:
    extra = {
        "seed": 4,
        "steps": 3,
        "sampler": "heun",
        "guidance": 2.0,
        "negative_prompt": "a dog",
        "conditions": {"style": "noto"},
    }
    answer = client.images.generate(model="flow-emoji", prompt="a cat", extra_body=extra)
    edited = client.images.edit(
        model="flow-emoji",
        image=png(),
        prompt="a cat",
        extra_body={**extra, "strength": 1},
    )
    arguments = ["a cat", "--seed", "4", "--steps", "3", "--sampler", "heun", "--guidance", "2"]
    arguments += ["--negative", "a dog", "--set", "style=noto"]
    (alone,) = made_by_run(tmp_path, "flow-emoji", *arguments)
    for each in (answer, edited):
        assert each.data is not None
        assert apart(pixels(each.data[0].b64_json or ""), alone) <= 1


def test_a_stream_shows_pictures_on_their_way(client: OpenAI) -> None:
    stream = client.images.generate(
        model="flow-mnist",
        prompt="7",
        n=2,
        stream=True,
        partial_images=3,
        extra_body={"seed": 6, "steps": 8},
    )
    events = list(stream)
    partial, finished = events[:6], events[6:]
    assert [event.type for event in partial] == ["image_generation.partial_image"] * 6
    assert [e.partial_image_index for e in partial] == [0, 0, 1, 1, 2, 2]  # type: ignore[union-attr]
    assert [event.type for event in finished] == ["image_generation.completed"] * 2
    plain = client.images.generate(
        model="flow-mnist", prompt="7", n=2, extra_body={"seed": 6, "steps": 8}
    )
    assert plain.data is not None
    for event, datum in zip(finished, plain.data, strict=True):
        assert apart(pixels(event.b64_json), pixels(datum.b64_json or "")) <= 1
    noise, nearly = (pixels(partial[i].b64_json) for i in (0, 4))
    last = pixels(finished[0].b64_json)
    assert abs(nearly - last).mean() < abs(noise - last).mean()


def test_an_edit_streams(client: OpenAI) -> None:
    stream = client.images.edit(
        model="flow-mnist",
        image=png((28, 28)),
        prompt="7",
        stream=True,
        partial_images=1,
        extra_body={"steps": 6},
    )
    assert [event.type for event in stream] == [
        "image_edit.partial_image",
        "image_edit.completed",
    ]


def test_a_stream_without_partial_images(client: OpenAI) -> None:
    stream = client.images.generate(model="gan-mnist", prompt="7", stream=True)
    assert [event.type for event in stream] == ["image_generation.completed"]


@pytest.mark.parametrize(
    ("fields", "message", "param"),
    [
        ({"model": "none"}, "no model 'none'", "model"),
        ({"model": "/etc/passwd"}, "no model", "model"),
        ({"model": "hf://owner/repo"}, "no model", "model"),
        ({"size": "64x64"}, "size is 64x64; gan-mnist makes 28x28", "size"),
        ({"size": "large"}, "size", "size"),
        ({"prompt": "eleven"}, "no class 'eleven'", None),
        ({"n": 0}, "n: ", "n"),
        ({"n": 10**9}, "n: ", "n"),
        ({"response_format": "file"}, "response_format", "response_format"),
        ({"extra_body": {"loras": ["x"]}}, "unknown field 'loras'; known: .*seed", "loras"),
        ({"extra_body": {"seed": -1}}, "seed", "seed"),
        ({"extra_body": {"seed": 2**63}}, "seed", "seed"),
        ({"extra_body": {"seed": "7"}}, "seed", "seed"),
        ({"extra_body": {"steps": 3}}, "has no option 'steps'", None),
        ({"extra_body": {"guidance": float("1e300")}}, "guidance", None),
        ({"extra_body": {"options": {"path": "/etc"}}}, "has no option 'path'", None),
    ],
)
def test_what_is_refused_says_why(
    client: OpenAI, fields: dict[str, Any], message: str, param: str | None
) -> None:
    plain: dict[str, Any] = {"model": "gan-mnist", "prompt": "7"}
    with pytest.raises(openai.APIStatusError, match=message) as caught:
        client.images.generate(**{**plain, **fields})
    assert caught.value.status_code == (404 if param == "model" else 400)
    assert caught.value.param == param


def test_a_stream_that_is_refused_has_a_status(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="no class"):
        client.images.generate(model="gan-mnist", prompt="eleven", stream=True)


def test_a_key(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a-key\n")
    with Server("gan-mnist", "--api-key-file", str(tmp_path / "key")) as server:
        url = f"{server.url}/v1"
        with (
            OpenAI(base_url=url, api_key="b-key", max_retries=0) as client,
            pytest.raises(openai.AuthenticationError, match="wrong API key"),
        ):
            client.models.list()
        for wrong in ("", "a-key2", "a-ke", "\xff\xfe", "a-key a-key"):
            status, message = error_of(server.get("/v1/models", Authorization=f"Bearer {wrong}"))
            assert (status, message) == (401, "wrong API key")
        assert error_of(server.get("/v1/models"))[1].startswith("no API key")
        with OpenAI(base_url=url, api_key="a-key", max_retries=0) as client:
            assert [model.id for model in client.models.list()] == ["gan-mnist"]
            assert client.images.generate(prompt="7").data  # the only model needs no name
        assert server.get("/metrics")[0] == 401
        assert server.get("/healthz")[0] == 200
        assert server.get("/v1/models", Authorization="bearer a-key")[0] == 200
        assert server.get("/v1/models", Authorization="Basic a-key")[0] == 401


@pytest.mark.parametrize("precision", ["auto", "bf16"])
def test_a_server_says_of_half_precision_that_it_is_slow_here(precision: str) -> None:
    with Server("gan-mnist", "--precision", precision) as server:
        said = any("no instructions for bf16: fp32 would be faster" in s for s in server.lines)
    assert said == (precision == "bf16" and not processor_has("bf16"))
