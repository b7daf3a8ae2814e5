"""Files of claims: those of the project, and mistakes in others."""

import pytest

from multiprune.claims.reading import read_claims
from multiprune.errors import InputError
from unit.claims.small_records import CLAIMS, ENTRY, claim_of, claims_of, measured


def test_the_projects_claims_are_valid_and_say_what_is_second_hand():
    claims = {claim.key: claim for claim in read_claims(CLAIMS)}
    first = {key for key, claim in claims.items() if not claim.second_hand}
    assert first == {
        "sparsity-harms", "m-wanda-improves", "m-wanda-time", "m-wanda-memory",
        "bilingual-accuracy", "bilingual-perplexity",
    }  # fmt: skip
    assert claims["m-wanda-improves"].each == "language"
    assert {claim.paper_value for claim in claims.values()} == {"unverified"}
    assert claims["bilingual-accuracy"].languages == "non-reference"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"threshhold": 1}, r"claims\.it: unknown key 'threshhold'.*did you mean 'threshold'"),
        ({"direction": "down"}, r"claims\.it\.direction: unknown value 'down': allowed are above"),
        ({"threshold": "low"}, r"threshold: found 'low', allowed is a value of type number"),
        ({"threshold": 0}, r"threshold: found 0, allowed is > 0 for a ratio"),
        ({"measurement": measured("speed")}, r"measurement\.kind: unknown kind 'speed'"),
        ({"measurement": measured("cost_ratio")}, r"measurement: resource is missing"),
        ({"measurement": {"kind": "cost_ratio"}}, r"measurement: method is missing"),
        ({"scope": {"languages": "some"}}, r"scope\.languages: unknown value 'some'"),
        ({"scope": {"sparsity": 1.5}}, r"scope\.sparsity: found 1\.5, allowed is"),
        ({"each": "sparsity"}, r"each: found sparsity, allowed only for perplexity_ratio without"),
        (
            {"measurement": measured("accuracy_difference"), "scope": {}},
            r"scope\.sparsity: is missing",
        ),
        (
            {"measurement": measured("cost_ratio", resource="seconds"), "each": "language"},
            r"each: found language, but a cost has no languages",
        ),
    ],
)
def test_a_mistake_in_a_claim_is_one_line_with_the_file(tmp_path, changes, message):
    with pytest.raises(InputError, match=message) as caught:
        claim_of(tmp_path, **changes)
    assert str(caught.value).startswith(f"{tmp_path}/claims.yaml: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", ["=1+1", "](javascript:x)", "-a", "a b", ""])
def test_the_key_of_a_claim_is_a_plain_name(tmp_path, key):
    with pytest.raises(InputError, match=r"claims\.yaml: claims: .*allowed") as caught:
        claims_of(tmp_path, **{key: ENTRY})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["-0.5 as in the paper", "+12.3 points, Table 2", "=1+1", "@a"])
def test_sentences_of_a_claim_may_begin_with_any_mark(tmp_path, text):
    places = ("statement", "source", "threshold_note", "paper_value", "paper_source")
    claim = claim_of(tmp_path, **dict.fromkeys(places, text))
    assert {claim.statement, claim.paper_value, claim.paper_source} == {text}


@pytest.mark.parametrize("place", ["statement", "paper_value"])
@pytest.mark.parametrize("text", ["a\n=1+1", "\t=1", "a\rb"])
def test_sentences_of_a_claim_stand_on_one_line(tmp_path, place, text):
    with pytest.raises(InputError, match=rf"claims\.it\.{place}: .*line break"):
        claim_of(tmp_path, **{place: text})


@pytest.mark.parametrize("text", ["claims: [", "- a", "claims: {}", ""])
def test_a_file_without_claims_is_one_line(tmp_path, text):
    path = tmp_path / "claims.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=r"claims\.yaml: .+") as caught:
        read_claims(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="no such file"):
        read_claims(tmp_path / "none.yaml")
