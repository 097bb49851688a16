extension RunFormat {
  /// Key in `metadata`: the version of the tables of detectors.
  package static let detectionFormatKey = "detection_format"
  /// Raised when those tables change.
  package static let detectionFormat = "3"
  /// The version that `detectorColumns` brings up to this one; older tables are dropped, since
  /// everything in them can be measured again.
  package static let detectionFormatBefore = "2"

  /// What the version before lacks of a detector, from what it holds.
  private static let family = """
    CASE
      WHEN kind NOT IN ('score', 'baseline') THEN kind
      WHEN replace(name, '@' || position, '')
        IN ('sequence-log-probability', 'token-log-probability') THEN 'log-probability'
      WHEN replace(name, '@' || position, '') IN ('semantic-entropy', 'token-entropy') THEN 'entropy'
      WHEN replace(name, '@' || position, '') IN ('object-prior', 'token-position') THEN 'prior'
      ELSE replace(name, '@' || position, '') END
    """
  private static let pretrained =
    "CASE kind WHEN 'full' THEN name = 'full-own' OR name LIKE '%-pretrained' END"
  private static let validationAUROC = """
    (SELECT json_extract(d.value, '$.training.validation_auroc')
      FROM detection n, json_each(n.summary, '$.detectors') d
      WHERE n.id = detector.detection_id AND json_extract(d.value, '$.task') = detector.task
        AND json_extract(d.value, '$.name') = detector.name)
    """

  /// Adds to the tables of the version before what they lack.
  package static let detectorColumns = """
    ALTER TABLE detector ADD COLUMN family TEXT;
    ALTER TABLE detector ADD COLUMN pretrained INTEGER CHECK (pretrained IN (0, 1));
    ALTER TABLE detector ADD COLUMN validation_auroc REAL;
    UPDATE detector SET family = \(family), pretrained = \(pretrained),
      validation_auroc = \(validationAUROC);
    UPDATE metadata SET value = '3' WHERE key = 'detection_format';
    """

  /// Shows a file of the version before, which is only read, as one of this version.
  static let detectorView = """
    CREATE TEMP VIEW detector AS
      SELECT *, \(family) AS family, \(pretrained) AS pretrained,
        \(validationAUROC) AS validation_auroc
      FROM main.detector;
    """

  /// Drops the tables of detectors of an earlier version.
  package static let droppedDetectionTables = """
    DROP VIEW IF EXISTS detector_table;
    DROP VIEW IF EXISTS detector_score_text;
    DROP TABLE IF EXISTS detector_score;
    DROP TABLE IF EXISTS detector_metric;
    DROP TABLE IF EXISTS detector;
    DROP TABLE IF EXISTS detection_example;
    DROP TABLE IF EXISTS detection;
    """

  /// What detectors say of a run's answers; docs/detection.md describes it.
  package static let detectionTables = """
    CREATE TABLE detection (
      id INTEGER NOT NULL PRIMARY KEY,
      key TEXT NOT NULL UNIQUE CHECK (length(key) = 64),
      identity TEXT NOT NULL CHECK (json_valid(identity)),
      summary TEXT NOT NULL CHECK (json_valid(summary))
    ) STRICT;
    CREATE TABLE detection_example (
      id INTEGER NOT NULL PRIMARY KEY,
      detection_id INTEGER NOT NULL REFERENCES detection (id) ON DELETE CASCADE,
      task TEXT NOT NULL CHECK (task IN ('sentence', 'token')),
      query_id INTEGER NOT NULL REFERENCES query (id),
      sample INTEGER NOT NULL CHECK (sample >= 0),
      position TEXT NOT NULL,
      place INTEGER CHECK (place >= 0),
      subject_id INTEGER NOT NULL CHECK (subject_id >= 0),
      text TEXT NOT NULL,
      hallucinated INTEGER NOT NULL CHECK (hallucinated IN (0, 1)),
      CHECK ((task = 'token') = (place IS NOT NULL))
    ) STRICT;
    CREATE INDEX detection_example_detection ON detection_example (detection_id, task);
    CREATE TABLE detector (
      id INTEGER NOT NULL PRIMARY KEY,
      detection_id INTEGER NOT NULL REFERENCES detection (id) ON DELETE CASCADE,
      task TEXT NOT NULL CHECK (task IN ('sentence', 'token')),
      position TEXT NOT NULL,
      kind TEXT NOT NULL CHECK (kind <> ''),
      name TEXT NOT NULL CHECK (name <> ''),
      layer TEXT,
      place TEXT,
      hidden_sizes TEXT CHECK (hidden_sizes IS NULL OR json_valid(hidden_sizes)),
      parameters INTEGER NOT NULL CHECK (parameters >= 0),
      seed TEXT NOT NULL,
      train_count INTEGER NOT NULL CHECK (train_count >= 0),
      validation_count INTEGER NOT NULL CHECK (validation_count >= 0),
      test_count INTEGER NOT NULL CHECK (test_count >= 0),
      prevalence REAL CHECK (prevalence BETWEEN 0 AND 1),
      folder TEXT,
      unmeasured TEXT,
      family TEXT,
      pretrained INTEGER CHECK (pretrained IN (0, 1)),
      validation_auroc REAL,
      UNIQUE (detection_id, task, name)
    ) STRICT;
    CREATE TABLE detector_metric (
      detector_id INTEGER NOT NULL REFERENCES detector (id) ON DELETE CASCADE,
      calibration TEXT NOT NULL CHECK (calibration IN ('none', 'platt', 'isotonic')),
      metric TEXT NOT NULL CHECK (metric <> ''),
      value REAL NOT NULL,
      lower REAL,
      upper REAL,
      chance REAL,
      CHECK ((lower IS NULL) = (upper IS NULL)),
      PRIMARY KEY (detector_id, calibration, metric)
    ) WITHOUT ROWID, STRICT;
    CREATE TABLE detector_score (
      detector_id INTEGER NOT NULL REFERENCES detector (id) ON DELETE CASCADE,
      example_id INTEGER NOT NULL REFERENCES detection_example (id) ON DELETE CASCADE,
      score REAL NOT NULL,
      PRIMARY KEY (detector_id, example_id)
    ) WITHOUT ROWID, STRICT;
    CREATE INDEX detector_score_example ON detector_score (example_id);
    CREATE VIEW detector_table AS
      SELECT d.task, d.position, d.kind, d.name, d.layer, d.place, d.parameters, d.test_count,
        d.prevalence,
        p.value AS auprc, m.value AS auprc_matched, a.value AS auroc, a.lower AS auroc_lower,
        a.upper AS auroc_upper, d.unmeasured, d.id AS detector_id, d.detection_id
      FROM detector d
      LEFT JOIN detector_metric p
        ON p.detector_id = d.id AND p.calibration = 'none' AND p.metric = 'auprc'
      LEFT JOIN detector_metric m
        ON m.detector_id = d.id AND m.calibration = 'none' AND m.metric = 'auprc_matched'
      LEFT JOIN detector_metric a
        ON a.detector_id = d.id AND a.calibration = 'none' AND a.metric = 'auroc';
    CREATE VIEW detector_score_text AS
      SELECT q.subject, q.predicate, e.text, e.hallucinated, d.name AS detector, s.score, d.task,
        e.sample, e.position, e.place, q.visibility, s.detector_id, s.example_id, e.query_id
      FROM detector_score s
      JOIN detector d ON d.id = s.detector_id
      JOIN detection_example e ON e.id = s.example_id
      JOIN query q ON q.id = e.query_id;
    CREATE TABLE IF NOT EXISTS answer_score (
      evaluation_id INTEGER NOT NULL REFERENCES evaluation (id) ON DELETE CASCADE,
      detector_key TEXT NOT NULL CHECK (length(detector_key) = 64),
      detector TEXT NOT NULL CHECK (detector <> ''),
      query_id INTEGER NOT NULL REFERENCES query (id),
      temperature REAL NOT NULL,
      sample INTEGER NOT NULL,
      place INTEGER NOT NULL CHECK (place >= 0),
      score REAL NOT NULL,
      PRIMARY KEY (evaluation_id, detector_key, query_id, temperature, sample, place)
    ) WITHOUT ROWID, STRICT;
    CREATE TABLE IF NOT EXISTS triple_score (
      detector_key TEXT NOT NULL CHECK (length(detector_key) = 64),
      weights_sha256 TEXT NOT NULL,
      detector TEXT NOT NULL CHECK (detector <> ''),
      subject TEXT NOT NULL,
      predicate TEXT NOT NULL,
      object TEXT NOT NULL,
      place INTEGER NOT NULL CHECK (place >= 0),
      score REAL NOT NULL,
      PRIMARY KEY (detector_key, weights_sha256, subject, predicate, object, place)
    ) WITHOUT ROWID, STRICT;
    CREATE TABLE IF NOT EXISTS detector_transfer (
      detector_key TEXT NOT NULL CHECK (length(detector_key) = 64),
      test_key TEXT NOT NULL CHECK (length(test_key) = 64),
      detector TEXT NOT NULL CHECK (detector <> ''),
      task TEXT NOT NULL CHECK (task IN ('sentence', 'token')),
      trained_on TEXT NOT NULL,
      train_visibility TEXT NOT NULL,
      tested_on TEXT NOT NULL,
      test_visibility TEXT NOT NULL,
      metric TEXT NOT NULL CHECK (metric <> ''),
      value REAL,
      lower REAL,
      upper REAL,
      refused TEXT,
      CHECK ((value IS NULL) = (refused IS NOT NULL)),
      PRIMARY KEY (detector_key, test_key, detector, task, metric)
    ) WITHOUT ROWID, STRICT;
    INSERT INTO metadata (key, value) VALUES ('detection_format', '3')
      ON CONFLICT (key) DO UPDATE SET value = excluded.value;
    """
}
