"""What counts as a fact, and what became of it in a text."""

import pytest

from bot.voice.facts import check, facts

NOTES = """sailed to Port Almond with @goose, 1,200 miles, 3 of us
"no fog at all" says Brenda; see https://example.org/log #harbour"""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Met Ada Byron in Kirkwall.", ["Ada Byron", "Kirkwall"]),
        ("It is 31-28 at 5:30pm, up 4.9%", ["31-28", "5:30pm", "4.9"]),
        ("Thanks @goose@sea.example and @fog", ["@goose@sea.example", "@fog"]),
        ("See example.org/page. Now", ["example.org/page"]),
        ("#Fog2021 is not #1", ["#Fog2021", "1"]),
        ("She said “the ferry is late” and «non»", ["the ferry is late"]),
        ("Sen. Fennimore met Dr. Okafor", ["Fennimore", "Okafor"]),
        ("I'm here. Nobody else is.", []),
        ("NEVER AGAIN WILL WE SAIL", []),
        ("We need 2hold the line 4the harbour", []),
        ("The 21st of 76ppl", ["21st", "76ppl"]),
        ("Die Fähre nach Wismar fährt nicht", ["Wismar"]),
        ("about\n1. fog\n2) 3 cups", ["3"]),
        ("(2) Fog again, 3 cups", ["3"]),
        ("今日は3人で東京へ行きました", ["3"]),
    ],
)
def test_facts_are_numbers_names_handles_tags_links_and_quotations(
    text: str, found: list[str]
) -> None:
    assert [fact.text for fact in facts(text)] == found


@pytest.mark.parametrize(
    ("given", "text", "missing", "added"),
    [
        (NOTES, NOTES, (), ()),
        (NOTES, "Three of us sailed 1200 miles to Port Almond", 5, ()),
        ("12 nurses in Kirkwall", "Twelve nurses in Kirkwall", (), ()),
        ("twelve nurses", "12 nurses!", (), ()),
        ("snow day", "Hooray #SnowDay", (), ()),
        ("the national harbour committee", "It is the Natl Harbour Cmte", (), ()),
        ("the harbour was shut before us", "It was shut b4 us", (), ()),
        ("met Nora O'Dell", "Met Nora O’Dell", (), ()),
        ("met Nora O’Dell", "Met Nora O'Dell", (), ()),
        ("snow day", "Hooray #IceDay", (), ("#IceDay",)),
        ("in Sept we sail", "We sail in September", (), ()),
        ("kirkwall is far", "So far is Kirkwall", (), ()),
        ("3 inches of snow", "It is 13 inches of snow", ("3",), ("13",)),
        ("all fine", "All fine at Starling School, 4 ppl", (), ("4", "Starling School")),
        ("he said no", 'He said "no new harbour" there', (), ("no new harbour",)),
        ("see example.org/a", "See https://www.example.org/a.", (), ()),
        ("see example.org/a", "See example.org/b", ("example.org/a",), ("example.org/b",)),
        ("Thanks @fog", "Thanks fog", ("@fog",), ()),
        ("target £750, at £412 so far", "At $412 of 750", ("£412",), ("$412",)),
        ("$5 for Ann, 12€ of Bob", "$ 5 for Ann, € 12 of Bob", (), ()),
        ("9 for Ann", "£9 for Ann", (), ()),
        ("fog for Ann", "1️⃣ fog for Ann\n2- tea <3", (), ()),
        ("to j.fog@sea.example", "To J.Fog@sea.example, j@mist.example", (), ("j@mist.example",)),
        (
            "ask @fog@sea.example",
            "ask fog@sea.example",
            ("@fog@sea.example",),
            ("fog@sea.example",),
        ),
    ],
)
def test_a_text_is_compared_with_all_that_was_given(
    given: str, text: str, missing: tuple[str, ...] | int, added: tuple[str, ...]
) -> None:
    found = check(given, text)
    assert found.added == added
    assert (len(found.missing) if isinstance(missing, int) else found.missing) == missing
    assert len(found.kept) + len(found.missing) == len(facts(given))


def test_usual_words_are_no_additions_but_usual_figures_are() -> None:
    usual = {"iowa", "2day", "5"}
    assert check("all fine", "All fine 2day in Iowa, 5 of us", usual).added == ("5",)


@pytest.mark.parametrize(
    ("notes", "text", "missing", "added"),
    [
        ("did not sign it", "I didn’t sign it", (), ()),
        ("not signed, will not sign", "I have signed it. I will not sign it", ("not",), ()),
        ("nobody minded", "No one minded at all", (), ()),
        ("all fine with the ferry", "Not all is fine with the ferry", (), ("not",)),
        ("patients get care without bills", "Patients get care w/o bills", (), ()),
        ("we dont raise taxes here", "We will raise taxes here", ("dont",), ()),
        ("die Fähre kam nicht und kommt nie", "Die Fähre kam und kommt nie", ("nie",), ()),
        ("no vino nadie a la fiesta ayer", "Nadie vino a la fiesta ayer", (), ()),
        ("no vino nadie a la fiesta ayer", "Todos a la fiesta de ayer", ("no", "nadie"), ()),
        ("霧が出ない朝", "霧が出る朝です", (), ()),  # no table tells which words say no
    ],
)
def test_a_text_says_no_as_often_as_the_notes(
    notes: str, text: str, missing: tuple[str, ...], added: tuple[str, ...]
) -> None:
    found = check(notes, text, notes=notes)
    assert (found.no_missing, found.no_added) == (missing, added)
    bare = check(notes, text)  # a topic or a wish says what it likes
    assert (bare.no_missing, bare.no_added) == ((), ())
