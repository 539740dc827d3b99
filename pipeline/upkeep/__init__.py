"""What operations do with a workspace between batches."""
