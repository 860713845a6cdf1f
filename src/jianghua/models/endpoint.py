"""One question to an OpenAI-compatible endpoint over plain HTTP: retried when it fails, kept on disk once answered.

The protocol is `POST BASE_URL/chat/completions` as vLLM, llama.cpp, Ollama and the commercial services speak
it. What passes (429, 5xx, a dropped connection, half an answer) is tried again after 1, 2, 4 … × `backoff`
seconds, or after what `Retry-After` says; what does not pass (a wrong key, an unknown model) ends at once.
The key is read from the environment, sent to the address it was given for and to no other, and never written.
"""

import hashlib
import http.client
import json
import os
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from jianghua.files import write_atomic
from jianghua.schema import BadData, BadUsage

PASSING = {408, 409, 425, 429, 500, 502, 503, 504, 529}
LONGEST_WAIT = 60.0  # seconds between two tries


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the key to another address."""

    def redirect_request(self, *arguments, **keywords):
        return None


@dataclass(frozen=True)
class Answer:
    """What came back: the text ("" if none), whether the endpoint refused, and the tokens it counted."""

    text: str
    refused: bool
    prompt_tokens: int
    completion_tokens: int
    cached: bool


@dataclass
class Endpoint:
    """Where to ask, and how patiently; `asked` and `retries` count requests that really went out."""

    base_url: str
    key_env: str = "OPENAI_API_KEY"
    cache: Path = Path(".cache/llm")
    timeout: float = 60.0
    retries: int = 6
    backoff: float = 1.0
    asked: int = 0
    retried: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self):
        if not self.base_url.startswith(("http://", "https://")):
            raise BadUsage(f"model.base_url={self.base_url}: an address such as http://127.0.0.1:8000/v1")

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
        except (OSError, ValueError, KeyError, TypeError):
            pass  # not asked before, or only half written by something else
        reply = self._send(request)
        answer = _read_reply(reply, cached=False)
        write_atomic(place, json.dumps({"request": request, "reply": reply}, ensure_ascii=False, indent=1) + "\n")
        return answer

    def _send(self, request: dict) -> dict:
        opener = urllib.request.build_opener(_NoRedirects)
        headers = {"Content-Type": "application/json"}
        if key := os.environ.get(self.key_env):
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
                _read_reply(record, cached=False)
                return record
            except urllib.error.HTTPError as error:
                problem = f"HTTP {error.code}"
                if error.code not in PASSING:
                    raise BadData(f"{self.url}: {problem}, {_reason(error, self.key_env)}") from None
                wait = _retry_after(error, wait)
            except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError, IndexError) as error:
                problem = str(getattr(error, "reason", None) or error) or type(error).__name__
            if attempt < self.retries:
                time.sleep(min(wait, LONGEST_WAIT))
        raise BadData(
            f"{self.url}: no answer after {self.retries + 1} tries (the last: {problem}); what was answered is kept "
            f"in {self.cache}, and the same command goes on from there"
        )

    def _count(self, name: str) -> None:
        with self._lock:
            setattr(self, name, getattr(self, name) + 1)


def _read_reply(reply: dict, *, cached: bool) -> Answer:
    """The protocol's reply; KeyError, TypeError or IndexError if it is none."""
    choice = reply["choices"][0]
    message = choice["message"]
    text = message.get("content") or ""
    refused = bool(message.get("refusal")) or choice.get("finish_reason") == "content_filter" or not text.strip()
    usage = reply.get("usage") or {}
    return Answer(text, refused, int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0), cached)


def _retry_after(error: urllib.error.HTTPError, otherwise: float) -> float:
    try:
        return max(0.0, float(error.headers.get("Retry-After")))
    except (TypeError, ValueError):  # missing, or a date
        return otherwise


def _reason(error: urllib.error.HTTPError, key_env: str) -> str:
    if error.code in (401, 403):
        return f"the key in {key_env} is refused" if os.environ.get(key_env) else f"{key_env} is not set"
    if 300 <= error.code < 400:
        return "a redirect, which is not followed; model.base_url= is the address itself, up to /v1"
    try:
        message = json.loads(error.read())["error"]
        text = message.get("message", "") if isinstance(message, dict) else message
    except (OSError, ValueError, KeyError, TypeError):
        text = error.reason
    return " ".join(str(text).split())[:200]
