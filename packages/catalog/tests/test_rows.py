"""Formats and errors: what a row says, and rows that cannot be."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
from immichvr_catalog import ERRORS, FORMATS, SERVICES, CatalogError, ErrorCode, PerGaussian, format_options


def test_memory_grows_with_the_coefficients_above_degree_0() -> None:
    each = PerGaussian(40, 2)
    assert [each.bytes(10, degree) for degree in range(4)] == [400, 580, 880, 1300]


def test_an_option_that_formats_have_with_different_values_has_all_of_them() -> None:
    options = format_options()
    assert options["order"].values == ("file", "morton", "importance")
    assert options["spz_version"].flag == "--spz-version"


def test_a_format_tells_which_options_it_has_under_both_of_their_names() -> None:
    spz = FORMATS["spz"]
    assert spz.arguments == ("version", "sh_degree", "frame", "order")
    assert spz.option("ksplat_level") is None
    version = spz.option("spz_version")
    assert version is not None
    assert version.argument == "version"


@pytest.mark.parametrize("wrong", [{"name": "SPZ"}, {"extensions": ()}, {"extensions": ("spz",)}])
def test_a_format_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(CatalogError):
        replace(FORMATS["spz"], **wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        ("Odd", "It is odd.", "Wait."),
        ("odd", "It is odd", "Wait."),
        ("odd", "It is odd.", ""),
        ("odd", "A.", "B.", (200,)),
    ],
)
def test_an_error_that_cannot_be_is_refused(wrong: tuple[object, ...]) -> None:
    with pytest.raises(CatalogError):
        ErrorCode(*wrong)  # type: ignore[arg-type]


def test_all_of_it_is_printed_for_what_is_not_written_in_python() -> None:
    printed = subprocess.run([sys.executable, "-m", "immichvr_catalog"], capture_output=True, text=True, check=True)
    document = json.loads(printed.stdout)
    assert set(document) == {"services", "kinds", "assets", "formats", "errors", "sources"}
    assert set(document["errors"]) == set(ERRORS)
    assert document["services"]["ai"]["env_prefix"] == SERVICES["ai"].env_prefix
