"""X's archives up to 2018, "Grailbird": a script a month (data/js/tweets) and one `tweets.csv`.

The scripts hold more than the table (hashtags, authors), so the table is read only if they are
missing.
"""

import re
from collections.abc import Iterator

from trainer.archives.encoding import find_encoding
from trainer.archives.files import Files, base_name
from trainer.archives.lines import read_table
from trainer.archives.post import Tally, Unreadable
from trainer.archives.tweet import Entities, Retweeted, Tweet, Url

MONTH_FILE = re.compile(r"(?:.*/)?tweets/\d{4}_\d{2}\.js")
COLUMNS = {"tweet_id", "text", "retweeted_status_id"}


def is_grailbird(header: list[str]) -> bool:
    """Whether a CSV's header is that of X's own `tweets.csv`."""
    return {name.strip().lower() for name in header} >= COLUMNS


def read_tweets_csv(files: Files, name: str, tally: Tally) -> Iterator[Tweet | Unreadable]:
    """Yield the rows of `tweets.csv` as the records of a script."""
    rows = read_table(files, name, find_encoding(files, name, tally), tally)
    for number, row in enumerate(rows, 1):
        if isinstance(row, Unreadable):
            yield row
        elif row:
            key = row.get("tweet_id")
            place = Unreadable(key or f"{base_name(name)} row {number}")
            yield _to_tweet(row) if key and "text" in row else place


def _to_tweet(row: dict[str, str]) -> Tweet:
    urls = [Url(expanded_url=url) for url in row.get("expanded_urls", "").split(",")]
    return Tweet(
        id_str=row["tweet_id"],
        text=row["text"],
        created_at=row.get("timestamp"),
        entities=Entities(urls=urls),
        in_reply_to_user_id_str=row.get("in_reply_to_user_id"),
        in_reply_to_status_id_str=row.get("in_reply_to_status_id"),
        retweeted_status=Retweeted() if row.get("retweeted_status_id") else None,
    )
