import Analysis
import Evaluation
import GRDB
import LabCore

/// Everything that decides what a model still says.
package typealias CollapseIdentity = HeadIdentity<CollapseMeasure.Settings>

/// Everything that the measure says of a run.
package struct CollapseSummary: Codable, Hashable, Sendable {
  package let key: String
  package let identity: CollapseIdentity
  package let answers: [CollapseAnswers]
  package let losses: [CollapseLoss]
  package let objects: [CollapseObjects]
}

/// What two models make of one's answers.
package struct CollapseAnswers: Codable, Hashable, Sendable, EncodableRecord {
  /// Which answers.
  package enum Kind: String, Codable, CaseIterable, Sendable {
    case all, right, wrong

    func contains(isRight: Bool) -> Bool { self == .all || (self == .right) == isRight }
  }

  package let answers: Kind
  package let answerCount: Int
  /// Mean -log P in nats that the first model gives to an answer, end token included, with its 95 %
  /// interval over subjects.
  package let loss: Double
  package let lower: Double?
  package let upper: Double?
  /// The same by the model that gave them; of all answers the difference is the divergence KL(model
  /// | first model).
  package let ownLoss: Double
  package let ownLower: Double?
  package let ownUpper: Double?

  init(_ answers: Kind, count: Int, loss: Measured, ownLoss: Measured) {
    self.answers = answers
    answerCount = count
    (self.loss, lower, upper) = (loss.value, loss.lower, loss.upper)
    (self.ownLoss, ownLower, ownUpper) = (ownLoss.value, ownLoss.lower, ownLoss.upper)
  }

  enum CodingKeys: String, SnakeCaseKey {
    case answers, answerCount, loss, lower, upper, ownLoss, ownLower, ownUpper
  }
}

/// A bar of the histogram of what the first model makes of a model's answers.
package struct CollapseLoss: Codable, Hashable, Sendable, EncodableRecord {
  /// In nats, of all bins but the last, which has no end.
  package static let binWidth = 0.5
  package static let binCount = 33

  static func bin(of loss: Double) -> Int {
    // A loss may be infinite, or below 0 by rounding.
    loss < binWidth * Double(binCount - 1) ? max(0, Int(loss / binWidth)) : binCount - 1
  }

  /// The least loss of the bin in nats an answer, and where the next begins.
  package let fromLoss: Double
  package let toLoss: Double?
  /// Of the answers, with its 95 % interval over subjects.
  package let share: Double
  package let lower: Double?
  package let upper: Double?
  /// Share of all answers that are in the bin and right.
  package let rightShare: Double
  package let answerCount: Int

  init(bin: Int, share: Measured, rightShare: Double, answerCount: Int) {
    fromLoss = Double(bin) * Self.binWidth
    toLoss = bin < Self.binCount - 1 ? Double(bin + 1) * Self.binWidth : nil
    (self.share, lower, upper) = (share.value, share.lower, share.upper)
    self.rightShare = rightShare
    self.answerCount = answerCount
  }

  enum CodingKeys: String, SnakeCaseKey {
    case fromLoss, toLoss, share, lower, upper, rightShare, answerCount
  }
}

/// Objects that equally many trained triples of a predicate have.
package struct CollapseObjects: Codable, Hashable, Sendable, EncodableRecord {
  /// That many: "1", "2-3", "4-7" and so on.
  package let popularity: String
  package let tripleCount: Int
  /// Different pairs of predicate and object.
  package let objectCount: Int
  /// Mean exact probability of a trained triple's object at temperature 1, with its 95 % interval
  /// over subjects.
  package let mass: Double
  package let massLower: Double?
  package let massUpper: Double?
  /// Expected share of the trained triples that are among the answers drawn, exactly: the mean of
  /// 1 - (1 - P)^samples.
  package let recall: Double
  package let recallLower: Double?
  package let recallUpper: Double?
  /// Share of the objects that some answer with the predicate named, of whomever, with Wilson's 95
  /// % interval over objects.
  package let said: Double
  package let saidLower: Double
  package let saidUpper: Double

  init(
    popularity: String, tripleCount: Int, objectCount: Int, mass: Measured, recall: Measured,
    saidCount: Int
  ) {
    self.popularity = popularity
    self.tripleCount = tripleCount
    self.objectCount = objectCount
    (self.mass, massLower, massUpper) = (mass.value, mass.lower, mass.upper)
    (self.recall, recallLower, recallUpper) = (recall.value, recall.lower, recall.upper)
    said = Double(saidCount) / Double(objectCount)
    let interval = Wilson.interval(successes: saidCount, trials: objectCount)
    (saidLower, saidUpper) = (interval.low, interval.high)
  }

  enum CodingKeys: String, SnakeCaseKey {
    case popularity, tripleCount, objectCount, mass, massLower, massUpper, recall, recallLower,
      recallUpper, said, saidLower, saidUpper
  }
}

extension ResultTable {
  /// What the first model of a line and a run make of the run's answers.
  static let collapseAnswers = ResultTable(
    "collapse_answers", key: "answers",
    columns: """
        answers TEXT NOT NULL CHECK (answers IN ('all', 'right', 'wrong')),
        answer_count INTEGER NOT NULL CHECK (answer_count > 0),
        loss REAL NOT NULL CHECK (loss >= 0), lower REAL, upper REAL,
        own_loss REAL NOT NULL CHECK (own_loss >= 0), own_lower REAL, own_upper REAL
      """)

  /// A run's answers by the loss that the first model of the line gives them.
  static let collapseLosses = ResultTable(
    "collapse_loss", key: "from_loss",
    columns: """
        from_loss REAL NOT NULL, to_loss REAL, share REAL NOT NULL CHECK (share BETWEEN 0 AND 1),
        lower REAL, upper REAL, right_share REAL NOT NULL CHECK (right_share BETWEEN 0 AND 1),
        answer_count INTEGER NOT NULL CHECK (answer_count >= 0)
      """)

  /// What a run still says of objects, by how many trained triples have them.
  static let collapseObjects = ResultTable(
    "collapse_objects", key: "popularity",
    columns: """
        popularity TEXT NOT NULL, triple_count INTEGER NOT NULL CHECK (triple_count > 0),
        object_count INTEGER NOT NULL CHECK (object_count > 0),
        mass REAL NOT NULL CHECK (mass BETWEEN 0 AND 1), mass_lower REAL, mass_upper REAL,
        recall REAL NOT NULL CHECK (recall BETWEEN 0 AND 1), recall_lower REAL, recall_upper REAL,
        said REAL NOT NULL CHECK (said BETWEEN 0 AND 1), said_lower REAL NOT NULL,
        said_upper REAL NOT NULL
      """)
}
