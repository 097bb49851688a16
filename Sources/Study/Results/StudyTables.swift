extension StudyDatabase {
  /// The layout; docs/studies.md describes it for those who query it.
  static let tables = """
    CREATE TABLE metadata (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT;
    CREATE TABLE graph (
      id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, source TEXT NOT NULL,
      content_hash TEXT NOT NULL, entity_count INTEGER NOT NULL, predicate_count INTEGER NOT NULL,
      triple_count INTEGER NOT NULL, trained_triple_count INTEGER NOT NULL,
      fvs_count INTEGER NOT NULL, pvs_count INTEGER NOT NULL, ivs_count INTEGER NOT NULL,
      guess_rate REAL CHECK (guess_rate BETWEEN 0 AND 1), bits REAL
    ) STRICT;
    CREATE TABLE run (
      id TEXT NOT NULL PRIMARY KEY, graph_id TEXT NOT NULL REFERENCES graph (id),
      name TEXT NOT NULL, size TEXT NOT NULL, parameters INTEGER NOT NULL,
      non_embedding_parameters INTEGER NOT NULL, horizon TEXT NOT NULL, epochs REAL NOT NULL,
      fraction REAL NOT NULL, seed INTEGER NOT NULL, learning_rate REAL NOT NULL,
      precision TEXT NOT NULL, variant TEXT NOT NULL,
      status TEXT NOT NULL CHECK (status IN ('complete', 'diverged')), diverged_step INTEGER,
      trained_triples INTEGER NOT NULL,
      tokens_per_epoch INTEGER NOT NULL, tokens_per_parameter REAL NOT NULL,
      steps INTEGER NOT NULL, training_flops REAL NOT NULL, initial_cross_entropy REAL,
      cross_entropy REAL, seconds REAL,
      tokens_per_second REAL, peak_memory_mib REAL
    ) STRICT;
    CREATE TABLE rate (
      run_id TEXT NOT NULL REFERENCES run (id),
      method TEXT NOT NULL CHECK (method IN ('exact', 'sampled', 'greedy')),
      temperature REAL NOT NULL, visibility TEXT NOT NULL, group_kind TEXT NOT NULL,
      group_value TEXT NOT NULL, query_count INTEGER NOT NULL, sample_count INTEGER NOT NULL,
      rate REAL NOT NULL, lower REAL, upper REAL, correct REAL NOT NULL,
      correct_held_out REAL NOT NULL,
      UNIQUE (run_id, method, temperature, visibility, group_kind, group_value)
    ) STRICT;
    CREATE TABLE verdict (
      run_id TEXT NOT NULL REFERENCES run (id), method TEXT NOT NULL, temperature REAL NOT NULL,
      visibility TEXT NOT NULL, verdict TEXT NOT NULL, count INTEGER NOT NULL,
      sample_count INTEGER NOT NULL,
      UNIQUE (run_id, method, temperature, visibility, verdict)
    ) STRICT;
    CREATE TABLE coverage (
      run_id TEXT NOT NULL REFERENCES run (id), method TEXT NOT NULL, temperature REAL NOT NULL,
      visibility TEXT NOT NULL, query_count INTEGER NOT NULL, precision REAL NOT NULL,
      recall REAL NOT NULL,
      UNIQUE (run_id, method, temperature, visibility)
    ) STRICT;
    CREATE TABLE candidate_grade (
      run_id TEXT NOT NULL REFERENCES run (id), visibility TEXT NOT NULL,
      group_kind TEXT NOT NULL, group_value TEXT NOT NULL, query_count INTEGER NOT NULL,
      answer_count INTEGER NOT NULL, accuracy REAL NOT NULL, accuracy_lower REAL,
      accuracy_upper REAL, chance REAL NOT NULL, mean_reciprocal_rank REAL NOT NULL,
      mean_reciprocal_rank_lower REAL, mean_reciprocal_rank_upper REAL,
      UNIQUE (run_id, visibility, group_kind, group_value)
    ) STRICT;
    CREATE TABLE detector (
      run_id TEXT NOT NULL REFERENCES run (id),
      task TEXT NOT NULL CHECK (task IN ('sentence', 'token')), position TEXT NOT NULL, kind TEXT NOT NULL,
      name TEXT NOT NULL, parameters INTEGER NOT NULL, validation_auroc REAL, metric TEXT NOT NULL,
      value REAL NOT NULL, lower REAL, upper REAL, prevalence REAL NOT NULL, example_count INTEGER NOT NULL,
      UNIQUE (run_id, task, name, metric)
    ) STRICT;
    CREATE TABLE failure (
      task_id TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL,
      status TEXT NOT NULL, error TEXT NOT NULL
    ) STRICT;
    CREATE VIEW run_rate AS
      SELECT run.name AS run, run.size, run.non_embedding_parameters, run.epochs, run.fraction,
        run.seed, run.learning_rate, run.variant, run.tokens_per_parameter, run.training_flops, rate.visibility, rate.method,
        rate.temperature, rate.rate, rate.lower, rate.upper, rate.query_count, rate.run_id
      FROM rate JOIN run ON run.id = rate.run_id WHERE rate.group_kind = 'all';
    CREATE VIEW run_detector AS
      SELECT run.name AS run, run.size, run.non_embedding_parameters, run.epochs, run.fraction,
        run.seed, run.learning_rate, run.variant, detector.task, detector.position, detector.kind, detector.name AS detector, detector.parameters,
        detector.metric, detector.value, detector.lower, detector.upper, detector.prevalence,
        detector.run_id
      FROM detector JOIN run ON run.id = detector.run_id;
    """
}
