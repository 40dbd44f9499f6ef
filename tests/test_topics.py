import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.data.tokens import readable
from trainer.data.topics import LONGEST_TOPIC, MOST, Vocabulary, find_topics, learn_habits

ARCHIVE = [
    "Wrote to the Department of Justice about Wall Street. Today we are still waiting.",
    "The harbour is quiet today. The ferry to Port Almond left without Ada Lovelace.",
    "We went to Port Almond today, and we are not going again. I love the harbour.",
    "She is still at Port Almond with Ada, and the fog is still at the harbour.",
    "Nothing at the harbour today but fog and a night shift.",
    "Another night shift, another kettle. The fog is not what it was.",
    "My night shift begins, and the kettle is broken.",
]
HABITS = learn_habits(ARCHIVE)


def found(
    text: str, *tags: str, names: tuple[str, ...] = (), habits: Vocabulary = HABITS
) -> list[str]:
    return [f"{t.source}: {t.text}" for t in find_topics(text, tags, names, habits)]


@pytest.mark.parametrize(
    ("text", "tags", "topics"),
    [
        ("All of it #MedicareForAll", (), ["hashtag: Medicare For All"]),
        ("no mark in it", ("#FogReport",), ["hashtag: Fog Report"]),
        ("we're #1 in it", (), []),
        ("thanks to @river_otter7", (), ["mention: river otter"]),
        ("thanks to @ro_1", ("@ro_1 River Otter 🦦",), ["mention: River Otter"]),
        ("their name is not in it", ("@river_otter River Otter",), []),
        ("mail me@example.org", (), []),
    ],
)
def test_what_is_marked_is_a_topic(text: str, tags: tuple[str, ...], topics: list[str]) -> None:
    marked = [t for t in found(text, *tags, habits=Vocabulary()) if not t.startswith("phrase")]
    assert marked == topics


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        ("They went to Port Almond and back", ["capitalised: Port Almond"]),
        ("Today the Department of Justice wrote", ["capitalised: Department of Justice"]),
        ("Ada's kettle", ["capitalised: Ada"]),  # begins the sentence, and is a name elsewhere too
        ("Harbour news: none", ["phrase: harbour"]),  # begins the sentence, and is no name
        ("It was HARBOUR season, in St. Ives", ["capitalised: St. Ives"]),  # shouted
        ("See you on Monday in October, Senator", []),
        ("The Harbour Was Very Quiet With Fog", ["phrase: quiet"]),  # a headline
        ("The Queen of the Fog Came To Port Almond", ["capitalised: Port Almond"]),
        (
            "I met Ada and Port Almond's Edwin B. Quill",
            ["capitalised: Ada", "capitalised: Port Almond", "capitalised: Edwin B. Quill"],
        ),
    ],
)
def test_capitalised_spans_are_topics_where_the_author_means_names(
    text: str, topics: list[str]
) -> None:
    assert found(text) == topics


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("yet another night shift and i am cold", "phrase: night shift"),
        ("the kettle sings", "phrase: kettle"),
    ],
)
def test_a_writer_without_capitals_gets_a_phrase(text: str, topic: str) -> None:
    assert found(text) == [topic]


def test_a_post_about_nothing_has_no_topic() -> None:
    assert found("Well. That was that, then!") == []


def test_names_of_a_recogniser_come_before_capitalised_spans() -> None:
    assert found("Ada, in lagos", names=("lagos", " Ada Lovelace ")) == [
        "ner: lagos",
        "ner: Ada Lovelace",
    ]


def test_a_topic_is_named_once() -> None:
    text = "#PortAlmond: Port Almond, @portalmond and Ada Lovelace. And Ada."
    assert found(text) == ["hashtag: Port Almond", "capitalised: Ada Lovelace"]


@given(
    st.text()
    | st.lists(st.sampled_from([*" ".join(ARCHIVE).split(), "#Fog", "@ada"])).map(" ".join)
)
def test_topics_are_few_short_and_differ(text: str) -> None:
    topics = [t.text for t in find_topics(text, (), (), HABITS)]
    assert len(topics) <= MOST
    assert all(0 < len(t) <= LONGEST_TOPIC and t == t.strip() for t in topics)
    assert len({t.casefold() for t in topics}) == len(topics)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("MedicareForAll", "Medicare For All"),
        ("NASANewHorizons", "NASA New Horizons"),
        ("Space_Station", "Space Station"),
        ("SenJohnMcCain", "Sen John McCain"),
        ("COVID19", "COVID19"),
        ("2020Election", "2020 Election"),
        ("iPhone", "iPhone"),
        ("turkeywatch", "turkeywatch"),
        ("ÉcoleNormale", "École Normale"),
        ("霧", "霧"),
    ],
)
def test_names_are_split_into_words(name: str, words: str) -> None:
    assert readable(name) == words
