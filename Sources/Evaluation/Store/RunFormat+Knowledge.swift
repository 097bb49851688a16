extension RunFormat {
  /// Version 4: the probability of every fact under each model asked, and what is made of them.
  static let knowledgeTables = """
    CREATE TABLE IF NOT EXISTS scoring (
      id INTEGER NOT NULL PRIMARY KEY,
      key TEXT NOT NULL UNIQUE CHECK (length(key) = 64),
      identity TEXT NOT NULL CHECK (json_valid(identity))
    ) STRICT;
    CREATE TABLE IF NOT EXISTS scored_query (
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
    CREATE TABLE IF NOT EXISTS fact_probability (
      scoring_id INTEGER NOT NULL REFERENCES scoring (id) ON DELETE CASCADE,
      query_id INTEGER NOT NULL REFERENCES query (id),
      object_id INTEGER NOT NULL CHECK (object_id >= 0),
      log_probability REAL NOT NULL,
      PRIMARY KEY (scoring_id, query_id, object_id)
    ) WITHOUT ROWID, STRICT;
    CREATE TABLE IF NOT EXISTS reversal_result (
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
    CREATE TABLE IF NOT EXISTS knowledge (
      id INTEGER NOT NULL PRIMARY KEY,
      key TEXT NOT NULL UNIQUE CHECK (length(key) = 64),
      scoring_id INTEGER NOT NULL REFERENCES scoring (id) ON DELETE CASCADE,
      summary TEXT NOT NULL CHECK (json_valid(summary))
    ) STRICT;
    CREATE TABLE IF NOT EXISTS stored_bits (
      knowledge_id INTEGER NOT NULL REFERENCES knowledge (id) ON DELETE CASCADE,
      triples TEXT NOT NULL CHECK (triples IN ('trained', 'held_out')),
      group_kind TEXT NOT NULL CHECK (group_kind IN ('all', 'predicate', 'exposure')),
      group_value TEXT NOT NULL,
      triple_count INTEGER NOT NULL CHECK (triple_count > 0),
      entropy_bits REAL NOT NULL,
      code_bits REAL NOT NULL,
      stored_bits REAL NOT NULL CHECK (stored_bits >= 0),
      net_bits REAL NOT NULL CHECK (net_bits >= 0),
      reference_bits REAL NOT NULL,
      memorised_bits REAL NOT NULL CHECK (memorised_bits >= 0),
      stored_bits_per_triple_lower REAL,
      stored_bits_per_triple_upper REAL,
      PRIMARY KEY (knowledge_id, triples, group_kind, group_value)
    ) WITHOUT ROWID, STRICT;
    CREATE TABLE IF NOT EXISTS calibration (
      knowledge_id INTEGER NOT NULL REFERENCES knowledge (id) ON DELETE CASCADE,
      visibility TEXT NOT NULL CHECK (visibility IN ('fvs', 'pvs', 'ivs', 'seen')),
      answer_count INTEGER NOT NULL CHECK (answer_count > 0),
      accuracy REAL NOT NULL,
      mean_confidence REAL NOT NULL,
      brier REAL NOT NULL,
      brier_lower REAL,
      brier_upper REAL,
      ece_equal_width REAL NOT NULL,
      ece_equal_mass REAL NOT NULL,
      bins INTEGER NOT NULL CHECK (bins > 0),
      PRIMARY KEY (knowledge_id, visibility)
    ) WITHOUT ROWID, STRICT;
    CREATE TABLE IF NOT EXISTS reliability_bin (
      knowledge_id INTEGER NOT NULL REFERENCES knowledge (id) ON DELETE CASCADE,
      visibility TEXT NOT NULL CHECK (visibility IN ('fvs', 'pvs', 'ivs', 'seen')),
      binning TEXT NOT NULL CHECK (binning IN ('equal_width', 'equal_mass')),
      lower REAL NOT NULL,
      upper REAL NOT NULL,
      answer_count INTEGER NOT NULL CHECK (answer_count > 0),
      mean_confidence REAL NOT NULL,
      accuracy REAL NOT NULL,
      PRIMARY KEY (knowledge_id, visibility, binning, lower)
    ) WITHOUT ROWID, STRICT;
    CREATE TABLE IF NOT EXISTS reversal (
      knowledge_id INTEGER NOT NULL REFERENCES knowledge (id) ON DELETE CASCADE,
      forward_predicate TEXT NOT NULL,
      predicate TEXT NOT NULL,
      fact_count INTEGER NOT NULL CHECK (fact_count > 0),
      gap REAL NOT NULL,
      gap_lower REAL,
      gap_upper REAL,
      share_above REAL NOT NULL,
      accuracy REAL NOT NULL,
      accuracy_lower REAL NOT NULL,
      accuracy_upper REAL NOT NULL,
      forward_accuracy REAL,
      PRIMARY KEY (knowledge_id, forward_predicate, predicate)
    ) WITHOUT ROWID, STRICT;
    CREATE TABLE IF NOT EXISTS lifeline (
      id INTEGER NOT NULL PRIMARY KEY,
      key TEXT NOT NULL UNIQUE CHECK (length(key) = 64),
      identity TEXT NOT NULL CHECK (json_valid(identity)),
      summary TEXT NOT NULL CHECK (json_valid(summary))
    ) STRICT;
    CREATE TABLE IF NOT EXISTS lifeline_step (
      lifeline_id INTEGER NOT NULL REFERENCES lifeline (id) ON DELETE CASCADE,
      step INTEGER NOT NULL CHECK (step >= 0),
      scoring_id INTEGER NOT NULL REFERENCES scoring (id) ON DELETE CASCADE,
      PRIMARY KEY (lifeline_id, step)
    ) WITHOUT ROWID, STRICT;
    CREATE TABLE IF NOT EXISTS fact_lifeline (
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
    CREATE VIEW IF NOT EXISTS fact_lifeline_text AS
      SELECT q.subject, q.predicate, q.visibility, l.last_probability, l.first_known_step,
        l.learned_step, l.forgotten_step, l.forgetting_count, l.confused_with,
        l.confused_probability, l.confused_step, l.lifeline_id, l.query_id
      FROM fact_lifeline l JOIN query q ON q.id = l.query_id;
    CREATE VIEW IF NOT EXISTS fact_probability_step AS
      SELECT q.subject, q.predicate, q.visibility, s.step, exp(p.log_probability) AS probability,
        p.object_id, c.greedy_text, c.greedy_verdict, s.lifeline_id, p.query_id
      FROM lifeline_step s
      JOIN fact_probability p ON p.scoring_id = s.scoring_id
      JOIN scored_query c ON c.scoring_id = p.scoring_id AND c.query_id = p.query_id
      JOIN query q ON q.id = p.query_id;
    """
}
