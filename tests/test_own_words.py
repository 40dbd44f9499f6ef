"""Only one's own words, all of them, in their last version: what each archive must not mix up.

Links and where they end, words of others that were repeated by hand, quotes of oneself, handles
that a service put in front, versions of an edited post, and posts that not everybody could see.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import bluesky_archive, x_archive
from tests.fakes.mastodon_archive import ME, OTHER, outbox, status
from tests.fakes.reading import read
from tests.fakes.x_archive import OTHER_ID, OWN_ID, files, key, tweet, write_zip
from tests.test_prepare_sources import reasons, run
from trainer.archives.post import Post
from trainer.archives.texts import LINK, end_of_link, without_words_of_others
from trainer.data.clean import OWN, Reason, clean
from trainer.data.options import PrepareOptions


def cleaned(text: str, *links: str) -> str:
    return clean(Post("1", None, text, "original", links=links), OWN)[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("朝の港 https://t.co/Ab12Cd34Efは静かだった。", "朝の港は静かだった。"),
        ("港https://t.co/Ab12Cd34Ef、それから山。", "港、それから山。"),
        ("看这里https://t.co/Ab12Cd34Ef。明天下雪", "看这里。明天下雪"),
        ("오늘의 사진 https://t.co/Ab12Cd34Ef입니다", "오늘의 사진입니다"),
        ("ดูนี่https://t.co/Ab12Cd34Efสวยมาก", "ดูนี่สวยมาก"),
        ("見て https://example.org/a?b=cこれ", "見てこれ"),
        ("地图：https://example.org/m，下雪了", "地图：，下雪了"),
        ("写真（https://example.org/p）を見た", "写真を見た"),
        ("「https://example.org/p」を読む", "を読む"),
        ("Look (https://t.co/Ab12Cd34Ef)and wonder", "Look and wonder"),
        ("Look (https://example.org/p)and wonder", "Look and wonder"),
        ("Bread (https://en.wikipedia.org/wiki/Rye_(bread)) rose", "Bread rose"),
        ("Rye https://en.wikipedia.org/wiki/Rye_(bread) rose", "Rye rose"),
        ("Rye [https://example.org/a[1]] rose", "Rye rose"),
        ('He wrote "https://example.org/x" to me', "He wrote to me"),
        ("Neu („https://example.org/k“) hier", "Neu hier"),
        ("Neu (« https://example.org/k ») hier", "Neu hier"),
        ("Ещё https://пример.рф/путь, вот", "Ещё, вот"),
        ("Mehr: https://de.wikipedia.org/wiki/Größe!", "Mehr:!"),
        ("Cut HTTPS://Example.org/A off", "Cut off"),
        ("Two https://a.example/1 https://b.example/2 of them", "Two of them"),
        ("🎉https://example.org/p🎉 party", "🎉🎉 party"),
        ("Done https://example.org/p… more", "Done… more"),
        ("No link: http:// and ftp://x", "No link: http:// and ftp://x"),
    ],
)
def test_a_link_ends_before_what_cannot_be_in_it(text: str, expected: str) -> None:
    assert cleaned(text) == expected


@pytest.mark.parametrize(
    ("link", "rest"),
    [
        ("https://example.org/a)", ")"),
        ("https://example.org/a_(b))", ")"),
        ("https://example.org/a].", "]."),
        ("https://example.org/(a", ""),
        ("https://example.org/?q=1&r=2;", ";"),
        ("https://example.org/it's", ""),
        ("https://user:pass@example.org:8080/~x/%20#y", ""),
    ],
)
def test_brackets_in_a_link_are_balanced(link: str, rest: str) -> None:
    found = LINK.match(link)
    assert found is not None
    assert link[end_of_link(found[0]) :] == rest


@pytest.mark.parametrize(
    ("text", "links", "expected"),
    [
        ("See https://example.org/aand on", ["https://example.org/a"], "See and on"),
        ("http://a.example/x http://a.example/xyz!", ["http://a.example/x"], "yz!"),
        (
            "http://a.example/xyz, http://a.example/x.",
            ["http://a.example/x", "http://a.example/xyz"],
            ",.",
        ),
        ("a is a letter", ["a"], "a is a letter"),  # no link at all
    ],
)
def test_a_link_ends_where_the_service_says(text: str, links: list[str], expected: str) -> None:
    kept = clean(Post("1", None, text + " word", "original", links=tuple(links)), OWN)[0]
    assert kept == f"{expected} word"


def anchor(href: str) -> str:
    shown = href.removeprefix("https://")
    return f'<a href="{href}"><span class="invisible">https://</span><span>{shown}</span></a>'


def test_services_that_mark_links_say_where_they_end(tmp_path: Path) -> None:
    href = "https://example.org/a_(b)"
    html = f"<p>Read ({anchor(href)})と書いた{anchor('https://example.org/雪')}今日</p>"
    (tmp_path / "outbox.json").write_bytes(outbox([status(1, html)]))
    urls = [{"url": "https://t.co/Ab12Cd34Ef", "expanded_url": href}]
    x = tweet(1, "Walk https://t.co/Ab12Cd34Efon", entities={"urls": urls})
    (tmp_path / "tweets.js").write_bytes(x_archive.script("YTD.tweets.part0", [x]))
    text = "雪 example.org/aと氷"
    mark = bluesky_archive.link(text, "example.org/a", "https://example.org/a")
    (tmp_path / "repo.car").write_bytes(
        bluesky_archive.Repo(bluesky_archive.posts(bluesky_archive.post(text, facets=[mark]))).car()
    )
    texts = {"outbox.json": "Readと書いた今日", "tweets.js": "Walk on", "repo.car": "雪と氷"}
    for name, expected in texts.items():
        (post,) = read(tmp_path / name).posts
        assert clean(post, OWN)[0] == expected


@pytest.mark.parametrize(
    ("text", "kind", "own"),
    [
        ("RT @fox: their words", "retweet", None),
        ("RT @fox their words", "retweet", None),
        ("RT @fox : their words", "retweet", None),
        ("rt @fox: their words", "retweet", None),
        ("RT: @fox their words", "retweet", None),
        ("RT “@fox: their words”", "retweet", None),
        ("MT @fox: their words, cut", "retweet", None),
        ("RT @fox@fog.example: their words", "retweet", None),
        ("“@fox: their words”", "retweet", None),
        ('"@fox: their words"', "retweet", None),
        ("So true! RT @fox: their words", "quote", "So true!"),
        ("So true!RT @fox: their words", "quote", "So true!"),
        ("“@fox: their words” same here", "quote", "same here"),
        ("Same. “@fox: their “own” words”", "quote", "Same."),
        ("“@fox: their words, cut off", "retweet", None),
        ("Ach so: „@fox: ihre Worte“", "quote", "Ach so:"),
        ("« @fox : leurs mots » oui", "quote", "oui"),
        ("激しく同意 QT @fox: 彼らの言葉", "quote", "激しく同意"),
        ("同感 RT @fox：彼らの言葉", "quote", "同感"),
        ("RT if you agree", "original", "RT if you agree"),
        ("Please RT @fox is giving a talk", "original", "Please RT @fox is giving a talk"),
        ("I met @fox: he was late", "original", "I met @fox: he was late"),
        ("ART @fox: no retweet", "original", "ART @fox: no retweet"),
        ("He said “no” to @fox", "original", "He said “no” to @fox"),
    ],
)
def test_words_repeated_by_hand_are_not_the_authors(text: str, kind: str, own: str | None) -> None:
    post = without_words_of_others(Post("1", None, text, "original"))
    assert post.kind == kind
    if own is not None:
        assert post.text == own
    else:
        assert clean(post, OWN)[1] is Reason.RETWEET
    kept = clean(post, OWN | {"quote", "retweet"})[0]
    assert "@fox:" not in kept or own == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("> their words\nmine", "mine"),
        ("mine\n> theirs\n> theirs too\nmine too", "mine\nmine too"),
        ("1 > 0 is mine", "1 > 0 is mine"),
        (">:( is a face", ">:( is a face"),
        ("a > b\n-> mine", "a > b\n-> mine"),
        ("> theirs alone", ""),
    ],
)
def test_lines_marked_as_a_quote_are_not_the_authors(text: str, expected: str) -> None:
    kept, reason = clean(Post("1", None, text, "original"), OWN)
    assert (kept, reason) == (expected, None if expected else Reason.QUOTE)


def test_a_block_quote_alone_is_a_quote(tmp_path: Path) -> None:
    quoted = "<blockquote><p>theirs <b>too</b></p></blockquote>"
    (tmp_path / "outbox.json").write_bytes(
        outbox([status(1, quoted), status(2, f"<p>a</p>{quoted}<p>b</p>")])
    )
    posts = read(tmp_path / "outbox.json").posts
    assert [(p.kind, p.text) for p in posts] == [("quote", ""), ("original", "a\n\nb")]


def x_quote(name: str, number: int) -> dict[str, Any]:
    address = f"https://twitter.com/{name}/status/{key(number)}"
    return {"entities": {"urls": [x_archive.link(address)]}}


def account(**more: object) -> list[dict[str, Any]]:
    return [{"account": {"email": 5, "accountId": OWN_ID, **more}}]


def test_a_quote_of_oneself_is_ones_own_on_x(tmp_path: Path) -> None:
    rows = [
        tweet(1, "The first of the list"),
        tweet(2, "By my name", **x_quote("Me_Myself", 900)),
        tweet(3, "By an older name, but it is here", **x_quote("old_name", 1)),
        tweet(4, "Somebody else's", **x_quote("other", 901)),
        tweet(5, "RT @other: repeated"),
        tweet(6, "On what I repeated", **x_quote("old_name", 5)),
        tweet(7, "Nothing special"),
        tweet(8, "By its number", **x_quote("i", 1)),
        tweet(9, "By another's number", **x_quote("i", 902)),
    ]
    path = write_zip(tmp_path / "a.zip", files(rows, account=account(username="me_myself")))
    posts, dropped, _ = run([path], tmp_path / "data")
    kept = {p["id"]: p["kind"] for p in posts}
    assert kept == dict.fromkeys(map(key, (1, 2, 3, 7, 8)), "original")
    quote = "quote of somebody else"
    assert reasons(dropped) == {key(4): quote, key(5): "retweet", key(6): quote, key(9): quote}


def tagged(media: str) -> dict[str, Any]:
    return {"tag": [{"type": "Link", "mediaType": media, "href": f"{OTHER}/statuses/9"}]}


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"quote": f"{ME}/statuses/9"}, "original"),
        ({"quoteUrl": "https://fog.example/@me/9"}, "original"),
        ({"_misskey_quote": {"id": f"{ME}/statuses/9"}}, "original"),
        ({"quote": f"{OTHER}/statuses/9"}, "quote"),
        ({"quoteUri": "https://fog.example/@mel/9"}, "quote"),
        ({"quote": f"{ME}2/statuses/9"}, "quote"),
        (tagged("application/activity+json"), "quote"),
        (tagged("text/html"), "original"),
    ],
)
def test_a_quote_of_oneself_is_ones_own_on_mastodon(tmp_path: Path, more: Any, kind: str) -> None:
    (tmp_path / "outbox.json").write_bytes(outbox([status(1, "<p>mine</p>", **more)]))
    assert read(tmp_path / "outbox.json").posts[0].kind == kind


@pytest.mark.parametrize(
    ("text", "shown", "kept"),
    [
        ("@fox and it is shut", ["5", "19"], "and it is shut"),
        ("@fox @mel also late", [10, 19], "also late"),
        ("@fox @mel is late", ["5", "17"], "@mel is late"),
        ("@fox @Mel Is late", ["5", "17"], "@Mel Is late"),
        ("no handle here at all", ["5", "21"], "no handle here at all"),
        ("@fox is late", ["0", "12"], "@fox is late"),
        ("@fox is late", ["x"], "@fox is late"),
        ("@fox short", ["99", "120"], "@fox short"),
    ],
)
def test_what_x_does_not_show_is_not_ones_own(
    tmp_path: Path, text: str, shown: list[Any], kept: str
) -> None:
    mentions = [{"screen_name": "fox", "name": "Oakley"}, {"screen_name": "mel", "name": "Mel"}]
    row = tweet(
        *(2, text),
        display_text_range=shown,
        in_reply_to_user_id_str=OWN_ID,
        entities={"user_mentions": mentions},
    )
    path = write_zip(tmp_path / "a.zip", files([tweet(1, "first"), row]))
    post = read(path)[key(2)]
    assert clean(post, OWN)[0] == kept
    if post.is_bare:
        assert "@fox Oakley" not in post.tags  # who is only addressed is no topic


def test_replies_to_others_keep_the_handles_of_their_author(tmp_path: Path) -> None:
    row = tweet(1, "@fox @mel knows", display_text_range=[5, 15], in_reply_to_user_id_str=OTHER_ID)
    path = write_zip(tmp_path / "a.zip", files([row]))
    assert clean(read(path).posts[0], OWN | {"reply"})[0] == "@mel knows"


OLD, NEW = "2023-06-01T10:00:00Z", "2023-07-01T10:00:00Z"


@pytest.mark.parametrize(
    ("versions", "kept"),
    [
        ([("a long text that was taken back", None), ("short", OLD)], "short"),
        ([("short", OLD), ("a long text that was taken back", None)], "short"),
        ([("older text", OLD), ("newer", NEW)], "newer"),
        ([("newer", NEW), ("older text", OLD)], "newer"),
        ([("of the first source", None), ("of the second", None)], "of the second"),
        ([("", NEW), ("what was taken back", OLD)], None),
    ],
)
def test_the_newest_version_of_an_edited_post_wins(
    tmp_path: Path, versions: list[tuple[str, str | None]], kept: str | None
) -> None:
    sources = []
    for number, (text, updated) in enumerate(versions):
        sources.append(tmp_path / f"{number}.json")
        more = {"updated": updated} if updated else {}
        rows = [status(1, f"<p>{text}</p>", **more), status(2, "<p>one that stays</p>")]
        sources[-1].write_bytes(outbox(rows))
    posts, dropped, _ = run(sources, tmp_path / "data")
    assert {p["text"] for p in posts} == {"one that stays"} | ({kept} if kept else set())
    assert "older version of an edited post" in {row["reason"] for row in dropped}


def locking(at: str, action: str) -> dict[str, Any]:
    return {"protectedHistory": {"protectedAt": f"2020-01-{at}T00:00:00.000Z", "action": action}}


@pytest.mark.parametrize(
    ("history", "private"),
    [
        ([], []),
        ([locking("02", "Protect"), locking("03", "Unprotect")], [2]),
        ([locking("03", "Unprotect"), locking("02", "Protect")], [2]),
        ([locking("03", "Protect")], [3, 4]),
        ([locking("03", "Unprotect")], [1, 2]),
        ([locking("02", "Protect"), locking("03", "Protect")], [2, 3, 4]),
        ([{"protectedHistory": {"protectedAt": "?", "action": "Protect"}}], []),
    ],
)
def test_posts_of_a_locked_account_are_private(
    tmp_path: Path, history: list[Any], private: list[int]
) -> None:
    rows = [tweet(24 * day - 12, f"day {day}") for day in (1, 2, 3, 4)]
    path = write_zip(tmp_path / "a.zip", files(rows, protected_history=history))
    found = read(path)
    hidden = [int(p.text[4:]) for p in found.posts if p.visibility == "private"]
    assert hidden == private
    assert any("locked" in w for w in found.tally.warnings) == bool(private)


def test_what_was_locked_is_learnt_only_when_asked_for(tmp_path: Path) -> None:
    rows = [tweet(12, "for followers"), tweet(40, "for all"), tweet(41, "for a few")]
    more = {"protected_history": [locking("02", "Unprotect")]}
    path = write_zip(tmp_path / "a.zip", files(rows, twitter_circle_tweet=[tweet(41, "")], **more))
    for options, texts in (
        (PrepareOptions(), ["for all"]),
        (PrepareOptions(with_private=True), ["for followers", "for all"]),
    ):
        posts, _, _ = run([path], tmp_path / "data", options)
        assert [p["text"] for p in posts] == texts


def test_a_protected_author_in_xs_interface_is_private(tmp_path: Path) -> None:
    row = tweet(1, "for followers")["tweet"] | {"user": {"id_str": OWN_ID, "protected": True}}
    (tmp_path / "tweets.json").write_text(json.dumps([row]))
    assert read(tmp_path / "tweets.json").posts[0].visibility == "private"
