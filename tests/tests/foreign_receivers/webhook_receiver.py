"""Receives webhooks as a user of the package `standardwebhooks` would, and prints what was verified."""

import http.server
import json
import sys

try:
    from standardwebhooks import Webhook
except ImportError:
    sys.exit(42)

secret, ready_file = sys.argv[1:]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            payload = Webhook(secret).verify(body, dict(self.headers))
            print("verified", json.dumps(payload), flush=True)
            self.send_response(204)
        except Exception as error:
            print("refused", repr(error), flush=True)
            self.send_response(401)
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open(ready_file, "w") as ready:
    json.dump({"port": server.server_port}, ready)
server.serve_forever()
