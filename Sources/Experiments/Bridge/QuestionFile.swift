package import Corpus
package import Foundation
import LabCore
import LanguageModel
package import Training

/// A file of multiple-choice questions, one JSON object a line, as lm-evaluation-harness reads it.
///
/// `prompt`, `choices` and `gold`, or, as the inverse scaling prize calls them, `classes` and
/// `answer_index`; optional are `task`, `variant`, `subject` and `exposures`.
package enum QuestionFile {
  /// The questions of a file that a run's model can be asked, empty lines passed over.
  ///
  /// Throws `LabError` with the number of the line where one is malformed, has a word that the
  /// model does not know, or does not fit into its context.
  package static func read(_ file: URL, for run: RunFolder) throws -> [ChoiceQuestion] {
    guard let data = try? Data(contentsOf: file) else {
      throw LabError(
        "cannot read \(file.relativePath): check that it exists and is a file of questions, one JSON object a line"
      )
    }
    let name = file.deletingPathExtension().lastPathComponent
    let context = run.record.configuration.model.contextLength
    var questions: [ChoiceQuestion] = []
    for (place, line) in data.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated()
    where line.contains(where: { !" \t\r".utf8.contains($0) }) {
      do {
        let question = try question(line, number: place + 1, task: name)
        try question.check(run.tokenizer, contextLength: context)
        questions.append(question)
      } catch let error as LabError {
        throw LabError("\(file.relativePath), line \(place + 1): \(error)")
      }
    }
    guard !questions.isEmpty else {
      throw LabError("\(file.relativePath) has no questions; give one JSON object a line")
    }
    return questions
  }

  private static func question(
    _ line: Data, number: Int, task: String
  ) throws -> ChoiceQuestion {
    guard case .object(let fields) = try? JSONDecoder().decode(JSONValue.self, from: line) else {
      throw LabError(
        "this is no JSON object; write {\"prompt\": ..., \"choices\": [...], \"gold\": 0}")
    }
    func value(_ names: [String]) -> JSONValue? { names.lazy.compactMap { fields[$0] }.first }
    func text(_ name: String) throws -> String? {
      switch fields[name] {
      case nil, .null: return nil
      case .text(let text): return text
      case let other?:
        throw LabError("'\(name)' is \(other.description.prefix(40)); it must be text")
      }
    }
    func integer(_ names: [String]) throws -> Int? {
      guard let value = value(names), value != .null else { return nil }
      if case .number(let number) = value, let integer = Int(exactly: number) { return integer }
      throw LabError(
        "'\(names[0])' is \(value.description.prefix(40)); it must be a whole number")
    }
    guard let prompt = try text("prompt") else { throw LabError("it has no 'prompt'; add one") }
    guard case .list(let list) = value(["choices", "classes"]) else {
      throw LabError("it has no list of 'choices'; add the possible answers")
    }
    let choices = try list.map { item in
      guard case .text(let choice) = item, !choice.isEmpty else {
        throw LabError("the choice \(item.description.prefix(40)) is no text; write it in quotes")
      }
      return choice
    }
    guard choices.count > 1, Set(choices.map { Array($0.utf8) }).count == choices.count else {
      throw LabError("it has fewer than two different choices, or one twice; mend 'choices'")
    }
    guard let gold = try integer(["gold", "answer_index"]) else {
      throw LabError("it has no 'gold'; add the place of the right choice, counted from 0")
    }
    guard choices.indices.contains(gold) else {
      throw LabError("'gold' is \(gold), and there are \(choices.count) choices, counted from 0")
    }
    let exposures = try integer(["exposures"])
    guard exposures.map((0...Int(Int32.max)).contains) ?? true else {
      throw LabError("'exposures' is \(exposures ?? 0); it must be from 0 to \(Int32.max)")
    }
    return ChoiceQuestion(
      task: try text("task") ?? task, variant: try text("variant") ?? "", prompt: prompt,
      choices: choices, gold: gold, subject: try text("subject") ?? "line \(number)",
      exposures: exposures)
  }
}
