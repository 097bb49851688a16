import Corpus
import Evaluation
import GRDB
import LabCore

/// How a model answers the questions of one task: means with 95 % intervals over subjects.
package struct ChoiceResult: Codable, Hashable, Sendable {
  package let task: String
  package let variant: String
  /// "all" or "exposure".
  package let groupKind: String
  /// Presentations in an epoch of the stored fact: "1", "8-15"; empty for all.
  package let groupValue: String
  package let questionCount: Int
  package let subjectCount: Int
  /// Share of questions whose likeliest choice is right.
  package let accuracy: Double
  package let accuracyLower: Double?
  package let accuracyUpper: Double?
  /// -log of the right choice's share of the choices' probability, in nats.
  package let loss: Double
  package let lossLower: Double?
  package let lossUpper: Double?
  /// Probability of all choices together: where it is low, the others mean little.
  package let mass: Double
  package let massLower: Double?
  package let massUpper: Double?
  /// Sum over the choices of (share of their probability - whether it is right)^2, 0 to 2, as
  /// lm-evaluation-harness has it; BIG-bench divides it by the number of choices.
  package let brier: Double
  package let brierLower: Double?
  package let brierUpper: Double?
  /// Expected calibration error of the likeliest choice's share, in 15 bins of equal width, as
  /// BIG-bench has it.
  package let calibrationError: Double
  /// Accuracy of a guess.
  package let chance: Double

  enum CodingKeys: String, SnakeCaseKey {
    case task, variant, accuracy, loss, mass, brier, chance, groupKind, groupValue, questionCount,
      subjectCount, accuracyLower, accuracyUpper, lossLower, lossUpper, massLower, massUpper,
      brierLower, brierUpper, calibrationError
  }
}

extension ChoiceResult: EncodableRecord {}

/// Everything that is said of a set of questions.
package struct ChoiceSummary: Codable, Hashable, Sendable {
  package let key: String
  /// SHA-256 of the questions.
  package let questionsHash: String
  package let questionCount: Int
  package let results: [ChoiceResult]

  enum CodingKeys: String, SnakeCaseKey {
    case key, results, questionCount
    case questionsHash = "questions_sha256"
  }
}

extension ResultTable {
  /// Results by task, variant and exposures.
  static let choices = ResultTable(
    "choice_result", key: "task, variant, group_kind, group_value",
    columns: """
        task TEXT NOT NULL, variant TEXT NOT NULL,
        group_kind TEXT NOT NULL CHECK (group_kind IN ('all', 'exposure')),
        group_value TEXT NOT NULL, question_count INTEGER NOT NULL CHECK (question_count > 0),
        subject_count INTEGER NOT NULL CHECK (subject_count > 0),
        accuracy REAL NOT NULL CHECK (accuracy BETWEEN 0 AND 1),
        accuracy_lower REAL, accuracy_upper REAL,
        loss REAL NOT NULL CHECK (loss > -0.001), loss_lower REAL, loss_upper REAL,
        mass REAL NOT NULL CHECK (mass BETWEEN 0 AND 1), mass_lower REAL, mass_upper REAL,
        brier REAL NOT NULL CHECK (brier BETWEEN 0 AND 2), brier_lower REAL, brier_upper REAL,
        calibration_error REAL NOT NULL CHECK (calibration_error BETWEEN 0 AND 1),
        chance REAL NOT NULL CHECK (chance BETWEEN 0 AND 1)
      """)
}

/// The probabilities of choices in run.sqlite; their tables are made when something is first
/// stored.
extension RunDatabase {
  private static let choiceTables = """
    CREATE TABLE IF NOT EXISTS choice_question (
      scoring_key TEXT NOT NULL CHECK (length(scoring_key) = 64), number INTEGER NOT NULL,
      task TEXT NOT NULL, variant TEXT NOT NULL, subject TEXT NOT NULL, exposures INTEGER,
      prompt TEXT NOT NULL, gold INTEGER NOT NULL CHECK (gold >= 0),
      PRIMARY KEY (scoring_key, number)
    ) WITHOUT ROWID, STRICT;
    CREATE TABLE IF NOT EXISTS choice_probability (
      scoring_key TEXT NOT NULL, question INTEGER NOT NULL, choice INTEGER NOT NULL,
      text TEXT NOT NULL, log_probability REAL NOT NULL,
      PRIMARY KEY (scoring_key, question, choice)
    ) WITHOUT ROWID, STRICT;
    """

  /// The stored log-probabilities of a scoring: those of the first so many questions.
  func choiceScores(_ key: String) throws -> [[Double]] {
    try read { database in
      guard try database.tableExists("choice_probability") else { return [] }
      let rows = try Row.fetchCursor(
        database,
        sql: """
          SELECT question, choice, log_probability FROM choice_probability WHERE scoring_key = ?
          ORDER BY question, choice
          """, arguments: [key])
      var scores: [[Double]] = []
      while let row = try rows.next() {
        let question: Int = try row.value(0)
        if question == scores.count { scores.append([]) }
        guard question == scores.count - 1, try row.value(1) == scores[question].count else {
          throw damaged("choices of question \(question) are missing")
        }
        scores[question].append(try row.logProbability(2))
      }
      return scores
    }
  }

  /// Stores the log-probabilities of the next questions in one transaction.
  func store(
    _ scores: [[Double]], of questions: [ChoiceQuestion], from start: Int, key: String
  ) throws {
    try write { database in
      try database.execute(sql: Self.choiceTables)
      let question = try database.makeStatement(
        sql: "INSERT INTO choice_question VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
      let choice = try database.makeStatement(
        sql: "INSERT INTO choice_probability VALUES (?, ?, ?, ?, ?)")
      for (place, asked) in questions.enumerated() {
        question.setUncheckedArguments([
          key, start + place, asked.task, asked.variant, asked.subject, asked.exposures,
          asked.prompt, asked.gold,
        ])
        try question.execute()
        for (number, text) in asked.choices.enumerated() {
          choice.setUncheckedArguments([
            key, start + place, number, text, scores[place][number],
          ])
          try choice.execute()
        }
      }
    }
  }
}
