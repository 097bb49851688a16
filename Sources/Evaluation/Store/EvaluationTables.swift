/// What an evaluation comes to: the tables of its summary.
extension ResultTable {
  static let rates = ResultTable(
    "rate", of: "evaluation",
    key: "method, temperature, visibility, group_kind, group_value",
    columns: """
        method TEXT NOT NULL CHECK (method IN ('exact', 'sampled', 'greedy')),
        temperature REAL NOT NULL CHECK (temperature >= 0),
        visibility TEXT NOT NULL CHECK (visibility IN \(RunFormat.sets)),
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
        correct_held_out REAL NOT NULL
      """)

  static let verdicts = ResultTable(
    "verdict", in: "verdict_count", of: "evaluation",
    key: "method, temperature, visibility, verdict",
    columns: """
        method TEXT NOT NULL CHECK (method IN ('sampled', 'greedy')),
        temperature REAL NOT NULL CHECK (temperature >= 0),
        visibility TEXT NOT NULL CHECK (visibility IN \(RunFormat.sets)),
        verdict TEXT NOT NULL CHECK (verdict IN \(RunFormat.verdicts)),
        count INTEGER NOT NULL CHECK (count BETWEEN 0 AND sample_count),
        sample_count INTEGER NOT NULL CHECK (sample_count > 0)
      """)

  static let coverage = ResultTable(
    "coverage", of: "evaluation", key: "method, temperature, visibility",
    columns: """
        method TEXT NOT NULL CHECK (method IN ('sampled', 'greedy')),
        temperature REAL NOT NULL CHECK (temperature >= 0),
        visibility TEXT NOT NULL CHECK (visibility IN \(RunFormat.sets)),
        query_count INTEGER NOT NULL CHECK (query_count > 0),
        precision REAL NOT NULL,
        recall REAL NOT NULL,
        visible_recall REAL,
        mean_distinct_count REAL NOT NULL,
        other_spelling_count INTEGER NOT NULL
      """)

  static let grades = ResultTable(
    "candidate_grade", of: "evaluation", key: "visibility, group_kind, group_value",
    columns: """
        visibility TEXT NOT NULL CHECK (visibility IN \(RunFormat.sets)),
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
        mean_reciprocal_rank_upper REAL
      """)
}
