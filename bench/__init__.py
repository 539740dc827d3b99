"""Throughput against peers, in interleaved runs."""
