"""What /openapi.json says is what the server does, tried by schemathesis."""

from __future__ import annotations

import json

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance
from serving import Server, error_of


def check(server: Server, examples: int) -> None:
    """Send what the document allows, and what it does not, to each operation."""
    schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    for found in schema.get_all_operations():
        operation = found.ok()

        @given(case=operation.as_strategy())
        @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
        def conforms(case: schemathesis.Case) -> None:
            answer = case.call()
            case.validate_response(answer, checks=[not_a_server_error, response_schema_conformance])
            if answer.status_code >= 400:
                headers = {name.lower(): value[0] for name, value in answer.headers.items()}
                assert error_of((answer.status_code, headers, answer.content))[0] != 422

        conforms()


def test_it_does_what_its_document_says(server: Server) -> None:
    check(server, 5)


@pytest.mark.long
def test_it_does_what_its_document_says_for_long(server: Server) -> None:
    check(server, 300)


def test_the_document_lists_the_routes(server: Server) -> None:
    document = json.loads(server.get("/openapi.json")[2])
    assert {
        "/v1/models",
        "/v1/images/generations",
        "/v1/images/edits",
        "/v1/images/variations",
        "/v1/images/encodings",
    } <= set(document["paths"])
    status, headers, page = server.get("/docs")
    assert status == 200
    assert "default-src 'none'" in headers["content-security-policy"]
    assert b"//" not in page  # nothing from another host
