"""An FTP server as a process of its own: folder, port, a certificate for TLS, ``implicit`` or not.

The folder ``closed`` in it is closed to everybody.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
from pyftpdlib.servers import ThreadedFTPServer


class ImplicitTls(TLS_FTPHandler):
    """Greets when TLS is established."""

    def handle(self) -> None:
        self.secure_connection(self.ssl_context)

    def handle_ssl_established(self) -> None:
        super().handle()


def main(folder: str, port: str, certificate: str = "", kind: str = "") -> None:
    """Serves `folder` to user ``huadan`` with the password ``secret``, for ever."""
    authorizer = DummyAuthorizer()
    authorizer.add_user("huadan", "secret", folder, perm="elradfmw")
    if Path(folder, "closed").is_dir():
        authorizer.override_perm("huadan", str(Path(folder, "closed")), "", recursive=True)
    base = TLS_FTPHandler if certificate else FTPHandler
    if kind == "implicit":
        base = ImplicitTls
    settings = {
        "authorizer": authorizer,
        "use_sendfile": False,
        "unicode_errors": "surrogateescape",
    }
    handler = type("Handler", (base,), settings)
    if certificate:
        handler.certfile = certificate
        handler.tls_control_required = handler.tls_data_required = kind != "implicit"
    ThreadedFTPServer(("127.0.0.1", int(port)), handler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
