extension RunFormat {
  /// Version 3: more groups of rates, and answers ranked among candidates; a file may have them already.
  static let rankingTables = """
    DROP VIEW IF EXISTS headline;
    CREATE TABLE rate_3 (
      evaluation_id INTEGER NOT NULL REFERENCES evaluation (id) ON DELETE CASCADE,
      method TEXT NOT NULL CHECK (method IN ('exact', 'sampled', 'greedy')),
      temperature REAL NOT NULL CHECK (temperature >= 0),
      visibility TEXT NOT NULL CHECK (visibility IN ('fvs', 'pvs', 'ivs', 'seen')),
      group_kind TEXT NOT NULL CHECK (group_kind <> ''),
      group_value TEXT NOT NULL,
      query_count INTEGER NOT NULL CHECK (query_count > 0),
      subject_count INTEGER NOT NULL CHECK (subject_count > 0),
      sample_count INTEGER NOT NULL CHECK (sample_count >= 0),
      rate REAL NOT NULL CHECK (rate BETWEEN 0 AND 1),
      lower REAL CHECK (lower BETWEEN 0 AND 1),
      upper REAL CHECK (upper BETWEEN lower AND 1),
      interval TEXT NOT NULL
        CHECK (interval IN ('bootstrap_over_subjects', 'wilson', 'wilson_over_subjects', 'none')),
      correct REAL NOT NULL,
      correct_held_out REAL NOT NULL,
      PRIMARY KEY (evaluation_id, method, temperature, visibility, group_kind, group_value)
    ) WITHOUT ROWID, STRICT;
    INSERT INTO rate_3 SELECT * FROM rate;
    DROP TABLE rate;
    ALTER TABLE rate_3 RENAME TO rate;
    CREATE VIEW headline AS
      SELECT method, temperature, visibility, rate, lower, upper, query_count, evaluation_id
      FROM rate WHERE group_kind = 'all';
    CREATE TABLE IF NOT EXISTS candidate_result (
      evaluation_id INTEGER NOT NULL REFERENCES evaluation (id) ON DELETE CASCADE,
      query_id INTEGER NOT NULL REFERENCES query (id),
      object_id INTEGER NOT NULL CHECK (object_id >= 0),
      rank REAL NOT NULL CHECK (rank >= 1),
      candidate_count INTEGER NOT NULL CHECK (candidate_count >= 0),
      log_probability REAL NOT NULL,
      PRIMARY KEY (evaluation_id, query_id, object_id)
    ) WITHOUT ROWID, STRICT;
    CREATE TABLE IF NOT EXISTS candidate_grade (
      evaluation_id INTEGER NOT NULL REFERENCES evaluation (id) ON DELETE CASCADE,
      visibility TEXT NOT NULL CHECK (visibility IN ('fvs', 'pvs', 'ivs', 'seen')),
      group_kind TEXT NOT NULL CHECK (group_kind <> ''),
      group_value TEXT NOT NULL,
      query_count INTEGER NOT NULL CHECK (query_count > 0),
      subject_count INTEGER NOT NULL CHECK (subject_count > 0),
      answer_count INTEGER NOT NULL CHECK (answer_count > 0),
      accuracy REAL NOT NULL CHECK (accuracy BETWEEN 0 AND 1),
      accuracy_lower REAL,
      accuracy_upper REAL,
      chance REAL NOT NULL CHECK (chance BETWEEN 0 AND 1),
      mean_reciprocal_rank REAL NOT NULL CHECK (mean_reciprocal_rank BETWEEN 0 AND 1),
      mean_reciprocal_rank_lower REAL,
      mean_reciprocal_rank_upper REAL,
      PRIMARY KEY (evaluation_id, visibility, group_kind, group_value)
    ) WITHOUT ROWID, STRICT;
    """
}
