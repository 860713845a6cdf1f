"""One question to an OpenAI-compatible endpoint over plain HTTP: retried when it fails, kept on disk once answered.

The protocol is `POST BASE_URL/chat/completions` as vLLM, llama.cpp, Ollama and the commercial services speak
it. What passes (429, 5xx, a dropped connection, half an answer) is tried again after 1, 2, 4 … × `backoff`
seconds, or after what `Retry-After` says, a minute at most; what does not pass (a wrong key, an unknown model)
ends at once.
The key is read from the environment, sent to the address it was given for and to no other, and never written:
not to disk, and not into a message, which is why a key that no HTTP header can carry is refused before it is used.
"""

import hashlib
import http.client
import json
import os
import re
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

from jianghua.files import write_atomic
from jianghua.schema import BadData, BadUsage, check_number

PASSING = {408, 409, 425, 429}  # and what the server has done wrong, but for what it will never do
NEVER = {501, 505}
LONGEST_WAIT = 60.0  # seconds between two tries
# what reading something else than a reply raises
NO_REPLY = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, RecursionError)
# how services say in an error's code, type or text that they will not answer this very text
REFUSAL = re.compile(
    r"content_?(filter|policy_?violation)|content exists risk|data_?inspection_?failed"
    r"|responsible_?ai_?policy_?violation|敏感内容",
    re.IGNORECASE,
)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the key to another address."""

    def redirect_request(self, *arguments, **keywords):
        return None


@dataclass(frozen=True)
class Answer:
    """What came back: the text ("" if none), whether the endpoint refused, and the tokens it counted.

    `cut_short`: it ended at `max_tokens`, which is no refusal even where nothing was said until then.
    """

    text: str
    refused: bool
    cut_short: bool
    prompt_tokens: int
    completion_tokens: int
    cached: bool


@dataclass
class Endpoint:
    """Where to ask, and how patiently; `asked` and `retried` count requests that really went out."""

    base_url: str
    key_env: str = "OPENAI_API_KEY"
    cache: Path = Path(".cache/llm")
    timeout: float = 60.0
    retries: int = 6
    backoff: float = 1.0
    asked: int = 0
    retried: int = 0
    stop: threading.Event = field(default_factory=threading.Event, repr=False)  # set: no further try
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self):
        _check_address(self.base_url)
        self.key_env = self.key_env or ""
        # whoever puts the key itself here must not read it again in a message
        if not re.fullmatch(r"([A-Za-z_][A-Za-z0-9_]*)?", str(self.key_env)):
            raise BadUsage("model.key_env= takes the name of an environment variable, not the key itself")
        if not isinstance(self.cache, str | Path) or not str(self.cache):
            raise BadUsage(f"model.cache={self.cache}: takes a folder")
        check_number("model.timeout", self.timeout, 0.001)
        check_number("model.retries", self.retries, 0, whole=True)
        check_number("model.backoff", self.backoff, 0)

    @property
    def url(self) -> str:
        return self.base_url.rstrip("/") + "/chat/completions"

    def ask(self, request: dict) -> Answer:
        """The answer to `request`, from the cache if this very request was answered before."""
        text = json.dumps([self.base_url.rstrip("/"), request], sort_keys=True, ensure_ascii=False)
        name = hashlib.sha256(text.encode()).hexdigest()
        place = Path(self.cache) / name[:2] / f"{name}.json"
        try:
            return _read_reply(json.loads(place.read_text(encoding="utf-8"))["reply"], cached=True)
        except (OSError, *NO_REPLY):
            pass  # not asked before, or only half written by something else
        reply = self._send(request)
        answer = _read_reply(reply, cached=False)
        # in ASCII: beside the answer a reply may hold half a surrogate pair, which UTF-8 cannot
        write_atomic(place, json.dumps({"request": request, "reply": reply}, indent=1) + "\n")
        return answer

    def _send(self, request: dict) -> dict:
        opener = urllib.request.build_opener(_NoRedirects)
        headers = {"Content-Type": "application/json"}
        if key := self._key():
            headers["Authorization"] = f"Bearer {key}"
        body = json.dumps(request, ensure_ascii=False).encode()
        problem = ""
        for attempt in range(self.retries + 1):
            if attempt:
                self._count("retried")
            self._count("asked")
            wait = self.backoff * 2**attempt
            try:
                with opener.open(
                    urllib.request.Request(self.url, body, headers, method="POST"), timeout=self.timeout
                ) as reply:
                    record = json.loads(reply.read())
                if _refuses(reply.status, said := _said(record)):
                    return _refusal(_told(said, key))
                if said:
                    raise ValueError(_told(said, key))
                _read_reply(record, cached=False)
                return record
            except urllib.error.HTTPError as error:
                problem = f"HTTP {error.code}"
                if error.code in NEVER or not (error.code in PASSING or error.code >= 500):
                    said = _said(_body(error))
                    if _refuses(error.code, said):
                        return _refusal(problem)
                    raise BadData(f"{self.url}: {problem}, {_reason(error, said, self.key_env, key)}") from None
                wait = _retry_after(error, wait)
            except (OSError, http.client.HTTPException, *NO_REPLY) as error:
                problem = str(getattr(error, "reason", None) or error) or type(error).__name__
            if self.stop.is_set() or (attempt < self.retries and self.stop.wait(min(wait, LONGEST_WAIT))):
                break
        raise BadData(
            f"{self.url}: no answer after {self.retries + 1} tries (the last: {problem}); what was answered is kept "
            f"in {self.cache}, and the same command goes on from there"
        )

    def _key(self) -> str:
        """The key, or "" where there is none; never one that http.client would quote in a complaint."""
        key = os.environ.get(self.key_env, "").strip()
        if key and not re.fullmatch(r"[\x21-\x7e]+", key):
            raise BadUsage(
                f"{self.key_env}: the key in it holds a space, a line break or a character outside ASCII; set it again"
            )
        return key

    def _count(self, name: str) -> None:
        with self._lock:
            setattr(self, name, getattr(self, name) + 1)


def _check_address(address) -> None:
    try:
        parts = urlsplit(address) if isinstance(address, str) and re.fullmatch(r"[\x21-\x7e]+", address) else None
        usable = parts and parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # a port that is no number
        usable = False
    if "@" in str(address):
        raise BadUsage("model.base_url=: an address without a name and password; the key comes from model.key_env=")
    if not usable or parts.query or parts.fragment:
        raise BadUsage(f"model.base_url={address}: an address such as http://127.0.0.1:8000/v1")


def _read_reply(reply: dict, *, cached: bool) -> Answer:
    """The protocol's reply; one of `NO_REPLY` if it is none."""
    choice = reply["choices"][0]
    message, finish, usage = choice["message"], choice.get("finish_reason"), reply.get("usage") or {}
    if not isinstance(message, dict) or not isinstance(usage, dict):
        raise TypeError("a reply whose message or usage is no object")
    text = message.get("content") or ""
    if isinstance(text, list):  # in parts, as some services answer
        text = "".join(part["text"] for part in text if part.get("type") == "text")
    if not isinstance(text, str):
        raise TypeError("a reply whose content is no text")
    text.encode()  # half a surrogate pair could be neither kept nor sent back: UnicodeEncodeError
    tokens = [usage.get(name) or 0 for name in ("prompt_tokens", "completion_tokens")]
    if not all(isinstance(count, int | float) and count >= 0 for count in tokens):
        raise TypeError("a reply whose token counts are no numbers")
    cut_short = finish == "length"
    refused = bool(message.get("refusal")) or finish == "content_filter" or not (text.strip() or cut_short)
    return Answer(text, refused, cut_short, *map(int, tokens), cached)


def _retry_after(error: urllib.error.HTTPError, otherwise: float) -> float:
    said = error.headers.get("Retry-After") or ""
    try:
        return max(0.0, float(said))
    except ValueError:
        pass  # missing, or a date
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - time.time())
    except ValueError:
        return otherwise


def _body(error: urllib.error.HTTPError) -> object:
    try:
        return json.loads(error.read())
    except (OSError, http.client.HTTPException, *NO_REPLY):
        return None


def _said(body: object) -> dict:
    """What a body says of an error: its `code`, `type` and `message`, as far as they are there."""
    found = body.get("error") if isinstance(body, dict) else None
    return found if isinstance(found, dict) else {"message": found} if found else {}


def _refuses(code: int, said: dict) -> bool:
    """Whether this text is refused, and not the request: some services say so by an error."""
    told = any(REFUSAL.search(str(said.get(name))) for name in ("code", "type", "message"))
    return code in (200, 400, 403, 451) and told


def _refusal(problem: str) -> dict:
    """A refusal that came as an error, in the protocol's own form."""
    return {"choices": [{"message": {"refusal": problem}, "finish_reason": "content_filter"}]}


def _reason(error: urllib.error.HTTPError, said: dict, key_env: str, key: str) -> str:
    if 300 <= error.code < 400:
        return "a redirect, which is not followed; model.base_url= is the address itself, up to /v1"
    text = _told(said, key) or str(error.reason)
    if error.code not in (401, 403):
        return text
    if key:
        return f"the key in {key_env} is refused ({text})"
    return f"{key_env} is not set" if key_env else "it wants a key, and none was sent"


def _told(said: dict, key: str) -> str:
    """An error's message in one line, without the key: some endpoints repeat what they were sent."""
    text = str(said.get("message") or said.get("code") or "")
    return " ".join((text.replace(key, "…") if key else text).split())[:200]
