import LabCore

/// The graph file's layout; docs/file-formats.md describes it for those who query it.
enum GraphFormat {
  /// "kglb" in ASCII, as `PRAGMA application_id`.
  static let applicationID: Int32 = 0x6B67_6C62
  /// `PRAGMA user_version`: raised when the layout changes.
  static let version: Int32 = 2

  static let tables = """
    CREATE TABLE metadata (
      key TEXT NOT NULL PRIMARY KEY CHECK (key <> ''),
      value TEXT NOT NULL
    ) WITHOUT ROWID, STRICT;
    CREATE TABLE entity_type (
      id INTEGER NOT NULL PRIMARY KEY CHECK (id >= 0),
      name TEXT NOT NULL UNIQUE CHECK (name <> ''),
      parent_id INTEGER REFERENCES entity_type (id)
    ) STRICT;
    CREATE TABLE entity (
      id INTEGER NOT NULL PRIMARY KEY CHECK (id >= 0),
      entity_type_id INTEGER NOT NULL REFERENCES entity_type (id),
      name TEXT NOT NULL CHECK (name <> '')
    ) STRICT;
    CREATE TABLE predicate (
      id INTEGER NOT NULL PRIMARY KEY CHECK (id >= 0),
      name TEXT NOT NULL UNIQUE CHECK (name <> ''),
      subject_type_id INTEGER REFERENCES entity_type (id),
      object_type_id INTEGER REFERENCES entity_type (id),
      inverse_of_id INTEGER REFERENCES predicate (id)
    ) STRICT;
    \(templateTable)
    CREATE TABLE triple (
      subject_id INTEGER NOT NULL REFERENCES entity (id),
      predicate_id INTEGER NOT NULL REFERENCES predicate (id),
      object_id INTEGER NOT NULL REFERENCES entity (id),
      held_out TEXT CHECK (held_out IN ('object', 'query', 'subject')),
      bits REAL CHECK (bits >= 0),
      exposures INTEGER NOT NULL DEFAULT 1 CHECK (exposures >= 1),
      derivation TEXT CHECK (derivation IN ('symmetric', 'inverse', 'transitive', 'rule')),
      inferable INTEGER CHECK (inferable IN (0, 1)),
      noise TEXT CHECK (noise IN ('contradictory', 'stale', 'duplicate')),
      PRIMARY KEY (subject_id, predicate_id, object_id)
    ) WITHOUT ROWID, STRICT;
    """

  /// Phrasings of a predicate, in the schema's order.
  private static let templateTable = """
    CREATE TABLE template (
      predicate_id INTEGER NOT NULL REFERENCES predicate (id),
      number INTEGER NOT NULL CHECK (number >= 0),
      text TEXT NOT NULL CHECK (text <> ''),
      PRIMARY KEY (predicate_id, number)
    ) WITHOUT ROWID, STRICT;
    """

  /// Made after the triples are in: sorting once is faster than inserting in random order.
  static let indexesAndViews = """
    CREATE INDEX entity_name ON entity (name);
    CREATE INDEX triple_inverse ON triple (object_id, predicate_id, subject_id);
    \(views)
    """

  private static let views = """
    CREATE VIEW triple_text AS
      SELECT s.name AS subject, p.name AS predicate, o.name AS object,
        st.name AS subject_type, ot.name AS object_type, t.held_out, t.bits, t.exposures,
        t.derivation, t.inferable, t.noise, t.subject_id, t.predicate_id, t.object_id
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
        FROM triple WHERE noise IS NULL OR noise = 'duplicate'
        GROUP BY subject_id, predicate_id
      ) q
      JOIN entity s ON s.id = q.subject_id
      JOIN predicate p ON p.id = q.predicate_id;
    """

  /// What turns a file of the layout before into the next one, by the layout that it has.
  ///
  /// In layout 1 names were unique within a type, which such a file goes on to demand.
  static let migrations: [Int32: String] = [
    1: """
    ALTER TABLE entity_type ADD COLUMN parent_id INTEGER REFERENCES entity_type (id);
    ALTER TABLE predicate ADD COLUMN inverse_of_id INTEGER REFERENCES predicate (id);
    ALTER TABLE triple ADD COLUMN exposures INTEGER NOT NULL DEFAULT 1 CHECK (exposures >= 1);
    ALTER TABLE triple ADD COLUMN derivation TEXT
      CHECK (derivation IN ('symmetric', 'inverse', 'transitive', 'rule'));
    ALTER TABLE triple ADD COLUMN inferable INTEGER CHECK (inferable IN (0, 1));
    ALTER TABLE triple ADD COLUMN noise TEXT
      CHECK (noise IN ('contradictory', 'stale', 'duplicate'));
    \(templateTable)
    DROP VIEW triple_text;
    DROP VIEW query;
    \(views)
    """
  ]

  /// A value of the table `metadata` that is more than text.
  static func json(_ value: some Encodable) throws -> String {
    String(decoding: try CanonicalJSON.compact(value), as: UTF8.self)
  }

  /// Keys of the table `metadata`.
  enum Key {
    static let contentHash = "content_hash"
    /// `GraphHasher.version` of the content hash; absent in files of older versions, which is 1.
    static let hashVersion = "hash_version"
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
