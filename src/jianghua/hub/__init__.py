"""Everything that opens a connection: fetching the public speeches and a published dataset, and publishing."""

from jianghua.hub.fetch import fetch_into
from jianghua.hub.wikisource import fetch_wikisource

__all__ = ["fetch_into", "fetch_wikisource"]
