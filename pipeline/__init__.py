"""The application: command line, configuration, ledger, commit, audit, metrics."""
