from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.voice.personal import Found, find, mask, shorten

# Each is made up, or the documentation's own example of its kind; assembled here so that no
# scanner of secrets takes this file for a leak.
GITHUB = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
JWT = "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0" + ".dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
PEM = "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEowIBAAKCAQ\n-----END RSA " + "PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("before", "secret", "after", "kind"),
    [
        ("Write to ", "jane.doe+x@mail.example.org", ".", "e-mail address"),
        ("", "jane (at) example (dot) org", " is me", "e-mail address"),
        ("call ", "+49 171 2345678", " now", "phone number"),
        ("WhatsApp: ", "+34 612 345 678", "", "phone number"),
        ("Office: ", "(202) 224-3121", ", ask for Jo", "phone number"),
        ("", "1-800-273-8255", "!", "phone number"),
        ("Call ", "202-224-3121", " 24/7", "phone number"),
        ("Call ", "+49 171 2345678", " 24/7", "phone number"),
        ("Tel. ", "030/12 34 56 78", "", "phone number"),
        ("", "020 7946 0958", " any time", "phone number"),
        ("Appelle-moi au ", "06 12 34 56 78", "", "phone number"),
        ("llámame al ", "612 345 678", ", por favor", "phone number"),
        ("to ", "DE89 3704 0044 0532 0130 00", " BIC COBADEFF", "bank account"),
        ("", "GB82WEST12345698765432", "", "bank account"),
        ("card ", "4111 1111 1111 1111", " exp 12/28", "card number"),
        ("", "378282246310005", "", "card number"),
        ("SSN ", "536-22-1234", "", "social security number"),
        ("pushed ", GITHUB, " by mistake", "key"),
        ("", "AKIA" + "IOSFODNN7EXAMPLE", "", "key"),
        ("", "sk-proj-" + "abcdefghijklmnopqrstuvwxyz0123456789ABCD", "", "key"),
        ("token=", JWT, "", "key"),
        ("here:\n", PEM, "\noops", "key"),
    ],
)
def test_personal_data_is_found_to_the_letter(
    before: str, secret: str, after: str, kind: str
) -> None:
    text = before + secret + after
    assert [(f.kind, f.text) for f in find(text)] == [(kind, secret)]
    assert mask(text, find(text)) == f"{before}…{after}"


@pytest.mark.parametrize(
    "text",
    [
        "In 2019, 2020 and 2021 we did it; 1990-2024, 1980-1989",
        "1234567890",
        "The bill costs $1,234,567,890 or 1 234 567 Euro, EUR 120.000.000,00",
        "$4,111,111,111,111,111",
        "2024-11-22 18:30:00",
        "22.11.2024, 18:30 Uhr",
        "01.02.2023 - 03.04.2023",
        "11/22/2024 and 07.11.2024 08.11.2024",
        "call at 10:30 11:30, text 2024-11-22",
        "09.30 10.30 11.30",
        "12:30-13:45 14:00-15:30",
        "@user@mastodon.social wrote to @jane_doe_1234567",
        "#Covid19 #Election2024 #VeryLongHashtagIndeed123456789",
        "1-0 2-1 3-2 4-3",
        "ISBN 978-3-16-148410-0",
        "48.8566, 2.3522 and -33.8688197, 151.2092955",
        "Pi is 3.14159265358979",
        "1488472846284857344",
        "votes: 81,283,501 to 74,223,975",
        "192.168.100.200 v10.15.7.1234567",
        "Order 1111 2222 3333 4444",
        "Lotto: 03 12 17 22 34 41",
        "123e4567-e89b-12d3-a456-426614174000 d41d8cd98f00b204e9800998ecf8427e",
        "we text 100 000 000 people",
        "https://example.org/status/1488472846284857344?t=2025550123-2025550123",
        "Donaudampfschifffahrtsgesellschaftskapitän",
        "meet me @ 5 @home. 2@1",
    ],
)
def test_ordinary_numbers_dates_and_names_are_no_personal_data(text: str) -> None:
    assert find(text) == []


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        (Found("e-mail address", 0, 0, "jane@example.org"), "j…@example.org"),
        (Found("phone number", 0, 0, "+49 171 2345678"), "+49…78"),
        (Found("bank account", 0, 0, "DE89 3704 0044 0532 0130 00"), "DE8…00"),
        (Found("key", 0, 0, GITHUB), "ghp…"),
    ],
)
def test_what_is_shown_gives_nothing_away(found: Found, shown: str) -> None:
    assert shorten(found) == shown


def test_several_in_one_text_are_found_in_order() -> None:
    text = "jane@example.org or (202) 224-3121 or joe@example.com"
    assert [f.text for f in find(text)] == [
        "jane@example.org",
        "(202) 224-3121",
        "joe@example.com",
    ]


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.sampled_from(["jane@example.org", "(202) 224-3121", "4111111111111111", GITHUB, "and"])
        | st.text(max_size=20)
    ).map(" ".join)
)
def test_what_is_masked_holds_none_of_it_any_more(text: str) -> None:
    found = find(text)
    assert all(text[f.start : f.end] == f.text for f in found)
    assert all(a.end <= b.start for a, b in pairwise(found))
    for one in found:
        assert one.text not in mask(text, found)


def test_a_long_hostile_text_takes_no_time() -> None:
    find("(123) 456-7890 and +1(2) (3) (4) (5) (6) (7)")  # no number, however it is cut
    for text in ("a." * 50_000, "1 " * 20_000, "a@" * 20_000, "eyJ" * 20_000, "DE89 " * 10_000):
        find(text)  # pytest's own limit of time ends what is quadratic
