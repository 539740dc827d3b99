"""An FTP server as a process of its own: folder, port, and a certificate for TLS."""

from __future__ import annotations

import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
from pyftpdlib.servers import ThreadedFTPServer


def main(folder: str, port: str, certificate: str = "") -> None:
    """Serves `folder` to user ``huadan`` with the password ``secret``, for ever."""
    authorizer = DummyAuthorizer()
    authorizer.add_user("huadan", "secret", folder, perm="elradfmw")
    base = TLS_FTPHandler if certificate else FTPHandler
    settings = {
        "authorizer": authorizer,
        "use_sendfile": False,
        "unicode_errors": "surrogateescape",
    }
    handler = type("Handler", (base,), settings)
    if certificate:
        handler.certfile = certificate
        handler.tls_control_required = handler.tls_data_required = True
    ThreadedFTPServer(("127.0.0.1", int(port)), handler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
