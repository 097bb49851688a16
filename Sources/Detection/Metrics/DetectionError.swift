package import LabCore

/// What keeps a detector from being measured, or its examples from being split.
package enum DetectionError: LabFailure, Equatable {
  /// Two columns of the examples differ in length.
  case lengthMismatch(column: String, count: Int, expected: Int)
  case noExamples
  /// The score of the example at `index` (from 0) is not a number.
  case scoreNotANumber(index: Int)
  /// All examples have the same label, so ranking them means nothing.
  case oneClass(hallucinated: Bool, count: Int)
  /// All examples that a head was to learn from have the same label.
  case oneClassInTraining(hallucinated: Bool, count: Int)
  /// The detector compares an answer with further completions of its query, and none were drawn.
  case noEvidence
  /// Semantic entropy is the same for all training examples.
  case evidenceIsConstant
  /// The detector cannot judge answers of this language model.
  case unsuitable(reason: String)
  /// The chains of a posterior have not found the same.
  case unmixed(name: String, ChainReport)
  case optionInvalid(name: String, value: String, allowed: String)
  /// A part of the split would have no subject.
  case tooFewSubjects(count: Int, emptyPart: SplitPart)
  /// A subject occurs in two parts that must be disjoint.
  case subjectLeaks(subject: Int32, first: SplitPart, second: SplitPart, sharedCount: Int)
  /// A subject was not among those that were split.
  case subjectNotSplit(subject: Int32, index: Int)

  package var exitStatus: ExitStatus { .badInput }

  package var description: String {
    switch self {
    case .lengthMismatch(let column, let count, let expected):
      "scored examples have \(expected) scores but \(count) \(column): give one for each score"
    case .noExamples:
      "there are no examples to measure: no query was asked, or no answer has a token at this position"
    case .scoreNotANumber(let index):
      "the score of example \(index) (from 0) is not a number: check the detector that made it"
    case .oneClass(let hallucinated, let count):
      "all \(count) examples that count are \(hallucinated ? "" : "not ")hallucinated, "
        + "so a detector cannot be measured: add examples of the other kind"
    case .oneClassInTraining(let hallucinated, let count):
      "all \(count) training examples are \(hallucinated ? "" : "not ")hallucinated, "
        + "so a detector cannot learn: add examples of the other kind"
    case .noEvidence:
      "no further completions of the query were drawn: ask for some with --evidence"
    case .evidenceIsConstant:
      "all training examples have the same semantic entropy, so a probe cannot learn it: draw more "
        + "completions with --evidence"
    case .unsuitable(let reason): reason
    case .unmixed(let name, let chains):
      "\(name): the chains of its posterior have not mixed after \(PosteriorSample.stepCount) steps (R-hat "
        + "\(Readable.fixed(chains.rHat, 2)), and at most \(PosteriorSample.mixedRHat) counts as mixed), so there is no "
        + "number of it"
    case .optionInvalid(let name, let value, let allowed):
      "\(name) is \(value): give \(allowed)"
    case .tooFewSubjects(let count, let emptyPart):
      "\(count) subjects are too few to split: the \(emptyPart.rawValue) part would be empty; "
        + "use a graph with more subjects"
    case .subjectLeaks(let subject, let first, let second, let sharedCount):
      "\(sharedCount) subjects, the first of them with id \(subject), are in both the "
        + "\(first.rawValue) and the \(second.rawValue) examples: split by subject"
    case .subjectNotSplit(let subject, let index):
      "the subject with id \(subject) of example \(index) (from 0) belongs to no part of the "
        + "split: split all subjects of the graph"
    }
  }
}
