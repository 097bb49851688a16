/// The layout of run.sqlite; docs/evaluation.md describes it for those who query it.
package enum RunFormat {
  /// "kglr" in ASCII, as `PRAGMA application_id`.
  static let applicationID: Int32 = 0x6B67_6C72
  /// `PRAGMA user_version`: that of the first release, since measures that came later make their
  /// tables themselves.
  static let version: Int32 = 4

  /// All tables of a new file.
  static let layout = [tables, detectionTables, knowledgeTables]

  /// Key in `metadata`: the content hash of the graph that query and entity ids belong to.
  package static let graphHashKey = "graph_hash"

  static let sets = "('fvs', 'pvs', 'ivs', 'seen', 'unknown')"
  static let verdicts = """
    ('correct', 'correct_held_out', 'wrong_object', 'wrong_type', 'invented', 'malformed', 'abstained')
    """

  static let tables = """
    CREATE TABLE metadata (
      key TEXT NOT NULL PRIMARY KEY CHECK (key <> ''),
      value TEXT NOT NULL
    ) WITHOUT ROWID, STRICT;
    CREATE TABLE query (
      id INTEGER NOT NULL PRIMARY KEY CHECK (id >= 0),
      subject_id INTEGER NOT NULL CHECK (subject_id >= 0),
      predicate_id INTEGER NOT NULL CHECK (predicate_id >= 0),
      subject TEXT NOT NULL,
      predicate TEXT NOT NULL,
      visibility TEXT NOT NULL CHECK (visibility IN ('fvs', 'pvs', 'ivs', 'unknown')),
      answer_count INTEGER NOT NULL CHECK (answer_count > 0),
      visible_answer_count INTEGER NOT NULL CHECK (visible_answer_count BETWEEN 0 AND answer_count),
      UNIQUE (subject_id, predicate_id)
    ) STRICT;
    CREATE TABLE evaluation (
      id INTEGER NOT NULL PRIMARY KEY,
      key TEXT NOT NULL UNIQUE CHECK (length(key) = 64),
      identity TEXT NOT NULL CHECK (json_valid(identity)),
      query_count INTEGER NOT NULL CHECK (query_count >= 0),
      stored_query_count INTEGER NOT NULL DEFAULT 0
        CHECK (stored_query_count BETWEEN 0 AND query_count),
      status TEXT NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'complete')),
      summary TEXT CHECK (summary IS NULL OR json_valid(summary)),
      CHECK ((status = 'complete') = (summary IS NOT NULL))
    ) STRICT;
    CREATE TABLE exact_result (
      evaluation_id INTEGER NOT NULL REFERENCES evaluation (id) ON DELETE CASCADE,
      query_id INTEGER NOT NULL REFERENCES query (id),
      temperature REAL NOT NULL CHECK (temperature > 0),
      correct REAL NOT NULL CHECK (correct BETWEEN 0 AND 1),
      correct_held_out REAL NOT NULL CHECK (correct_held_out BETWEEN 0 AND 1),
      hallucination_probability REAL NOT NULL CHECK (hallucination_probability BETWEEN 0 AND 1),
      PRIMARY KEY (evaluation_id, query_id, temperature)
    ) WITHOUT ROWID, STRICT;
    CREATE TABLE sampled_result (
      evaluation_id INTEGER NOT NULL REFERENCES evaluation (id) ON DELETE CASCADE,
      query_id INTEGER NOT NULL REFERENCES query (id),
      temperature REAL NOT NULL CHECK (temperature >= 0),
      correct INTEGER NOT NULL CHECK (correct >= 0),
      correct_held_out INTEGER NOT NULL CHECK (correct_held_out >= 0),
      wrong_object INTEGER NOT NULL CHECK (wrong_object >= 0),
      wrong_type INTEGER NOT NULL CHECK (wrong_type >= 0),
      invented INTEGER NOT NULL CHECK (invented >= 0),
      malformed INTEGER NOT NULL CHECK (malformed >= 0),
      abstained INTEGER NOT NULL CHECK (abstained >= 0),
      distinct_count INTEGER NOT NULL CHECK (distinct_count > 0),
      generated_answer_count INTEGER NOT NULL CHECK (generated_answer_count >= 0),
      generated_visible_count INTEGER NOT NULL
        CHECK (generated_visible_count BETWEEN 0 AND generated_answer_count),
      other_spelling_count INTEGER NOT NULL CHECK (other_spelling_count >= 0),
      PRIMARY KEY (evaluation_id, query_id, temperature)
    ) WITHOUT ROWID, STRICT;
    CREATE TABLE answer (
      evaluation_id INTEGER NOT NULL REFERENCES evaluation (id) ON DELETE CASCADE,
      query_id INTEGER NOT NULL REFERENCES query (id),
      temperature REAL NOT NULL CHECK (temperature >= 0),
      sample INTEGER NOT NULL CHECK (sample >= 0),
      text TEXT NOT NULL,
      object_id INTEGER CHECK (object_id >= 0),
      token_ids TEXT NOT NULL,
      ended INTEGER NOT NULL CHECK (ended IN (0, 1)),
      is_canonical INTEGER NOT NULL CHECK (is_canonical IN (0, 1)),
      log_probability REAL NOT NULL,
      verdict TEXT NOT NULL CHECK (verdict IN \(verdicts)),
      PRIMARY KEY (evaluation_id, query_id, temperature, sample)
    ) WITHOUT ROWID, STRICT;
    CREATE TABLE candidate_result (
      evaluation_id INTEGER NOT NULL REFERENCES evaluation (id) ON DELETE CASCADE,
      query_id INTEGER NOT NULL REFERENCES query (id),
      object_id INTEGER NOT NULL CHECK (object_id >= 0),
      rank REAL NOT NULL CHECK (rank >= 1),
      candidate_count INTEGER NOT NULL CHECK (candidate_count >= 0),
      log_probability REAL NOT NULL,
      PRIMARY KEY (evaluation_id, query_id, object_id)
    ) WITHOUT ROWID, STRICT;
    \(EvaluationMeasure.tables.map(\.definition).joined(separator: "\n"))
    CREATE VIEW answer_text AS
      SELECT q.subject, q.predicate, a.text AS answer, a.verdict, q.visibility, a.temperature,
        a.sample, exp(a.log_probability) AS probability, a.evaluation_id, a.query_id, a.object_id
      FROM answer a JOIN query q ON q.id = a.query_id;
    CREATE VIEW exact_result_text AS
      SELECT q.subject, q.predicate, q.visibility, q.answer_count, e.temperature,
        e.hallucination_probability, e.correct, e.correct_held_out, e.evaluation_id, e.query_id
      FROM exact_result e JOIN query q ON q.id = e.query_id;
    CREATE VIEW headline AS
      SELECT method, temperature, visibility, rate, lower, upper, query_count, evaluation_id
      FROM rate WHERE group_kind = 'all';
    """
}
