"""A server on the loopback address that speaks the chat-completions protocol, real sockets and faults included."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CUES = {"表扬": "praise", "批评": "criticism", "负责": "directive", "那天": "anecdote"}


class Loopback:
    """A chat-completions server; `faults` are served first, one a request, then answers by cue."""

    def __init__(self):
        self.faults: list = []
        self.requests: list[dict] = []
        self.headers: list = []
        self.reply = None
        loopback, lock = self, threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with lock:
                    loopback.requests.append(body)
                    loopback.headers.append(dict(self.headers))
                    fault = loopback.faults.pop(0) if loopback.faults else None
                if self.path != "/v1/chat/completions":
                    self.answer(404, {"error": {"message": f"no {self.path}"}})
                elif callable(fault):
                    fault(self)
                elif isinstance(fault, int):
                    self.answer(fault, {"error": {"message": f"fault {fault}"}})
                else:
                    self.answer(200, fault or loopback.answer_to(body))

            def answer(self, status, record, headers=(), cut=None):
                data = json.dumps(record).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                for name, value in headers:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data[:cut])
                if cut:
                    self.close_connection = True

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.base_url = f"http://127.0.0.1:{self.server.server_port}/v1"

    def answer_to(self, body):
        if self.reply is not None:
            return said(self.reply)
        text = body["messages"][-1]["content"]
        ids = [label for cue, label in CUES.items() if cue in text]
        many = "functions" in body["messages"][0]["content"]
        return said(json.dumps({"functions": ids} if many else {"label": ids[0]}))

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def said(content, finish="stop", **message):
    usage = {"prompt_tokens": 200, "completion_tokens": 10}
    choice = {"message": {"role": "assistant", "content": content} | message, "finish_reason": finish}
    return {"choices": [choice], "usage": usage}
