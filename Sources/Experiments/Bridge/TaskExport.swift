package import Corpus
package import Foundation
import LabCore

/// Writes questions as tasks of lm-evaluation-harness (YAML with JSON Lines) and of BIG-bench
/// (JSON).
package enum TaskExport {
  /// One written task.
  package struct Written: Codable, Hashable, Sendable {
    /// What it is called in both harnesses.
    package let name: String
    package let questionCount: Int
  }

  /// Writes three files for each task and variant into a folder, made if it is not there:
  /// NAME.yaml, NAME.jsonl and NAME.json.
  ///
  /// Throws `LabError` when the folder cannot be written.
  package static func write(_ questions: [ChoiceQuestion], to folder: URL) throws -> [Written] {
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
      throw LabError("cannot make \(folder.relativePath): \(FailureReason.text(error))", .failure)
    }
    return try questions.grouped(by: name).map { name, own in
      let lines = folder.appendingPathComponent("\(name).jsonl")
      var data = Data()
      for question in own {
        data += try CanonicalJSON.compact(question)
        data.append(0x0A)
      }
      try AtomicFile.write(data, to: lines)
      try AtomicFile.write(
        Data(harnessTask(name, own, lines: lines.standardizedFileURL.path).utf8),
        to: folder.appendingPathComponent("\(name).yaml"))
      try AtomicFile.write(
        CanonicalJSON.pretty(BIGBenchTask(name, own)),
        to: folder.appendingPathComponent("\(name).json"))
      return Written(name: name, questionCount: own.count)
    }
  }

  /// "kglab_neqa_trap".
  private static func name(_ question: ChoiceQuestion) -> String {
    let words = ["kglab", question.task, question.variant].filter { !$0.isEmpty }
    return String(
      words.joined(separator: "_").map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
  }

  /// The task of lm-evaluation-harness: summed log-probabilities, without a delimiter, which the
  /// choices have.
  private static func harnessTask(
    _ name: String, _ questions: [ChoiceQuestion], lines: String
  ) -> String {
    // Its Brier score needs as many choices in every question.
    let isEven = Set(questions.map(\.choices.count)).count == 1
    let brier = """
        - metric: brier_score
          aggregation: brier_score
          higher_is_better: false

      """
    return """
      task: \(name)
      dataset_path: json
      dataset_kwargs:
        data_files:
          test: \(quoted(lines))
      test_split: test
      output_type: multiple_choice
      doc_to_text: prompt
      doc_to_choice: choices
      doc_to_target: gold
      target_delimiter: ""
      num_fewshot: 0
      metric_list:
        - metric: acc
          aggregation: mean
          higher_is_better: true
      \(isEven ? brier : "")metadata:
        version: 1.0

      """
  }

  /// A path between double quotes, as YAML and JSON have it.
  private static func quoted(_ text: String) -> String {
    (try? CanonicalJSON.compact(text)).map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
  }
}

/// A JSON task of BIG-bench (arXiv 2206.04615): nothing is put around prompts and choices.
private struct BIGBenchTask: Encodable {
  struct Example: Encodable {
    let input: String
    let targetScores: [String: Int]

    enum CodingKeys: String, SnakeCaseKey { case input, targetScores }
  }

  let canary = "made by kglab from a graph of made-up or imported facts: no public benchmark data"
  let name: String
  let description = "Questions about the facts of a kglab graph, of which one choice is right."
  let keywords = ["multiple choice", "memorization"]
  let metrics = ["multiple_choice_grade"]
  let preferredScore = "multiple_choice_grade"
  let exampleInputPrefix = ""
  let exampleOutputPrefix = ""
  let choicePrefix = ""
  let appendChoicesToInput = false
  let examples: [Example]

  enum CodingKeys: String, SnakeCaseKey {
    case canary, name, description, keywords, metrics, examples, preferredScore,
      exampleInputPrefix, exampleOutputPrefix, choicePrefix, appendChoicesToInput
  }

  init(_ name: String, _ questions: [ChoiceQuestion]) {
    self.name = name
    examples = questions.map { question in
      Example(
        input: question.prompt,
        targetScores: Dictionary(
          question.choices.enumerated().map { ($0.element, $0.offset == question.gold ? 1 : 0) },
          uniquingKeysWith: max))
    }
  }
}
