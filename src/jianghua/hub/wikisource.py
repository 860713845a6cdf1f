"""Fetching the public speeches from their addresses on Wikisource, for those who have no folder of them."""

import http.client
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable
from pathlib import Path

from jianghua.files import write_atomic
from jianghua.schema import BadData

AGENT = "jianghua (fetches public-domain speeches by address, one a second)"
TIMEOUT = 30  # seconds a request
TRIES = 4


def fetch_wikisource(
    speeches: Iterable, folder: Path, *, base: str = "", pause: float = 1.0, progress=lambda name: None
) -> None:
    """Write `DOC_ID.html` for every public speech (rows of `dataset.read_manifests`) into `folder`.

    A page that is there already is kept, so an interrupted fetch goes on. `base` replaces scheme and
    host of the addresses (a mirror). Raises `BadData` with the address and the offline way when a page
    cannot be had; `pause` seconds lie between requests.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for info in speeches:
        if info.source != "public":
            continue
        target = folder / f"{info.doc_id}.html"
        if target.exists():
            continue
        address = info.url
        if base:
            address = base.rstrip("/") + urllib.parse.urlsplit(info.url).path
        write_atomic(target, _get(address, pause))
        progress(info.doc_id)
        time.sleep(pause)


def _get(address: str, pause: float) -> bytes:
    request = urllib.request.Request(address, headers={"User-Agent": AGENT, "Accept-Language": "zh"})
    reason = ""
    for attempt in range(TRIES):
        if attempt:
            time.sleep(pause * 2**attempt)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            reason = f"HTTP {error.code}"
            if error.code not in (429, 500, 502, 503, 504):
                break
        except (OSError, http.client.HTTPException) as error:  # the latter for half an answer
            reason = str(getattr(error, "reason", error))
    raise BadData(
        f"{address}: cannot be fetched ({reason}); name a folder with the raw speeches instead: public=FOLDER"
    )
