/// The graph file's layout; docs/file-formats.md describes it for those who query it.
enum GraphFormat {
  /// "kglb" in ASCII, as `PRAGMA application_id`.
  static let applicationID: Int32 = 0x6B67_6C62
  /// `PRAGMA user_version`: raised when the layout changes.
  static let version: Int32 = 1

  static let tables = """
    CREATE TABLE metadata (
      key TEXT NOT NULL PRIMARY KEY CHECK (key <> ''),
      value TEXT NOT NULL
    ) WITHOUT ROWID, STRICT;
    CREATE TABLE entity_type (
      id INTEGER NOT NULL PRIMARY KEY CHECK (id >= 0),
      name TEXT NOT NULL UNIQUE CHECK (name <> '')
    ) STRICT;
    CREATE TABLE entity (
      id INTEGER NOT NULL PRIMARY KEY CHECK (id >= 0),
      entity_type_id INTEGER NOT NULL REFERENCES entity_type (id),
      name TEXT NOT NULL CHECK (name <> ''),
      UNIQUE (name, entity_type_id)
    ) STRICT;
    CREATE TABLE predicate (
      id INTEGER NOT NULL PRIMARY KEY CHECK (id >= 0),
      name TEXT NOT NULL UNIQUE CHECK (name <> ''),
      subject_type_id INTEGER REFERENCES entity_type (id),
      object_type_id INTEGER REFERENCES entity_type (id)
    ) STRICT;
    CREATE TABLE triple (
      subject_id INTEGER NOT NULL REFERENCES entity (id),
      predicate_id INTEGER NOT NULL REFERENCES predicate (id),
      object_id INTEGER NOT NULL REFERENCES entity (id),
      held_out TEXT CHECK (held_out IN ('object', 'query', 'subject')),
      bits REAL CHECK (bits >= 0),
      PRIMARY KEY (subject_id, predicate_id, object_id)
    ) WITHOUT ROWID, STRICT;
    """

  /// Made after the triples are in: sorting once is faster than inserting in random order.
  static let indexesAndViews = """
    CREATE INDEX triple_inverse ON triple (object_id, predicate_id, subject_id);
    CREATE VIEW triple_text AS
      SELECT s.name AS subject, p.name AS predicate, o.name AS object,
        st.name AS subject_type, ot.name AS object_type, t.held_out, t.bits,
        t.subject_id, t.predicate_id, t.object_id
      FROM triple t
      JOIN entity s ON s.id = t.subject_id
      JOIN predicate p ON p.id = t.predicate_id
      JOIN entity o ON o.id = t.object_id
      JOIN entity_type st ON st.id = s.entity_type_id
      JOIN entity_type ot ON ot.id = o.entity_type_id;
    CREATE VIEW query AS
      SELECT s.name AS subject, p.name AS predicate,
        CASE WHEN q.visible_count = q.answer_count THEN 'fvs'
          WHEN q.visible_count = 0 THEN 'ivs' ELSE 'pvs' END AS visibility,
        q.answer_count, q.visible_count, q.bits, q.subject_id, q.predicate_id
      FROM (
        SELECT subject_id, predicate_id, COUNT(*) AS answer_count,
          COUNT(*) - COUNT(held_out) AS visible_count, SUM(bits) AS bits
        FROM triple GROUP BY subject_id, predicate_id
      ) q
      JOIN entity s ON s.id = q.subject_id
      JOIN predicate p ON p.id = q.predicate_id;
    """

  /// Keys of the table `metadata`.
  enum Key {
    static let contentHash = "content_hash"
    static let name = "name"
    /// "generated" or "imported".
    static let source = "source"
    static let schema = "schema"
    static let seed = "seed"
    static let statistics = "statistics"
    static let information = "information"
    static let importReport = "import"
  }
}
