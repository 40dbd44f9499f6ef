import pytest

from bot.voice.tongues import normal_code
from trainer.data.languages import is_code, is_in

ENGLISH = "The kettle is on, and the fog is moving slowly towards the harbour."
GERMAN = "Das Wasser kocht, und der Nebel zieht langsam auf den Hafen zu."


@pytest.mark.parametrize(
    ("text", "said", "wanted", "expected"),
    [
        (ENGLISH, "en", {"en"}, True),
        (ENGLISH, "de", {"en"}, False),  # the archive's word
        (ENGLISH, "en-GB", {"en"}, True),
        ("Selamat pagi", "in", {"id"}, True),  # X's former codes
        (ENGLISH, None, {"en"}, True),
        (GERMAN, None, {"en"}, False),
        (GERMAN, "und", {"en"}, False),  # X: nobody knows
        (GERMAN, "qme", {"de", "en"}, True),
        ("Oh no!", None, {"en"}, True),
        ("Hm. Tja.", None, {"en"}, True),  # too short to tell
        ("Ich habe gar keine Ahnung", None, {"en"}, False),  # short, and yet clear
        ("Sehr schönes Wetter heute", None, {"de"}, True),
        ("日本語の文章です", None, {"ja"}, True),
        ("Hei på deg, dette er en fin dag i Oslo og hjemme", "no", {"nb"}, True),
    ],
)
def test_a_post_is_kept_by_its_language(
    text: str, said: str | None, wanted: set[str], expected: bool
) -> None:
    assert is_in(wanted, text, said) is expected


@pytest.mark.parametrize(("given", "normal"), [("pt-BR", "pt"), ("IW", "he"), ("zh_Hant", "zh")])
def test_codes_are_compared_without_region_in_todays_form(given: str, normal: str) -> None:
    assert normal_code(given) == normal


@pytest.mark.parametrize("word", ["english", "archive.zip", "e", ""])
def test_what_is_no_code_is_none(word: str) -> None:
    assert not is_code(word)
