"""A certificate authority that lives as long as one demo, so that no key for it lies anywhere."""

from __future__ import annotations

import ssl
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey


def certify(names: Collection[str], authority: Path) -> ssl.SSLContext:
    """What hosts of those names prove themselves with; the certificate that vouches for it is written to that file."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    authority.write_bytes(_certificate(key, names))
    private = authority.with_name("key.pem")
    # In a folder that only its owner may read, for as long as the demo runs.
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority, private)
    private.unlink()
    return context


def _certificate(key: EllipticCurvePrivateKey, names: Collection[str]) -> bytes:
    """A certificate for the hosts that vouches for itself, as strict clients want it (RFC 5280, 4.2)."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    public = key.public_key()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Hosts of the soc2ev demo")])
    use = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign",
         "encipher_only", "decipher_only"), False,
    )  # fmt: skip
    made = (
        x509.CertificateBuilder(name, name, public, x509.random_serial_number())
        .not_valid_before(datetime(2000, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2100, 1, 1, tzinfo=UTC))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, key_cert_sign=True, **use), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
    )
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
