import pytest

from trainer.archives.post import Post, Visibility
from trainer.data.clean import Reason
from trainer.data.options import Options
from trainer.data.own_drafts import Written
from trainer.data.sift import Sift


@pytest.mark.parametrize(
    ("visibility", "archive", "options", "reason"),
    [
        ("unlisted", "mastodon", Options(), None),
        ("private", "mastodon", Options(), Reason.PRIVATE),
        ("private", "mastodon", Options(with_private=True), None),
        ("private", "mastodon", Options(with_direct=True), Reason.PRIVATE),
        ("direct", "mastodon", Options(with_private=True), Reason.DIRECT),
        ("direct", "mastodon", Options(with_direct=True), None),
        ("private", "x", Options(with_private=True, with_direct=True), Reason.CIRCLE),
    ],
)
def test_who_could_see_a_post_decides_first(
    visibility: Visibility, archive: str, options: Options, reason: Reason | None
) -> None:
    post = Post("1", None, "Between us", "original", visibility=visibility)
    assert Sift(options, Written()).sift(post, archive)[2] is reason


@pytest.mark.parametrize(
    ("options", "text", "expected"),
    [
        (Options(), "Write to jane@example.org, please", ("Write to …, please", None)),
        (Options(), "jane@example.org", ("", Reason.PERSONAL)),  # nothing else is in it
        (Options(personal="drop"), "Write to jane@example.org", ("", Reason.PERSONAL)),
        (Options(personal="keep"), "To jane@example.org", ("To jane@example.org", None)),
        (Options(personal="drop"), "Write to me", ("Write to me", None)),
    ],
)
def test_personal_data_is_masked_dropped_or_kept(
    options: Options, text: str, expected: tuple[str, Reason | None]
) -> None:
    sift = Sift(options, Written())
    found, _, reason = sift.sift(Post("1", None, text, "original"), "csv")
    assert (found, reason) == expected
    if "@" in text:  # whatever is done about it, it is told
        assert sift.personal.found == {"e-mail address": 1}
        assert sift.personal.examples == {"e-mail address": ["j…@example.org"]}


def test_personal_data_in_the_name_of_an_account_is_no_topic() -> None:
    tags = ("@jane Jane jane@example.org", "@other The Other")
    post = Post("1", None, "@jane and @other", "original", tags)
    assert Sift(Options(), Written()).sift(post, "x")[1] == ("@other The Other",)
