"""Framing steps as people declare them."""

from __future__ import annotations

import pytest

from mediation.framing_steps import FramingRules, Steps, read_steps


def test_single_words_and_lists() -> None:
    assert read_steps(None) == Steps()
    assert read_steps("bare") == Steps((), "bare")
    assert read_steps(["zip", "gzip"]) == Steps(("zip", "gzip"))
    steps = read_steps(["zstd", "blocks 2048", "lengths  4 little included"])
    rules = steps.applied(FramingRules(steps.framing or ""))
    assert (rules.block_octets, rules.length_octets) == (2048, 4)
    assert rules.little_endian
    assert rules.length_included
    assert rules.words == "blocks 2048, lengths 4 little included"
    assert read_steps(rules.words.split(", ")).values == steps.values


def test_header_lengths() -> None:
    assert dict(read_steps("ts32297").values) == {}
    assert dict(read_steps("ts32297 50").values) == {"file_header_octets": 50}
    both = {"file_header_octets": 54, "cdr_header_octets": 5}
    assert dict(read_steps("ts32297 54 5").values) == both


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ("gzipp", "did you mean 'gzip'"),
        ("ts32297 54 3", "4 octets at least"),
        ("tar", "allowed: gzip, zstd, zip, blocks, bare, ts32297, lengths, outer"),
        ("blocks", "blocks N: `blocks 2048`"),
        ("blocks 0", "blocks N"),
        ("bare 3", "nothing stands behind `bare`"),
        ("lengths 3 big", "lengths 2|4 big|little"),
        (["bare", "gzip"], "stands behind 'bare'"),
        (["gzip", "bare", "gzip"], "'gzip' stands behind 'bare'"),
        (["bare", "outer"], "stands behind 'bare'"),
        (["blocks 2048", "gzip"], "stands behind 'blocks 2048'"),
        (["blocks 2048", "outer"], "has no blocks"),
    ],
)
def test_mistakes(steps: str | list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("|", r"\|")):
        read_steps(steps)
