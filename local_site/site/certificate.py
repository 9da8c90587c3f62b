"""The site's own certificate, for clients that insist on TLS."""

from __future__ import annotations

import os
import ssl
from functools import cache
from pathlib import Path

import certifi

NAMES = ("127.0.0.1", "::1", "localhost")
# By which clients are told what else to trust: OpenSSL and what uses it, requests, and the Flywheel SDK
VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "FW_SSL_CERT_FILE")


def server_context(root: Path, host: str) -> ssl.SSLContext:
    """Return how to serve TLS, with a certificate that is made once and kept under `root`."""
    _issue(root, host)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(_folder(root) / "server.pem")
    return context


def trust(root: Path, host: str) -> dict[str, str]:
    """Return environment variables by which programs trust this site, beside all that they trusted before."""
    _issue(root, host)
    bundle = _folder(root) / "trusted.pem"
    known = os.environ.get("SSL_CERT_FILE") or certifi.where()
    bundle.write_bytes(Path(known).read_bytes() + b"\n" + (_folder(root) / "authority.pem").read_bytes())
    return dict.fromkeys(VARIABLES, str(bundle))


def _folder(root: Path) -> Path:
    return root / "tls"


@cache
def _issue(root: Path, host: str) -> None:
    if (_folder(root) / "server.pem").is_file():
        return
    import trustme  # noqa: PLC0415 - slow to import, and most sites never speak TLS

    folder = _folder(root)
    folder.mkdir(mode=0o700, exist_ok=True)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    certificate = authority.issue_cert(*dict.fromkeys([host, *NAMES]))
    certificate.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
