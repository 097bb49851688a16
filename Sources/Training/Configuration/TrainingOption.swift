import Foundation
import LabCore

/// A setting of a model or of its training: its key, its values, what it does, and what a report
/// calls it.
///
/// Studies, run.json, range checks, the names of models, the starter study and the help of the
/// command line all follow `TrainingOption.all`.
package struct TrainingOption: Sendable {
  /// Its key in a study and in run.json; with dashes, its option on the command line.
  package let name: String
  package let values: Values
  /// What it is, in a sentence.
  package let help: String
  /// The part of a study that has it; nil where it cannot be chosen.
  package let section: Section?
  let record: Record
  private let place: Place
  private let usual: String?
  private let other: String?
  private let say: (@Sendable (TrainingRequest) -> String)?

  /// What a value may be.
  package enum Values: Sendable {
    case choice([String])
    case flag
    case integer(ClosedRange<Int>)
    /// A finite number that passes the test, whose rule is in words: "above 0, at most 10".
    case number(String, @Sendable (Double) -> Bool)
  }

  /// The parts of a study with settings that models share.
  package enum Section: String, Sendable { case model, training }

  /// Whether the training configuration of run.json has it.
  enum Record {
    case no, always
    /// Where it is not as usual: the first runs did not have it, and equal settings have equal
    /// hashes.
    case unusual
  }

  /// `usual` and `other` are a report's words for the usual value and for others, in which # stands
  /// for the value and % for a share in percent; where they depend on more, `say` gives them.
  init(
    _ name: String, _ place: Place, _ values: Values, in section: Section? = .training,
    record: Record = .unusual, usual: String? = nil, other: String? = nil, help: String = "",
    say: (@Sendable (TrainingRequest) -> String)? = nil
  ) {
    self.name = name
    self.place = place
    self.values = values
    self.section = section
    self.record = record
    self.usual = usual
    self.other = other
    self.help = help
    self.say = say
  }

  /// The value of a request as a study would have it; nil where a rule decides.
  package func text(_ request: TrainingRequest) -> String? { place.get(request) }

  /// Sets a value, which must be one of `values`.
  package func set(_ text: String, in request: inout TrainingRequest) { place.set(&request, text) }

  /// What a report calls the value of a request; nil where another option's words say it, or names
  /// of models have a place for it.
  package func words(_ request: TrainingRequest) -> String? {
    if let say { return say(request) }
    guard let text = text(request) else { return nil }
    let words = text == self.text(.usual) ? usual ?? other : other
    return words?.replacingOccurrences(of: "#", with: text)
      .replacingOccurrences(of: "%", with: Self.percent(Double(text) ?? .nan))
  }

  /// "12.5 %".
  static func percent(_ share: Double) -> String {
    let value = share * 100
    return value == value.rounded() ? "\(Int(value)) %" : "\(value) %"
  }

  /// Refuses a number that is none of `values`; throws `LabError` naming the option.
  func check(_ request: TrainingRequest) throws {
    guard let text = text(request) else { return }
    let rule: String
    switch values {
    case .choice, .flag: return
    case .integer(let range):
      if let value = Int(text), range.contains(value) { return }
      rule = "between \(range.lowerBound) and \(range.upperBound)"
    case .number(let words, let isAllowed):
      if let value = Double(text), value.isFinite, isAllowed(value) { return }
      rule = words
    }
    throw LabError("\(name) is \(text); it must be \(rule)", .usage)
  }
}

extension TrainingOption.Values {
  /// Peak learning rates.
  package static let learningRate = Self.number("above 0, at most 10") { $0 > 0 && $0 <= 10 }
  static let share = Self.number("between 0 and 1") { (0...1).contains($0) }
  static let shareBelowOne = Self.number("at least 0 and below 1") { (0..<1).contains($0) }
  static let shareAboveZero = Self.number("above 0, at most 1") { $0 > 0 && $0 <= 1 }
  static let notNegative = Self.number("at least 0 and finite") { $0 >= 0 }
  static let positive = Self.number("above 0 and finite") { $0 > 0 }

  static func choice<Choice: CaseIterable & RawRepresentable<String>>(_: Choice.Type) -> Self {
    .choice(Choice.allCases.map(\.rawValue))
  }
}

/// Where a request has a value, as text.
struct Place: Sendable {
  let get: @Sendable (TrainingRequest) -> String?
  let set: @Sendable (inout TrainingRequest, String) -> Void

  init<Value: LosslessStringConvertible & Sendable>(
    _ path: any WritableKeyPath<TrainingRequest, Value> & Sendable
  ) {
    get = { String($0[keyPath: path]) }
    set = { if let value = Value($1) { $0[keyPath: path] = value } }
  }

  init<Value: LosslessStringConvertible & Sendable>(
    _ path: any WritableKeyPath<TrainingRequest, Value?> & Sendable
  ) {
    get = { $0[keyPath: path].map { String($0) } }
    set = { $0[keyPath: path] = Value($1) }
  }

  init<Choice: RawRepresentable<String> & Sendable>(
    _ path: any WritableKeyPath<TrainingRequest, Choice> & Sendable
  ) {
    get = { $0[keyPath: path].rawValue }
    set = { if let value = Choice(rawValue: $1) { $0[keyPath: path] = value } }
  }
}
