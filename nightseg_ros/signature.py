# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whether a file was signed by the one who is trusted, in the format of minisign.

A signed model.yaml covers its network too, whose sha256 it holds. Signing is done with the program
`minisign`: this package never sees a secret key.
"""

from __future__ import annotations

from pathlib import Path

from nightseg_ros.errors import NightsegError

SUFFIX = ".minisig"
MAX_BYTES = 4096
"""A signature has about 300 bytes, comments included."""


def check_signature(path: Path, content: bytes, public_key: str) -> None:
    """Refuse `content`, which was read from `path`, unless the file beside it signs it."""
    try:
        import minisign
    except ImportError as error:
        raise NightsegError(
            f"signatures need the package py-minisign ({error}); pip install '.[sign]', or ask "
            "for none"
        ) from error
    try:
        key = minisign.PublicKey.from_base64(public_key)
    except Exception as error:  # it decodes what it is given before it looks at it
        raise NightsegError(
            f"public key {public_key[:60]!r} is none of minisign ({error}); give the second line "
            "of the .pub file"
        ) from error
    file = path.with_name(path.name + SUFFIX)
    try:
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
            f"{path.name} is not as the owner of public key {public_key[:12]}... signed it "
            f"({error}); get the bundle from them again"
        ) from error
