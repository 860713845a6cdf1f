"""The Hub's client as this room uses it: bounded in time, quiet, and its errors one line that says what to do."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from jianghua.schema import BadData

PATIENCE = 60  # seconds that a server may ask us to wait before we hand the waiting to a person
TOKENS = "https://huggingface.co/settings/tokens"
_SECRET = re.compile(r"hf_[A-Za-z0-9]{16,}")
NO_ROOM = {"ENOSPC", "EDQUOT", "EFBIG"}


@dataclass(frozen=True)
class Connection:
    """A client of the Hub (`huggingface_hub.HfApi`), the token it speaks with and the seconds a call may take."""

    api: object
    endpoint: str
    token: str | None
    time_limit: float


def connect(
    time_limit: float, *, xet: bool = False, endpoint: str | None = None, token: str | None = None
) -> Connection:
    """The real client with a time limit on every call, which it lacks by itself.

    `xet` allows the storage protocol of that name, under which one commit may become several. The token is
    `token`, else `HF_TOKEN`, else what `hf auth login` stored. Raises `BadData` for one that cannot be sent.
    """
    for name in ("HF_HUB_DISABLE_TELEMETRY", "HF_HUB_DISABLE_PROGRESS_BARS", *(() if xet else ("HF_HUB_DISABLE_XET",))):
        os.environ[name] = "1"
    import httpx2
    from huggingface_hub import HfApi, constants, get_token, set_client_factory
    from huggingface_hub.utils import disable_progress_bars, logging
    from huggingface_hub.utils._http import default_client_factory

    # read at import, and another room may have imported the client first
    constants.HF_HUB_DISABLE_XET = not xet
    disable_progress_bars()
    # the client's own words on retries: the outcome is one line of ours
    logging.set_verbosity_error()

    def limit(request: httpx2.Request) -> None:
        # some calls (`repo_info`) say “no limit” themselves, which would win over the client's own
        asked = request.extensions.get("timeout") or {}
        phases = ("connect", "read", "write", "pool")
        request.extensions["timeout"] = {p: time_limit if asked.get(p) is None else asked[p] for p in phases}

    def client() -> httpx2.Client:
        made = default_client_factory()
        made.event_hooks["request"].append(limit)
        made.event_hooks["response"].append(_refuse_long_waits)
        return made

    set_client_factory(client)
    endpoint = (endpoint or constants.ENDPOINT).rstrip("/")
    token = token or get_token()
    if token and not (token.isascii() and token.isprintable() and " " not in token):
        raise BadData(
            f"HF_TOKEN (or what `hf auth login` stored) holds characters that no token has; get one at {TOKENS}"
        )
    return Connection(HfApi(endpoint=endpoint, token=token), endpoint, token, time_limit)


class _TooBusy(Exception):
    """The server wants a longer pause than a script should sit through; outside what the client retries."""


def _refuse_long_waits(response) -> None:
    after = response.headers.get("Retry-After", "")
    if response.status_code in (429, 503) and after.isdigit() and int(after) > PATIENCE:
        raise _TooBusy(f"it asks to wait {after} seconds")


def hide_tokens(text: str, token: str | None = None) -> str:
    """`text` without any token."""
    return _SECRET.sub("hf_…", text.replace(token, "hf_…") if token else text)


@contextmanager
def hub_errors(doing: str, connection: Connection) -> Iterator[None]:
    """Turn whatever the client raises into `BadData`: what was being done, what happened, what to do."""
    try:
        yield
    except BadData:
        raise
    except Exception as error:
        reason = explain(error, connection)
        raise BadData(hide_tokens(f"{doing}: {' '.join(reason.split())}", connection.token)) from None


def _no_room(error: BaseException | None) -> str:
    """What says, in an error or in what it came of, that the disk is full; empty if nothing does."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, OSError) and errno.errorcode.get(error.errno or 0) in NO_ROOM:
            return error.strerror or str(error)
        if str(error).startswith("Not enough disk space"):  # `datasets`, which looks before it writes
            return str(error).rstrip(".")
        error = error.__cause__ or error.__context__
    return ""


def explain(error: Exception, connection: Connection) -> str:
    """What an exception of the client means and what to do about it."""
    import httpx2
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        LocalTokenNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    where, again = connection.endpoint, "run the same command again"
    # first, for the client and `datasets` wrap it in errors of their own
    if full := _no_room(error):
        return f"no room left on the disk ({full}); free some, or name another place with HF_HOME"
    if isinstance(error, RuntimeError) and error.__cause__ is not None:  # the client wraps failed uploads
        return f"{str(error).rstrip('.')}: {explain(error.__cause__, connection)}"
    if isinstance(error, LocalTokenNotFoundError):
        return f"no token; put one with write rights into HF_TOKEN or run `hf auth login` ({TOKENS})"
    if isinstance(error, OfflineModeIsEnabled):
        return "offline mode is on; unset HF_HUB_OFFLINE"
    if isinstance(error, _TooBusy):
        return f"{where} is busy: {error}; {again} after that"
    if isinstance(error, HFValidationError):
        return f"not a repository name: {error}; repo_id= takes ORG/NAME"
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code if error.response is not None else 0
        said = f" ({error.server_message})" if error.server_message else ""
        if isinstance(error, RevisionNotFoundError):
            return "no such revision; the repository's page lists its tags and commits"
        if status == 401 and not isinstance(error, RepositoryNotFoundError):
            return f"{where} does not accept the token{said}; put a valid one into HF_TOKEN ({TOKENS})"
        if isinstance(error, RepositoryNotFoundError):
            return (
                f"{where} knows no such repository, or the token may not see it; check the name and the token's rights"
            )
        if status == 403:
            return f"the token may not write there{said}; make one with write rights to that namespace ({TOKENS})"
        if status == 409:
            return f"it exists already{said}; {again}"
        if status == 412:
            return f"somebody else committed meanwhile, nothing was published; {again} to start from their state"
        if status == 429:
            return f"{where} limits how often one may ask; wait some minutes and {again}"
        if status >= 500:
            return f"{where} has a fault of its own ({status}); {again} later"
        return f"{where} refused it ({status}){said}"
    if isinstance(error, httpx2.TimeoutException | TimeoutError):
        return (
            f"{where} did not answer within {connection.time_limit:g} seconds; {again}, or allow more with time_limit="
        )
    if isinstance(error, httpx2.ConnectError):
        return f"{where} cannot be reached ({error}); check the network, or HF_ENDPOINT"
    if isinstance(error, httpx2.TransportError):
        return f"the connection to {where} broke ({error}); {again}: what arrived is not sent twice"
    if isinstance(error, LocalEntryNotFoundError):
        return f"{where} cannot be reached and nothing of it is in the cache; check the network"
    return f"the answer of {where} could not be used ({type(error).__name__}: {error}); {again} later"
