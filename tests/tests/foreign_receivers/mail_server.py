"""Two mail servers of the package `aiosmtpd`, which take mail from one user under TLS only, and print what came."""

import asyncio
import email
import email.policy
import json
import ssl
import sys

try:
    from aiosmtpd.smtp import SMTP, AuthResult
except ImportError:
    sys.exit(42)

certificate, key, password, ready_file = sys.argv[1:]


class Handler:
    def __init__(self, name):
        self.name = name

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        print(
            "took",
            json.dumps(
                {
                    "server": self.name,
                    "authenticated": bool(session.authenticated),
                    "from": envelope.mail_from,
                    "to": envelope.rcpt_tos,
                    "to_header": str(mail["To"]),
                    "subject": mail["Subject"],
                    "message_id": mail["Message-ID"],
                    "references": mail["References"],
                    "text": mail.get_content(),
                    "defects": [repr(defect) for defect in mail.defects],
                }
            ),
            flush=True,
        )
        return "250 queued"


def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(success=data.login == b"tocsin" and data.password == password.encode())


async def main():
    loop = asyncio.get_running_loop()

    def context():
        made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        made.load_cert_chain(certificate, key)
        return made

    def server(name, **more):
        return SMTP(Handler(name), authenticator=authenticate, auth_required=True, **more)

    starttls = await loop.create_server(
        lambda: server("starttls", tls_context=context(), require_starttls=True), "127.0.0.1", 0
    )
    implicit = await loop.create_server(
        lambda: server("implicit", auth_require_tls=False), "127.0.0.1", 0, ssl=context()
    )
    ports = {name: made.sockets[0].getsockname()[1] for name, made in [("starttls", starttls), ("implicit", implicit)]}
    with open(ready_file, "w") as ready:
        json.dump(ports, ready)
    await asyncio.Event().wait()


asyncio.run(main())
