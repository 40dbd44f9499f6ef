import pytest

from trainer.archives.post import Post, Visibility
from trainer.data.clean import Reason
from trainer.data.options import PrepareOptions
from trainer.data.own_drafts import OwnDrafts
from trainer.data.sift import Sift


@pytest.mark.parametrize(
    ("visibility", "options", "reason"),
    [
        ("unlisted", PrepareOptions(), None),
        ("private", PrepareOptions(), Reason.PRIVATE),
        ("private", PrepareOptions(with_private=True), None),
        ("private", PrepareOptions(with_direct=True), Reason.PRIVATE),
        ("direct", PrepareOptions(with_private=True), Reason.DIRECT),
        ("direct", PrepareOptions(with_direct=True), None),
        ("circle", PrepareOptions(with_private=True, with_direct=True), Reason.CIRCLE),
    ],
)
def test_who_could_see_a_post_decides_first(
    visibility: Visibility, options: PrepareOptions, reason: Reason | None
) -> None:
    post = Post("1", None, "Between us", "original", visibility=visibility)
    assert Sift(options, OwnDrafts()).sift(post)[2] is reason


@pytest.mark.parametrize(
    ("options", "text", "expected"),
    [
        (PrepareOptions(), "Write to jane@example.org, please", ("Write to …, please", None)),
        (PrepareOptions(), "jane@example.org", ("", Reason.PERSONAL)),  # nothing else is in it
        (PrepareOptions(personal="drop"), "Write to jane@example.org", ("", Reason.PERSONAL)),
        (PrepareOptions(personal="keep"), "To jane@example.org", ("To jane@example.org", None)),
        (PrepareOptions(personal="drop"), "Write to me", ("Write to me", None)),
    ],
)
def test_personal_data_is_masked_dropped_or_kept(
    options: PrepareOptions, text: str, expected: tuple[str, Reason | None]
) -> None:
    sift = Sift(options, OwnDrafts())
    found, _, reason = sift.sift(Post("1", None, text, "original"))
    assert (found, reason) == expected
    if "@" in text:  # whatever is done about it, it is told
        assert sift.personal.found == {"e-mail address": 1}
        assert sift.personal.examples == {"e-mail address": ["j…@example.org"]}


def test_personal_data_in_the_name_of_an_account_is_no_topic() -> None:
    tags = ("@jane Jane jane@example.org", "@other The Other")
    post = Post("1", None, "@jane and @other", "original", tags)
    assert Sift(PrepareOptions(), OwnDrafts()).sift(post)[1] == ("@other The Other",)
