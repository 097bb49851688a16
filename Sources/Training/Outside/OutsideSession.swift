import Corpus
import Engine
import Foundation
import LabCore
import LanguageModel

/// What one worker asks of a model that another process computes; docs of `InferenceSession` say
/// what each gives.
final class OutsideSession: AskedSession {
  private let model: OutsideModel
  let maximumTokens: Int

  var configuration: ModelConfiguration { model.configuration }

  init(_ model: OutsideModel, maximumTokens: Int) {
    self.model = model
    self.maximumTokens = maximumTokens
  }

  func completionLogProbabilities(
    _ items: [PromptedCompletions], options: ScoringOptions
  ) throws -> [[[Double]]] {
    let count = options.inverseTemperatures.count
    let pairs = items.flatMap { item in item.completions.map { (item.prompt, $0) } }
    guard !pairs.isEmpty else { return items.map { _ in [] } }
    var fields = Self.cut(options.truncation)
    fields["inverses"] = .list(options.inverseTemperatures.map { .number(Double($0)) })
    let frame = Frame(
      "score", fields, lists: ["prompts": pairs.map(\.0), "completions": pairs.map(\.1)])
    var scores = try model.ask(frame, for: "scores")
      .numbers("scores", count: pairs.count * count).map { Double($0) }[...]
    return items.map { item in
      item.completions.map { _ in
        defer { scores = scores.dropFirst(count) }
        return Array(scores.prefix(count))
      }
    }
  }

  func generate(
    prompts: [[Int32]], plans: [SamplePlan], limits: GenerationLimits,
    uniform: (_ prompt: Int, _ plan: Int, _ sample: Int, _ step: Int) -> Float
  ) throws -> [[[Completion]]] {
    let longest = (prompts.map(\.count).max() ?? 0) + limits.maximumNewTokens
    guard longest <= configuration.contextLength else {
      throw LabError(
        "a prompt of \(longest - limits.maximumNewTokens) tokens and \(limits.maximumNewTokens) new ones exceed the "
          + "model's context of \(configuration.contextLength)", .usage)
    }
    let samples = plans.reduce(0) { $0 + $1.samples }
    guard samples > 0, limits.maximumNewTokens > 0, !prompts.isEmpty else {
      return prompts.map { _ in plans.map { _ in [] } }
    }
    let uniforms = prompts.indices.flatMap { prompt in
      plans.indices.flatMap { plan in
        (0..<plans[plan].samples).flatMap { sample in
          (0..<limits.maximumNewTokens).map { uniform(prompt, plan, sample, $0) }
        }
      }
    }
    var frame = Frame(
      "generate",
      [
        "longest": .number(Double(limits.maximumNewTokens)),
        "plans": .list(plans.map { .object(Self.fields(of: $0)) }),
      ], lists: ["prompts": prompts])
    frame.tensors["uniforms"] = Frame.Tensor(
      .single, shape: [prompts.count, samples, limits.maximumNewTokens],
      bytes: try FloatBytes.encode(uniforms))
    let drawn = try model.ask(frame, for: "drawn")
    let tokens = try drawn.lists("tokens")
    let scores = try drawn.numbers("scores", count: prompts.count * samples)
    guard tokens.count == scores.count, let ended = drawn.tensors["ended"]?.bytes,
      ended.count == scores.count
    else { throw Frame.mismatch }
    var place = 0
    return prompts.map { _ in
      plans.map { plan in
        (0..<plan.samples).map { _ in
          defer { place += 1 }
          var completion = Completion()
          completion.tokens = tokens[place]
          completion.logProbability = Double(scores[place])
          completion.ended = ended[ended.startIndex + place] != 0
          return completion
        }
      }
    }
  }

  func nextLogProbabilities(of texts: [[Int32]]) throws -> [[Float]] {
    guard !texts.isEmpty else { return [] }
    let width = configuration.vocabularySize
    let values = try model.ask(Frame("next", lists: ["prompts": texts]), for: "scores")
      .numbers("scores", count: texts.count * width)
    return texts.indices.map { Array(values[$0 * width..<($0 + 1) * width]) }
  }

  func capture(
    _ tokens: TokenBatch, rows kept: [Int], regions: [TextRegion], streams: Set<CaptureStream>
  ) throws -> Capture {
    var capture = Capture()
    guard !kept.isEmpty else { return capture }
    let texts = zip(tokens.offsets, tokens.offsets.dropFirst()).map { Int($0)..<Int($1) }
    let names = streams.sorted { $0.name < $1.name }
    let frame = Frame(
      "capture", ["streams": .list(names.map { .text($0.name) })],
      lists: [
        "tokens": texts.map { Array(tokens.tokens[$0]) },
        "targets": texts.map { Array(tokens.targets[$0]) },
        "regions": texts.map { regions[$0].map { Int32($0.rawValue) } },
        "rows": texts.map { text in
          kept.filter(text.contains).map { Int32($0 - text.lowerBound) }
        },
      ])
    let said = try model.ask(frame, for: "captured")
    for stream in names {
      let count = kept.count * stream.width(configuration)
      guard let values = said.tensors[stream.name], values.bytes.count == 4 * count else {
        throw LabError(
          "the stream \(stream.name) of the model in \(model.record.folder) has another width than its hidden states; leave "
            + "out the detectors that read it", .usage)
      }
      capture.streams[stream] = values.bytes
    }
    let columns = try said.numbers("columns", count: 6 * kept.count)
    func column(_ index: Int) -> [Float] {
      Array(columns[index * kept.count..<(index + 1) * kept.count])
    }
    capture.logProbabilities = column(0)
    capture.entropies = column(1)
    capture.maximumProbabilities = column(2)
    capture.margins = column(3)
    capture.affinities = column(4)
    capture.selfCertainties = column(5)
    return capture
  }

  private static func cut(_ truncation: Truncation) -> [String: JSONValue] {
    var fields: [String: JSONValue] = [:]
    fields["top_k"] = truncation.topK.map { .number(Double($0)) }
    fields["top_p"] = truncation.topP.map { .number($0) }
    return fields
  }

  private static func fields(of plan: SamplePlan) -> [String: JSONValue] {
    var fields = plan.inverseTemperature.isFinite ? cut(plan.truncation) : [:]
    fields["samples"] = .number(Double(plan.samples))
    fields["inverse"] =
      plan.inverseTemperature.isFinite ? .number(Double(plan.inverseTemperature)) : "inf"
    return fields
  }
}
