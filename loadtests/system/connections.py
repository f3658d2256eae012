"""Connections to a server: which certificates are trusted, and in words why no connection can be had (pure).

All that asks a server goes by it: the readiness probe, the warm-up, and the clients that measure.
"""

import errno
import socket
import ssl
from dataclasses import dataclass

WORDS = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "connection reset",
    errno.ETIMEDOUT: "connection timed out",
    errno.EHOSTUNREACH: "no route to the host",
    errno.ENETUNREACH: "network unreachable",
    errno.EMFILE: "too many open files (raise `ulimit -n`)",
    errno.ENFILE: "too many open files on this machine (raise fs.file-max)",
    errno.EADDRNOTAVAIL: "no free local port (fewer users, or a wider net.ipv4.ip_local_port_range)",
}
"""What the system's errors mean for a client, with the mend where it is the client's own limit."""
UNKNOWN_ISSUERS = frozenset({18, 19, 20, 21})
"""OpenSSL's X509_V_ERR_…: signed by nobody who is trusted, be it by itself or by an authority that is not known."""


@dataclass(frozen=True)
class Trust:
    """Which certificates of servers are trusted.

    Attributes:
        cafile: a PEM file of those that are; None for the system's, or those that SSL_CERT_FILE names.
        insecure: whether any is, whoever it is for.
    """

    cafile: str | None = None
    insecure: bool = False

    def context(self) -> ssl.SSLContext:
        """Return what a client makes TLS connections with; raises OSError if the file is none of certificates."""
        context = ssl.create_default_context(cafile=self.cafile)
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


SYSTEMS = Trust()
"""What is trusted where nobody says anything else."""


def why_not_connected(error: OSError) -> str:
    """Return in words why a server took no connection, or none could be made."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return why_not_trusted(error)
    if isinstance(error, ssl.SSLError):
        return f"no TLS: {(error.reason or str(error)).lower().replace('_', ' ')}"
    if isinstance(error, socket.gaierror):
        return "name not found"
    said = error.strerror or str(error) or "no connection"
    return WORDS.get(error.errno or 0, said[:1].lower() + said[1:])


def why_not_trusted(error: ssl.SSLCertVerificationError) -> str:
    """Return in words why a certificate was refused, and the mend."""
    why = f"certificate verify failed: {error.verify_message.rstrip('.')}"
    if error.verify_code in UNKNOWN_ISSUERS:
        return f"{why}; trust it (SSL_CERT_FILE=cert.pem, or bench run --cafile cert.pem), or any (--insecure)"
    return f"{why}; ask at the name it is for and while it is valid, or trust any (bench run --insecure)"
