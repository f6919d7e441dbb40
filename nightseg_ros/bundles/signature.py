# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Verifies minisign signatures.

A signed model.yaml covers its network too, since it contains the sha256. Sign with the program
`minisign`: this package never uses a secret key.
"""

from __future__ import annotations

from pathlib import Path

from nightseg_ros.errors import NightsegError
from nightseg_ros.files.regular import require_regular

SUFFIX = ".minisig"
MAX_BYTES = 4096
"""A signature has about 300 bytes, comments included."""


def check_signature(path: Path, content: bytes, public_key: str) -> None:
    """Refuse `content`, read from `path`, unless the signature file next to it is valid."""
    try:
        import minisign
    except ImportError as error:
        raise NightsegError(
            f"signatures need the package py-minisign ({error}); pip install '.[sign]', or "
            "require no signature"
        ) from error
    try:
        key = minisign.PublicKey.from_base64(public_key)
    except Exception as error:  # it decodes before it checks
        raise NightsegError(
            f"public key {public_key[:60]!r} is not a minisign key ({error}); give the second line "
            "of the .pub file"
        ) from error
    file = path.with_name(path.name + SUFFIX)
    try:
        require_regular(file)
        with file.open("rb") as opened:
            text = opened.read(MAX_BYTES)
    except OSError as error:
        raise NightsegError(
            f"{path.name} is not signed: cannot read {file.name} ({error.strerror}); sign it with "
            f"`minisign -S -m {path.name}`"
        ) from error
    try:
        key.verify(content, minisign.Signature.from_bytes(text))
    except Exception as error:  # as above
        raise NightsegError(
            f"{path.name} does not match the signature for public key {public_key[:12]}... "
            f"({error}); get the bundle from its author again"
        ) from error
