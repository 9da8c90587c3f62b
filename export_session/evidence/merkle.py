"""The root of a Merkle tree over entries: one hash that stands for all of them.

As RFC 6962 §2.1 has it: a leaf is hashed behind the byte 00, a node behind the byte 01, so that no node can be taken
for a leaf; of more than one leaf the left side holds the largest power of two that is smaller than their number.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

CONSTRUCTION = (
    "SHA-256, RFC 6962 section 2.1; leaves are 'run', each of 'files', each of 'outputs', in this order, as JSON in "
    "ASCII with sorted keys and without blanks"
)


def root_of(entries: Sequence[Any]) -> str:
    """Return the root over JSON values, as hex digits."""
    return root([canonical(entry) for entry in entries]).hex()


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaves."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + root(leaves[:split]) + root(leaves[split:])).digest()


def canonical(entry: Any) -> bytes:
    """Return the bytes that stand for a JSON value."""
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
