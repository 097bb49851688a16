extension RunFormat {
  /// The probability of every fact under each model asked, and what is made of them.
  static let knowledgeTables = """
    CREATE TABLE scoring (
      id INTEGER NOT NULL PRIMARY KEY,
      key TEXT NOT NULL UNIQUE CHECK (length(key) = 64),
      identity TEXT NOT NULL CHECK (json_valid(identity))
    ) STRICT;
    CREATE TABLE scored_query (
      scoring_id INTEGER NOT NULL REFERENCES scoring (id) ON DELETE CASCADE,
      query_id INTEGER NOT NULL REFERENCES query (id),
      greedy_text TEXT NOT NULL,
      greedy_object_id INTEGER CHECK (greedy_object_id >= 0),
      greedy_verdict TEXT NOT NULL,
      greedy_log_probability REAL NOT NULL,
      draw_text TEXT NOT NULL,
      draw_object_id INTEGER CHECK (draw_object_id >= 0),
      draw_verdict TEXT NOT NULL,
      draw_log_probability REAL NOT NULL,
      PRIMARY KEY (scoring_id, query_id)
    ) WITHOUT ROWID, STRICT;
    CREATE TABLE fact_probability (
      scoring_id INTEGER NOT NULL REFERENCES scoring (id) ON DELETE CASCADE,
      query_id INTEGER NOT NULL REFERENCES query (id),
      object_id INTEGER NOT NULL CHECK (object_id >= 0),
      log_probability REAL NOT NULL,
      PRIMARY KEY (scoring_id, query_id, object_id)
    ) WITHOUT ROWID, STRICT;
    CREATE TABLE reversal_result (
      scoring_id INTEGER NOT NULL REFERENCES scoring (id) ON DELETE CASCADE,
      query_id INTEGER NOT NULL REFERENCES query (id),
      object_id INTEGER NOT NULL CHECK (object_id >= 0),
      forward_predicate_id INTEGER NOT NULL CHECK (forward_predicate_id >= 0),
      log_probability REAL NOT NULL,
      random_log_probability REAL NOT NULL,
      random_count INTEGER NOT NULL CHECK (random_count > 0),
      share_above REAL NOT NULL CHECK (share_above BETWEEN 0 AND 1),
      PRIMARY KEY (scoring_id, query_id, object_id)
    ) WITHOUT ROWID, STRICT;
    CREATE TABLE knowledge (
      id INTEGER NOT NULL PRIMARY KEY,
      key TEXT NOT NULL UNIQUE CHECK (length(key) = 64),
      scoring_id INTEGER NOT NULL REFERENCES scoring (id) ON DELETE CASCADE,
      summary TEXT NOT NULL CHECK (json_valid(summary))
    ) STRICT;
    \(KnowledgeMeasure.tables.map(\.definition).joined(separator: "\n"))
    CREATE TABLE lifeline (
      id INTEGER NOT NULL PRIMARY KEY,
      key TEXT NOT NULL UNIQUE CHECK (length(key) = 64),
      identity TEXT NOT NULL CHECK (json_valid(identity)),
      summary TEXT NOT NULL CHECK (json_valid(summary))
    ) STRICT;
    CREATE TABLE lifeline_step (
      lifeline_id INTEGER NOT NULL REFERENCES lifeline (id) ON DELETE CASCADE,
      step INTEGER NOT NULL CHECK (step >= 0),
      scoring_id INTEGER NOT NULL REFERENCES scoring (id) ON DELETE CASCADE,
      PRIMARY KEY (lifeline_id, step)
    ) WITHOUT ROWID, STRICT;
    CREATE TABLE fact_lifeline (
      lifeline_id INTEGER NOT NULL REFERENCES lifeline (id) ON DELETE CASCADE,
      query_id INTEGER NOT NULL REFERENCES query (id),
      last_probability REAL NOT NULL,
      first_known_step INTEGER,
      learned_step INTEGER,
      forgotten_step INTEGER,
      forgetting_count INTEGER NOT NULL CHECK (forgetting_count >= 0),
      confused_with TEXT,
      confused_probability REAL,
      confused_step INTEGER,
      PRIMARY KEY (lifeline_id, query_id)
    ) WITHOUT ROWID, STRICT;
    CREATE VIEW fact_lifeline_text AS
      SELECT q.subject, q.predicate, q.visibility, l.last_probability, l.first_known_step,
        l.learned_step, l.forgotten_step, l.forgetting_count, l.confused_with,
        l.confused_probability, l.confused_step, l.lifeline_id, l.query_id
      FROM fact_lifeline l JOIN query q ON q.id = l.query_id;
    CREATE VIEW fact_probability_step AS
      SELECT q.subject, q.predicate, q.visibility, s.step, exp(p.log_probability) AS probability,
        p.object_id, c.greedy_text, c.greedy_verdict, s.lifeline_id, p.query_id
      FROM lifeline_step s
      JOIN fact_probability p ON p.scoring_id = s.scoring_id
      JOIN scored_query c ON c.scoring_id = p.scoring_id AND c.query_id = p.query_id
      JOIN query q ON q.id = p.query_id;
    """
}
