import pytest

from multiprune.errors import InputError
from multiprune.fetch.definitions import parse_definition


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "is not JSON"), ("[1]", "a JSON object is expected"), ("{}", "lacks kind")],
)
def test_definition_from_the_command_line(text, message):
    with pytest.raises(InputError, match=message):
        parse_definition(text, ["kind"])
    assert parse_definition('{"kind": "x"}', ["kind"]) == {"kind": "x"}
