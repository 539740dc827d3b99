"""The bill run: a cycle re-rated in event order, fees, bill lines, bills and balances."""
