import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.archives.post import Post, PostKind
from trainer.data.clean import OWN, Reason, clean

TCO = "https://t.co/aB3dE5gH7j"


def cleaned(text: str, kind: PostKind = "original") -> tuple[str, Reason | None]:
    return clean(Post("1", None, text, kind), OWN)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello   there\tyou\u00a0all ", "Hello there you all"),
        ("One  \n \n\n Two", "One\n\n\nTwo"),
        ("One\r\nTwo\rThree", "One\nTwo\nThree"),
        ("SHOUT… “quotes” — dash 👩‍👩‍👧 ❤️ ?!", "SHOUT… “quotes” — dash 👩‍👩‍👧 ❤️ ?!"),
        ("zero\u200bwidth\ufeff and \x00control", "zerowidth and control"),
        (f"A link {TCO}", "A link"),
        (f"A link {TCO} {TCO}", "A link"),
        (f"{TCO} in front", "in front"),
        (f"See {TCO}: it is (truly) good", "See: it is (truly) good"),
        (f"In brackets ({TCO}).", "In brackets."),
        (f"Lines\n\n{TCO}\nend", "Lines\n\n\nend"),
        ("Old: http://example.org/a?b=c#d, and on", "Old:, and on"),
        ("@other directed at nobody", "@other directed at nobody"),
        ("&amp; stays what it is", "&amp; stays what it is"),
    ],
)
def test_a_text_is_cleaned_and_else_kept_as_it_is(text: str, expected: str) -> None:
    assert cleaned(text) == (expected, None)


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("@a @b_1  And so on @c", "self_reply", "And so on @c"),
        ("@a\n\nAnd so on", "self_reply", "And so on"),
        ("@fox@fog.example @ann.bsky.social: so true", "reply", "so true"),
        ("@fox, so true", "reply", "so true"),
        ("@fox's den is warm", "reply", "@fox's den is warm"),
        ("@fox@fog.example’s den", "reply", "@fox@fog.example’s den"),
        ("@NASA is late", "self_reply", "@NASA is late"),  # the handle belongs to the sentence
        ("@NASA & friends", "self_reply", "@NASA & friends"),
        ("@a is it?", "reply", "is it?"),
    ],
)
def test_the_handles_a_reply_is_addressed_with_are_removed(
    text: str, kind: PostKind, expected: str
) -> None:
    assert clean(Post("1", None, text, kind), OWN | {"reply"}) == (expected, None)


@pytest.mark.parametrize(
    ("text", "kind", "reason"),
    [
        ("RT @a: words", "retweet", Reason.RETWEET),
        ("@a words", "reply", Reason.REPLY),
        ("words", "quote", Reason.QUOTE),
        (TCO, "original", Reason.ONLY_LINKS),
        (f"👀 {TCO}", "original", Reason.ONLY_LINKS),
        ("http://example.org/pre-tco", "original", Reason.ONLY_LINKS),
        ("🎉🎉 !!", "original", Reason.NO_WORDS),
        ("", "note", Reason.NO_WORDS),
        ("lost \ufffd char", "original", Reason.BROKEN),
        ("half \ud83d char", "original", Reason.BROKEN),
        ("@me", "self_reply", Reason.NO_WORDS),
    ],
)
def test_a_post_is_dropped_with_its_reason(text: str, kind: PostKind, reason: Reason) -> None:
    assert cleaned(text, kind) == ("", reason)


def test_replies_and_quotes_stay_when_asked_for() -> None:
    assert clean(Post("1", None, "@a hi", "reply"), OWN | {"reply"}) == ("hi", None)
    assert clean(Post("1", None, "so true", "quote"), OWN | {"quote"}) == ("so true", None)


def test_a_reply_that_may_continue_the_authors_post_passes() -> None:
    assert clean(Post("1", None, "@a hi", "reply", reply_to="0"), OWN) == ("hi", None)


@given(st.text() | st.text(alphabet=string.printable))
def test_what_is_cleaned_is_clean(text: str) -> None:
    once, reason = cleaned(text)
    if reason is None:
        assert cleaned(once) == (once, None)
        once.encode()
    else:
        assert once == ""
