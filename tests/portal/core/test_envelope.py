"""Files at rest: whatever is done to the bytes, what comes back is what was written, or an error."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.storage import envelope
from portal.core.storage.envelope import CHUNK, HEADER, SEALED_CHUNK, Damaged, KeyRing, UnknownKey

NAME = "ab/0123456789abcdef0123456789abcd.pdf"
RING = KeyRing(("one-of-the-keys-" + "k" * 32,))
# Around the edges of a chunk, where mistakes live, and in between.
SIZES = st.one_of(
    st.integers(0, 3 * CHUNK + 2),
    st.sampled_from([0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK - 1, 2 * CHUNK, 2 * CHUNK + 1]),
)


def plain_of(size: int) -> bytes:
    """Bytes that tell where they stand."""
    return b"".join(i.to_bytes(8) for i in range(size // 8 + 1))[:size]


def pieces_of(data: bytes) -> Iterator[bytes]:
    return (data[start : start + CHUNK] for start in range(0, len(data), CHUNK))


def sealed(data: bytes, name: str = NAME, ring: KeyRing = RING) -> bytes:
    return b"".join(envelope.seal(pieces_of(data), name=name, ring=ring))


def opened(box: bytes, name: str = NAME, ring: KeyRing = RING) -> bytes:
    return envelope.unseal(io.BytesIO(box), name=name, ring=ring).read()


@given(SIZES)
@settings(max_examples=60, deadline=None)
def test_what_was_written_comes_back_and_shows_nothing(size: int) -> None:
    plain = plain_of(size)
    box = sealed(plain)

    assert opened(box) == plain
    assert len(box) == HEADER + size + 16 * max(1, -(-size // CHUNK))
    assert size < 16 or plain[:16] not in box
    assert sealed(plain)[HEADER:] != box[HEADER:]  # a key of its own for each file


@given(SIZES, st.data())
@settings(max_examples=60, deadline=None)
def test_any_part_can_be_read_alone(size: int, data: st.DataObject) -> None:
    plain = plain_of(size)
    start = data.draw(st.integers(0, size + 10))
    length = data.draw(st.integers(0, size + 10))
    file = envelope.unseal(io.BytesIO(sealed(plain)), name=NAME, ring=RING)

    file.seek(start)

    assert file.read(length) == plain[start : start + length]
    assert file.seek(0, io.SEEK_END) == size


@given(SIZES, st.data())
@settings(max_examples=150, deadline=None)
def test_a_flipped_bit_is_noticed(size: int, data: st.DataObject) -> None:
    box = bytearray(sealed(plain_of(size)))
    at = data.draw(st.integers(len(envelope.MAGIC), len(box) - 1))
    box[at] ^= 1 << data.draw(st.integers(0, 7))

    with pytest.raises((Damaged, UnknownKey)):
        opened(bytes(box))


@given(SIZES, st.data())
@settings(max_examples=150, deadline=None)
def test_a_cut_is_noticed(size: int, data: st.DataObject) -> None:
    box = sealed(plain_of(size))
    edges = [HEADER + k * SEALED_CHUNK + more for k in range(4) for more in (-1, 0, 1, 15, 16, 17)]
    kept = data.draw(
        st.one_of(
            st.integers(len(envelope.MAGIC), len(box) - 1),
            st.sampled_from([edge for edge in edges if edge < len(box)]),
        )
    )

    with pytest.raises((Damaged, UnknownKey)):
        opened(box[:kept])


@given(SIZES, st.binary(min_size=1, max_size=2 * SEALED_CHUNK))
@settings(max_examples=60, deadline=None)
def test_what_was_added_is_noticed(size: int, tail: bytes) -> None:
    with pytest.raises(Damaged):
        opened(sealed(plain_of(size)) + tail)


@given(st.permutations(range(4)).filter(lambda order: order != [0, 1, 2, 3]))
def test_another_order_is_noticed(order: list[int]) -> None:
    box = sealed(plain_of(4 * CHUNK))
    chunks = [box[HEADER + i * SEALED_CHUNK :][:SEALED_CHUNK] for i in range(4)]

    with pytest.raises(Damaged):
        opened(box[:HEADER] + b"".join(chunks[i] for i in order))


def test_a_chunk_left_out_or_taken_from_another_file_is_noticed() -> None:
    one, other = sealed(plain_of(3 * CHUNK)), sealed(plain_of(3 * CHUNK))
    second = slice(HEADER + SEALED_CHUNK, HEADER + 2 * SEALED_CHUNK)

    for box in (
        one[: second.start] + one[second.stop :],
        one[: second.start] + other[second],
        one[: second.start] + other[second] + one[second.stop :],
        other[:HEADER] + one[HEADER:],
    ):
        with pytest.raises(Damaged):
            opened(box)


def test_bytes_put_under_another_name_do_not_open() -> None:
    with pytest.raises(Damaged):
        opened(sealed(b"of one person"), name="cd/0123456789abcdef0123456789abcd.pdf")


def test_a_key_that_is_not_there_is_named() -> None:
    stranger = KeyRing(("another-of-the-keys-" + "k" * 32,))

    with pytest.raises(UnknownKey, match=RING.first.id.hex()):
        opened(sealed(b"abc"), ring=stranger)


def test_the_first_key_writes_and_all_read() -> None:
    old, new = "old-" + "k" * 40, "new-" + "k" * 40
    both = KeyRing((new, old))

    assert opened(sealed(b"abc", ring=KeyRing((old,))), ring=both) == b"abc"
    assert opened(sealed(b"abc", ring=both), ring=KeyRing((new,))) == b"abc"
    with pytest.raises(UnknownKey):
        opened(sealed(b"abc", ring=both), ring=KeyRing((old,)))


def test_a_plain_file_of_an_older_version_is_read_as_it_is() -> None:
    assert opened(b"%PDF-1.7 of an older version") == b"%PDF-1.7 of an older version"
    assert opened(b"") == b""
