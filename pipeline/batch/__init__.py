"""One batch: from files that have arrived to a commit."""
