"""The script of letters."""

import sys
import unicodedata

import pytest

from multiprune.experiment.language_table import load_table, script_names
from multiprune.fetch.letters import share_of_script


@pytest.mark.parametrize(
    ("text", "script", "share"),
    [
        ("Haus, 12!", "Latn", 1.0),
        ("дом a", "Cyrl", 0.75),
        ("家を建てる", "Jpan", 1.0),
        ("家", "Kore", 1.0),
        ("집", "Kore", 1.0),
        ("家", "Hans", 1.0),
        ("を", "Hans", 0.0),
        ("घर", "Deva", 1.0),
        ("12 !", "Latn", 0.0),
    ],
)
def test_share_of_the_letters(text, script, share):
    assert share_of_script(text, script) == share


def test_every_script_of_the_language_table_has_letters():
    letters = filter(str.isalpha, map(chr, range(sys.maxunicode)))
    one_a_name = {unicodedata.name(letter, "").split(" ")[0]: letter for letter in letters}
    letters = "".join(one_a_name.values())
    scripts = {entry.script for entry in load_table()}
    assert scripts <= script_names().keys()
    assert not [script for script in sorted(scripts) if not share_of_script(letters, script)]
