"""Everything that opens a connection: fetching the public speeches."""

from jianghua.hub.wikisource import fetch_wikisource

__all__ = ["fetch_wikisource"]
