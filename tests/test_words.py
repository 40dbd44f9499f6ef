"""Words are found in any script: Latin letters, signs on letters, and no spaces at all."""

import re
import sys
import unicodedata
from hashlib import blake2b
from pathlib import Path

import pytest

from bot.voice.copies import Copies
from bot.voice.others import OTHERS_FILE, Others
from bot.voice.ranker import features
from bot.voice.words import LETTERS, words_in
from bot.writing.screen import WordList
from bot.writing.thread import split_thread
from trainer.data.near_copies import NearCopies
from trainer.judging.measures import StyleView, habits

FERRIES = [
    "今日のフェリーは霧のため三十分遅れて港を出ます。",  # Japanese
    "今天早上渡轮因为大雾晚了半个小时才离开港口。",  # Chinese
    "วันนี้เรือข้ามฟากออกจากท่าช้าไปครึ่งชั่วโมงเพราะหมอก",  # Thai
    "ມື້ນີ້ເຮືອຂ້າມຟາກອອກຈາກທ່າຊ້າເຄິ່ງຊົ່ວໂມງ",  # Lao
    "ថ្ងៃនេះសាឡាងចេញពីកំពង់ផែយឺតកន្លះម៉ោងដោយសារអ័ព្ទក្រាស់នៅលើទន្លេ",  # Khmer
    "आज कोहरे के कारण नाव आधे घंटे देर से चली।",  # Hindi
    "تأخرت العبّارة اليوم نصف ساعة بسبب الضباب فوق الميناء.",  # Arabic
    "המעבורת יצאה היום באיחור של חצי שעה בגלל הערפל.",  # Hebrew
    "Lautta lähti tänään satamasta puoli tuntia myöhässä sumun takia.",  # Finnish
]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't go, it’s #1 at a café", ["Don't", "go", "it’s", "1", "at", "a", "café"]),
        ("cafe\u0301 i\u0307slam", ["cafe\u0301", "i\u0307slam"]),
        ("हिन्दी में नाव", ["हिन्दी", "में", "नाव"]),
        ("می\u200cخواهم بروم", ["می\u200cخواهم", "بروم"]),
        ("שָׁלוֹם לָךְ", ["שָׁלוֹם", "לָךְ"]),
        ("港で12人のAI技術", ["港", "で", "12", "人", "の", "AI", "技術"]),
        ("เรือออกจากท่า", ["เรือ", "ออก", "จาก", "ท่า"]),
        ("👩‍💻❤️ 1️⃣", ["1"]),
    ],
)
def test_words_are_those_of_their_script(text: str, words: list[str]) -> None:
    assert words_in(text) == words


def test_every_sign_on_a_letter_belongs_to_its_word() -> None:
    """Signs of symbols, and those that choose an emoji's look, do not."""
    apart = re.compile("[\u20d0-\u20ff\ufe00-\ufe2f\U00010000-\U0010ffff]")
    marks = [chr(c) for c in range(sys.maxunicode) if unicodedata.category(chr(c))[0] == "M"]
    whole = re.compile(LETTERS)
    lost = [hex(ord(m)) for m in marks if not apart.match(m) and not whole.fullmatch(f"a{m}")]
    assert lost == []
    others = [chr(c) for c in range(0x10000) if unicodedata.category(chr(c))[0] in "PSZ"]
    assert [hex(ord(c)) for c in others if c != "_" and whole.fullmatch(f"a{c}")] == []


@pytest.mark.parametrize("text", FERRIES)
def test_a_passage_of_another_text_is_found_in_every_script(text: str) -> None:
    longer = f"{text} {text[len(text) // 3 :]}"
    copies, other = Copies([text]), Copies(FERRIES[:1] if text != FERRIES[0] else FERRIES[1:])
    assert copies.is_near_copy(longer)
    assert not other.is_near_copy(longer)
    assert list(NearCopies([[text]]).copied_by([text + "!"])) == [(0, 0)]
    assert not list(NearCopies([[f for f in FERRIES if f != text]]).copied_by([text]))


def test_somebody_elses_words_are_known_by_files_of_before(tmp_path: Path) -> None:
    """Hashes of eight pieces of Japanese in a row, as they were taken when it had no words."""
    pieces = (
        "霧です 船は遅れます 港は静かです 猫がいます 雨も降ります 風も出ます 鐘が鳴ります 朝です"
    )
    digest = blake2b(pieces.encode(), digest_size=4).digest()
    (tmp_path / OTHERS_FILE).write_bytes(digest)
    text = "。".join(pieces.split())
    assert Others.load(tmp_path).wrote(f"お知らせ。{text}")
    now = Others()
    now.add(text)
    assert now.wrote(f"朝から{text}")
    assert not now.wrote("船は遅れます。猫がいます。")


@pytest.mark.parametrize("text", FERRIES)
def test_the_ranker_and_the_judge_see_words_and_sentences(text: str) -> None:
    twice = features(f"{text} {text}", None)
    assert f"words {2 * len(words_in(text))}" in twice
    assert f"words {2 * len(words_in(text)) + 1}" not in twice
    assert StyleView([text, text, "?"])(text) == text, "words of every post are manner"
    shapes = StyleView(["?"] * 9)(text)
    assert shapes.count("x") + shapes.count("X") == len(words_in(text))


def test_sentences_end_and_questions_are_asked_in_other_scripts_too() -> None:
    assert "sentences 3" in features("霧です。船は？もう来た！", None)
    assert "sentences 2" in features("आज कोहरा है। नाव नहीं आई।", None)
    assert "sentences 2" in features("هل جاءت؟ نعم۔", None)
    assert "commas 2" in features("霧、雨、雪", None)
    found = habits(["もう来た？", "هل جاءت؟", "来た！", "Has it?"])
    assert (found.questions, found.exclamations) == (0.75, 0.25)


@pytest.mark.parametrize(
    ("text", "most", "first"),
    [
        ("フェリーは遅れます。霧です。港で船を待っています。", 24, "フェリーは遅れます。霧です。"),
        ("今日は霧です詳細はhttps://a.example/b", 26, "今日は霧です詳細は"),
        ("วันนี้เรือข้ามฟากออกจากท่าช้าไปครึ่งชั่วโมง", 26, "วันนี้เรือข้ามฟากออก"),
    ],
)
def test_a_thread_is_cut_at_words_and_sentences_without_spaces(
    text: str, most: int, first: str
) -> None:
    parts = split_thread(text, most, len)
    assert parts[0] == f"{first} (1/{len(parts)})"
    assert "".join(part.rpartition(" (")[0] for part in parts) == text


def test_a_blocked_word_is_found_where_no_space_parts_it() -> None:
    blocked = WordList(["馬鹿", "नाव", "ferry"])
    assert blocked.meets("あの馬鹿野郎め")
    assert blocked.meets("आज नाव आई")
    assert not blocked.meets("馬と鹿、ferryman")
