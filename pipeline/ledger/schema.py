"""Tables of the ledger, as numbered migrations: never change one that was released, add the next."""

from __future__ import annotations

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE files (
        file_id   TEXT PRIMARY KEY,
        digest    TEXT NOT NULL UNIQUE,
        size      INTEGER NOT NULL,
        source    TEXT NOT NULL,
        name      TEXT NOT NULL,
        sequence  INTEGER,
        state     TEXT NOT NULL CHECK (state IN ('taken', 'committed', 'suspended')),
        batch     INTEGER REFERENCES batches (id)
    ) STRICT;
    CREATE INDEX files_by_state ON files (state);

    CREATE TABLE arrivals (
        source    TEXT NOT NULL,
        name      TEXT NOT NULL,
        size      INTEGER NOT NULL,
        mtime_ns  INTEGER NOT NULL,
        file_id   TEXT NOT NULL REFERENCES files (file_id),
        sequence  INTEGER,
        verdict   TEXT NOT NULL CHECK (verdict IN ('first', 'again')),
        batch     INTEGER REFERENCES batches (id),
        PRIMARY KEY (source, name, size, mtime_ns)
    ) STRICT;

    CREATE TABLE batches (
        id        INTEGER PRIMARY KEY,
        kind      TEXT NOT NULL CHECK (kind IN ('run', 'bill')),
        name      TEXT NOT NULL UNIQUE,
        cycle     TEXT,
        inputs    TEXT NOT NULL,
        state     TEXT NOT NULL CHECK (state IN ('committed', 'published')),
        summary   TEXT NOT NULL
    ) STRICT;

    CREATE TABLE outputs (
        batch      INTEGER NOT NULL REFERENCES batches (id),
        path       TEXT NOT NULL,
        digest     TEXT NOT NULL,
        rows       INTEGER NOT NULL,
        bytes      INTEGER NOT NULL,
        superseded INTEGER REFERENCES batches (id),
        PRIMARY KEY (batch, path)
    ) STRICT;
    CREATE INDEX outputs_by_path ON outputs (path);

    CREATE TABLE sheets (
        batch     INTEGER NOT NULL REFERENCES batches (id),
        source    TEXT NOT NULL,
        name      TEXT NOT NULL,
        file_id   TEXT NOT NULL,
        sheet     TEXT NOT NULL
    ) STRICT;

    CREATE TABLE gaps (
        source    TEXT NOT NULL,
        first     INTEGER NOT NULL,
        last      INTEGER NOT NULL,
        PRIMARY KEY (source, first, last)
    ) STRICT;

    CREATE TABLE runs (
        id        INTEGER PRIMARY KEY,
        command   TEXT NOT NULL,
        started   TEXT NOT NULL,
        finished  TEXT,
        exit_code INTEGER,
        batch     INTEGER REFERENCES batches (id)
    ) STRICT;
    """,
    """
    CREATE TABLE batches_wider (
        id        INTEGER PRIMARY KEY,
        kind      TEXT NOT NULL CHECK (kind IN ('run', 'recycle', 'write_off', 'bill')),
        name      TEXT NOT NULL UNIQUE,
        cycle     TEXT,
        inputs    TEXT NOT NULL,
        state     TEXT NOT NULL CHECK (state IN ('committed', 'published')),
        summary   TEXT NOT NULL
    ) STRICT;
    INSERT INTO batches_wider SELECT id, kind, name, cycle, inputs, state, summary FROM batches;
    DROP TABLE batches;
    ALTER TABLE batches_wider RENAME TO batches;

    CREATE TABLE corrections (
        id        INTEGER PRIMARY KEY,
        made      TEXT NOT NULL,
        who       TEXT NOT NULL,
        reason    TEXT NOT NULL,
        wanted    TEXT NOT NULL,
        changes   TEXT NOT NULL,
        withdrawn TEXT
    ) STRICT;
    """,
    """
    CREATE TABLE rollbacks (
        id        INTEGER PRIMARY KEY,
        made      TEXT NOT NULL,
        batch     TEXT NOT NULL,
        kind      TEXT NOT NULL,
        files     INTEGER NOT NULL,
        outputs   INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE removals (
        path      TEXT PRIMARY KEY
    ) STRICT;

    CREATE TABLE outdated (
        batch     INTEGER PRIMARY KEY REFERENCES batches (id),
        because   TEXT NOT NULL
    ) STRICT;
    """,
    """
    CREATE TABLE collections (
        source    TEXT NOT NULL,
        name      TEXT NOT NULL,
        size      INTEGER NOT NULL,
        mtime_ns  INTEGER NOT NULL,
        file_id   TEXT NOT NULL REFERENCES files (file_id),
        collected TEXT NOT NULL,
        original  TEXT NOT NULL CHECK (original IN ('kept', 'due', 'done')),
        PRIMARY KEY (source, name, size, mtime_ns)
    ) STRICT;
    CREATE INDEX collections_due ON collections (source, name) WHERE original = 'due';
    CREATE INDEX collections_by_time ON collections (collected);

    CREATE TABLE refusals (
        source    TEXT NOT NULL,
        name      TEXT NOT NULL,
        why       TEXT NOT NULL,
        since     TEXT NOT NULL,
        PRIMARY KEY (source, name, why)
    ) STRICT;
    """,
    """
    CREATE TABLE rings (
        source    TEXT PRIMARY KEY,
        first     INTEGER NOT NULL,
        last      INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE fills (
        batch     INTEGER NOT NULL REFERENCES batches (id),
        source    TEXT NOT NULL,
        number    INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE closed_gaps (
        id        INTEGER PRIMARY KEY,
        source    TEXT NOT NULL,
        first     INTEGER NOT NULL,
        last      INTEGER NOT NULL,
        after     INTEGER NOT NULL,
        made      TEXT NOT NULL,
        who       TEXT NOT NULL,
        reason    TEXT NOT NULL
    ) STRICT;
    """,
    """
    CREATE INDEX sheets_by_batch ON sheets (batch);
    CREATE INDEX sheets_by_file ON sheets (file_id);
    CREATE INDEX runs_by_batch ON runs (batch);
    CREATE INDEX files_by_source ON files (source);
    CREATE INDEX arrivals_waiting ON arrivals (file_id) WHERE batch IS NULL;
    """,
    """
    CREATE TABLE file_ranges (
        source    TEXT NOT NULL,
        first     INTEGER NOT NULL,
        last      INTEGER NOT NULL,
        PRIMARY KEY (source, first)
    ) STRICT;

    CREATE TABLE counted (
        arrivals  INTEGER NOT NULL,
        closed    INTEGER NOT NULL
    ) STRICT;

    CREATE INDEX fills_by_batch ON fills (batch);
    CREATE INDEX outputs_superseded ON outputs (superseded) WHERE superseded IS NOT NULL;
    CREATE INDEX batches_by_kind ON batches (kind);
    CREATE INDEX batches_unpublished ON batches (state) WHERE state = 'committed';
    """,
    """
    CREATE TABLE placements (
        path      TEXT PRIMARY KEY
    ) STRICT;
    CREATE INDEX outputs_live ON outputs (path) WHERE superseded IS NULL;
    """,
    """
    CREATE TABLE record_numbers (
        batch     INTEGER NOT NULL REFERENCES batches (id),
        file_id   TEXT NOT NULL,
        source    TEXT NOT NULL,
        node      TEXT NOT NULL,
        ranges    TEXT NOT NULL,
        fresh     INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX record_numbers_by_batch ON record_numbers (batch);
    CREATE INDEX record_numbers_by_node ON record_numbers (source, node);

    CREATE TABLE record_series (
        source    TEXT NOT NULL,
        node      TEXT NOT NULL,
        first     INTEGER NOT NULL,
        last      INTEGER NOT NULL,
        given_up  INTEGER NOT NULL,
        restarts  INTEGER NOT NULL,
        PRIMARY KEY (source, node)
    ) STRICT;

    CREATE TABLE record_ranges (
        source     TEXT NOT NULL,
        node       TEXT NOT NULL,
        first      INTEGER NOT NULL,
        last       INTEGER NOT NULL,
        first_file TEXT NOT NULL,
        last_file  TEXT NOT NULL,
        PRIMARY KEY (source, node, first)
    ) STRICT;

    CREATE TABLE record_fills (
        batch     INTEGER NOT NULL REFERENCES batches (id),
        file_id   TEXT NOT NULL,
        source    TEXT NOT NULL,
        node      TEXT NOT NULL,
        first     INTEGER NOT NULL,
        last      INTEGER NOT NULL,
        numbers   INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX record_fills_by_batch ON record_fills (batch);

    CREATE TABLE record_repeats (
        batch     INTEGER NOT NULL REFERENCES batches (id),
        file_id   TEXT NOT NULL,
        source    TEXT NOT NULL,
        node      TEXT NOT NULL,
        first     INTEGER NOT NULL,
        last      INTEGER NOT NULL,
        numbers   INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX record_repeats_by_batch ON record_repeats (batch);

    CREATE TABLE closed_records (
        id        INTEGER PRIMARY KEY,
        source    TEXT NOT NULL,
        node      TEXT NOT NULL,
        first     INTEGER NOT NULL,
        last      INTEGER NOT NULL,
        after     INTEGER NOT NULL,
        made      TEXT NOT NULL,
        who       TEXT NOT NULL,
        reason    TEXT NOT NULL
    ) STRICT;
    """,
    """
    CREATE TABLE adjustments (
        id         INTEGER PRIMARY KEY,
        made       TEXT NOT NULL,
        who        TEXT NOT NULL,
        reason     TEXT NOT NULL,
        account    TEXT NOT NULL,
        subscriber TEXT NOT NULL,
        cycle      TEXT NOT NULL,
        bill_cycle TEXT NOT NULL,
        item       TEXT NOT NULL,
        amount     INTEGER NOT NULL,
        tax        TEXT NOT NULL,
        tax_rate   INTEGER,
        gl_code    TEXT NOT NULL,
        withdrawn  TEXT
    ) STRICT;
    CREATE INDEX adjustments_by_bill ON adjustments (bill_cycle);
    """,
)
"""One script each; ``PRAGMA user_version`` says how many have been applied."""
