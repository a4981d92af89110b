"""Texts that are nearly the same: shingles, MinHash signatures and the bands that bring candidates together.

A text is its set of shingles of five bytes. The share of shingles that two texts have in common (Jaccard) is
how alike they are. One permutation hashing (Li, Owen and Zhang 2012) keeps the least hash in each of 80 bins;
empty
bins take the value of a bin that hashing picks (optimal densification, Shrivastava 2017). Two texts agree in
a bin
with a chance equal to their likeness. Texts that agree in all four bins of one of 20 bands become candidates:
at a likeness of 0.7 they do with a chance of 1 - (1 - 0.7^4)^20 = 0.996, at 0.3 with 0.15.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["BANDS", "BINS", "agreement", "band_keys", "candidates", "jaccard", "join_groups", "signatures"]

SHINGLE = 5
BANDS, ROWS = 20, 4
BINS = BANDS * ROWS
EMPTY = np.uint32(0xFFFFFFFF)
#: Texts in one bucket up to which every pair is a candidate; in larger ones each meets the first ones and
#: its neighbours.
ALL_PAIRS = 8
LEADERS = 4

_ODD = (
    np.uint64(0x9E3779B97F4A7C15),
    np.uint64(0xBF58476D1CE4E5B9),
    np.uint64(0x94D049BB133111EB),
)


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return well mixed bits (the finaliser of SplitMix64, Steele, Lea and Flood 2014)."""
    values = values + _ODD[0]
    values ^= values >> np.uint64(30)
    values *= _ODD[1]
    values ^= values >> np.uint64(27)
    values *= _ODD[2]
    values ^= values >> np.uint64(31)
    return values


def signatures(texts: Sequence[bytes]) -> NDArray[np.uint32]:
    """Return the signature of each text.

    Args:
        texts: (n,) texts as bytes, normalised.

    Returns:
        (n, 80) least hashes per bin; equal texts have equal signatures, an empty text has none (all bits
        set).
    """
    out = np.full((len(texts), BINS), EMPTY, np.uint32)
    if not texts:
        return out
    padded = [_padded(text) for text in texts]
    joined = np.frombuffer(b"".join(padded), np.uint8)
    if not len(joined):
        return out
    # Shingles of a text; those that run over its end belong to none.
    sizes = np.fromiter((len(text) for text in padded), np.int64, len(padded))
    lengths = np.maximum(sizes - SHINGLE + 1, 0)
    packed = np.zeros(len(joined) - SHINGLE + 1, np.uint64)
    for place in range(SHINGLE):
        packed |= joined[place : len(packed) + place].astype(np.uint64) << np.uint64(8 * place)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    owner = np.repeat(np.arange(len(texts)), lengths)
    first = np.repeat(starts - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths)
    hashed = _mixed(packed[np.arange(len(owner)) + first])
    bins = ((hashed >> np.uint64(32)) * np.uint64(BINS)) >> np.uint64(32)
    # The largest value means an empty bin.
    values = np.minimum((hashed & np.uint64(0xFFFFFFFF)).astype(np.uint32), EMPTY - np.uint32(1))
    np.minimum.at(out.reshape(-1), owner * BINS + bins.astype(np.int64), values)
    return _densified(out)


def _densified(table: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Fill empty bins from bins that hashing picks, the same for every text."""
    source = table.copy()
    places = np.arange(BINS, dtype=np.uint64)
    rows, empty = np.nonzero(table == EMPTY)
    turn = 0
    while len(rows):
        turn += 1
        if turn > 200:
            # Texts of one or two shingles: the few bins they fill are tried in order.
            filled = source.min(axis=1)
            table[rows, empty] = filled[rows]
            break
        pick = (_mixed(places * np.uint64(1000003) + np.uint64(turn)) % np.uint64(BINS)).astype(np.int64)
        taken = source[rows, pick[empty]]
        table[rows, empty] = taken
        left = taken == EMPTY
        rows, empty = rows[left], empty[left]
        if turn == 1 and len(rows):
            some = (source != EMPTY).any(axis=1)
            rows, empty = rows[some[rows]], empty[some[rows]]
    return table


def band_keys(table: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """Return one key per band of each signature.

    Args:
        table: (n, 80) signatures.

    Returns:
        (20, n) keys.
    """
    keys = np.zeros((BANDS, len(table)), np.uint64)
    for band in range(BANDS):
        key = np.full(len(table), band, np.uint64)
        for column in range(band * ROWS, (band + 1) * ROWS):
            key = _mixed(key ^ table[:, column].astype(np.uint64))
        keys[band] = key
    return keys


def candidates(keys: NDArray[np.uint64], ours: int | None = None) -> Iterator[NDArray[np.int64]]:
    """Yield pairs of texts that share a key of one band.

    Args:
        keys: (n,) keys of one band.
        ours: Only the first so many texts are of interest, and each pair has at least one of them; None for
            all.

    Yields:
        (m, 2) pairs of places, the lower one first.
    """
    order = np.argsort(keys, kind="stable")
    same = keys[order][1:] == keys[order][:-1]
    edges = np.flatnonzero(np.diff(np.concatenate([[0], same.astype(np.int8), [0]])))
    ends = edges.reshape(-1, 2)
    sizes = ends[:, 1] - ends[:, 0] + 1
    for size in range(2, ALL_PAIRS + 1):
        # All buckets of one size at once, each a row of places.
        members = order[ends[sizes == size, 0][:, None] + np.arange(size)]
        one, other = np.triu_indices(size, 1)
        pairs = np.column_stack([members[:, one].ravel(), members[:, other].ravel()])
        yield pairs if ours is None else pairs[pairs[:, 0] < ours]
    for start, end in ends[sizes > ALL_PAIRS]:
        pairs = _pairs(order[start : end + 1])
        yield pairs if ours is None else pairs[pairs[:, 0] < ours]


def _pairs(members: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return pairs of a large bucket, whose members are in order, so that ours come first.

    They are mostly alike: each is set against the first ones and against its neighbour.
    """
    parts = [np.column_stack([members[:-1], members[1:]])]
    for leader in range(LEADERS):
        rest = members[leader + 1 :]
        parts.append(np.column_stack([np.full(len(rest), members[leader]), rest]))
    return np.concatenate(parts)


def agreement(one: NDArray[np.uint32], other: NDArray[np.uint32]) -> NDArray[np.float64]:
    """Return the share of bins in which signatures agree, an estimate of how alike the texts are.

    Args:
        one: (n, 80) signatures, or parts of their bits.
        other: (n, 80) the others.
    """
    return np.asarray((one == other).mean(axis=1), float)


def jaccard(one: bytes, other: bytes) -> float:
    """Return the share of the shingles of two texts that both have.

    >>> jaccard(b"where is my order", b"where is my order"), jaccard(b"", b"a")
    (1.0, 0.0)
    >>> round(jaccard(b"where is my order now", b"where is my order"), 2)
    0.76
    """
    a, b = _shingles(one), _shingles(other)
    whole = len(a | b)
    return len(a & b) / whole if whole else 1.0


def _shingles(text: bytes) -> set[bytes]:
    padded = _padded(text)
    return {padded[place : place + SHINGLE] for place in range(len(padded) - SHINGLE + 1)}


def _padded(text: bytes) -> bytes:
    """Return a text that has at least one shingle, unless it is empty."""
    return text.ljust(SHINGLE, b"\0") if text else text


def join_groups(pairs: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Return the group of each of n things, where pairs join their two.

    Args:
        pairs: (m, 2) places that belong together.
        n: Number of things.

    Returns:
        (n,) the least place in each one's group.
    """
    parent = np.arange(n)

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = int(parent[place])
        return place

    for one, other in pairs:
        a, b = root(int(one)), root(int(other))
        if a != b:
            parent[max(a, b)] = min(a, b)
    for place in np.flatnonzero(parent != np.arange(n)):
        parent[place] = root(int(place))
    return parent
