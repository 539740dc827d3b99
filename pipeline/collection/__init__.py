"""From sources into the archive."""
