package import Compute
import Corpus
import Engine
import Foundation
import LabCore
package import LanguageModel
import Synchronization

/// A model that stays in its folder and is computed by a Python process, which starts with the
/// first question.
///
/// Workers ask in turns. A failure of the process is thrown by every later question too.
package final class OutsideModel: AskedModel, OutsideText {
  package let configuration: ModelConfiguration
  package let nonEmbeddingParameterCount: Int
  let record: OutsideRecord
  private let state: Mutex<State>

  private struct State {
    var process: EngineProcess?
    var failure: LabError?
  }

  /// What the process says of a model: a shape as kglab counts it, and what cannot be told from
  /// that.
  struct Shape {
    let model: ModelConfiguration
    let parameterCount: Int
    let nonEmbeddingParameterCount: Int
    let versions: [String: String]
  }

  /// `process` has loaded the model already, where there is one.
  init(
    _ record: OutsideRecord, _ configuration: ModelConfiguration, parameterCount: Int,
    process: sending EngineProcess? = nil
  ) {
    self.record = record
    state = Mutex(State(process: process))
    self.configuration = configuration
    nonEmbeddingParameterCount = parameterCount
  }

  // MARK: The process

  /// Starts the process, unless it runs; throws `LabError` where that fails or the model's files
  /// are others than once.
  package func start() throws { _ = try state.withLock { try running(&$0) } }

  /// Sends a frame and takes the answer of this kind.
  func ask(_ frame: Frame, for kind: String) throws -> Frame {
    try state.withLock { state in
      do {
        return try running(&state).ask(frame, for: kind)
      } catch {
        let failure = error as? LabError ?? LabError(FailureReason.text(error), .failure)
        state.failure = failure
        throw failure
      }
    }
  }

  private func running(_ state: inout State) throws -> EngineProcess {
    if let failure = state.failure { throw failure }
    if let process = state.process { return process }
    let folder = try OutsideFolder(URL(fileURLWithPath: record.folder, isDirectory: true))
    let now = try folder.hashes()
    if let name = Set(now.keys).union(record.files.keys).sorted().first(where: {
      now[$0] != record.files[$0]
    }) {
      throw LabError(
        "\(record.folder)/\(name) is not as it was when the model was first asked; restore it, or evaluate the model into "
          + "another folder")
    }
    let process = try Self.begin(record).process
    state.process = process
    return process
  }

  /// A process that has loaded a model, and what it says of it.
  private static func begin(_ record: OutsideRecord) throws -> (
    process: EngineProcess, shape: Frame
  ) {
    var options = try EngineOptions(environment: ProcessInfo.processInfo.environment)
    options.python = record.python ?? options.python
    // One process asks.
    options.processes = 1
    options.torchrun = []
    let process = try EngineProcess(options)
    var fields: [String: JSONValue] = [
      "folder": .text(record.folder), "precision": .text(record.precision.rawValue),
    ]
    fields["device"] = (record.device ?? options.device).map { .text($0) }
    fields["ends"] = record.ends.map { .list($0.map { .text($0) }) }
    return (process, try process.ask(Frame("outside", fields), for: "shape"))
  }

  /// Loads a model to see what it is.
  ///
  /// Throws `LabError` where it cannot be loaded or has a shape that kglab cannot count.
  static func load(_ record: OutsideRecord) throws -> (process: EngineProcess, shape: Shape) {
    let (process, said) = try begin(record)
    func number(_ name: String) -> Int { said.number(name).map { Int($0) } ?? 0 }
    let model = ModelConfiguration(
      layerCount: number("layers"), modelDimension: number("width"), headCount: number("heads"),
      feedForwardDimension: number("feed_forward"), vocabularySize: number("vocabulary"),
      contextLength: number("context"))
    do {
      try model.validate()
    } catch {
      throw LabError("the model in \(record.folder) has a shape that kglab cannot count: \(error)")
    }
    let shape = Shape(
      model: model, parameterCount: number("parameters"),
      nonEmbeddingParameterCount: number("non_embedding_parameters"),
      versions: process.versions.merging(
        ["transformers": said.text("transformers") ?? ""]) { old, _ in old })
    return (process, shape)
  }

  // MARK: Asking

  package func asked(in precision: Precision) throws -> any AskedModel {
    guard precision == .fp32 || precision == record.precision else {
      throw LabError(
        "the model in \(record.folder) is computed in \(record.precision.rawValue), as when it was first asked; evaluate "
          + "it with --precision \(precision.rawValue) into another folder", .usage)
    }
    return self
  }

  package func session(maximumTokens: Int) -> any AskedSession {
    OutsideSession(self, maximumTokens: maximumTokens)
  }

  /// The stated context leaves room for one more token.
  package func withContext(_ length: Int) -> any AskedModel { self }

  // MARK: Texts

  package func encode(_ texts: [String], starts: Bool) throws -> [[Int32]] {
    let frame = Frame(
      "encode", ["texts": .list(texts.map { .text($0) }), "starts": .flag(starts)])
    return try ask(frame, for: "tokens").lists("tokens")
  }

  package func decode(_ tokens: [[Int32]]) throws -> [String?] {
    let said = try ask(Frame("decode", lists: ["tokens": tokens]), for: "texts")
    guard case .list(let texts)? = said.fields["texts"], texts.count == tokens.count else {
      throw Frame.mismatch
    }
    return texts.map { if case .text(let text) = $0 { text } else { nil } }
  }
}

extension Frame {
  /// An answer that is not what was asked for.
  static var mismatch: LabError {
    LabError(
      "the torch engine answered with other sizes than it was asked for; its package and kglab are not of one version: "
        + "run make setup-torch", .failure)
  }

  /// A frame with lists of different lengths: their values, and the place where each begins.
  init(_ kind: String, _ fields: [String: JSONValue] = [:], lists: [String: [[Int32]]]) {
    var tensors: [String: Tensor] = [:]
    for (name, lists) in lists {
      tensors[name] = Tensor(lists.flatMap(\.self))
      var starts: [Int32] = [0]
      for list in lists { starts.append(starts[starts.count - 1] + Int32(list.count)) }
      tensors["\(name)_starts"] = Tensor(starts)
    }
    self.init(kind, fields, tensors: tensors)
  }

  /// The lists of a name.
  func lists(_ name: String) throws -> [[Int32]] {
    let values = try integers(name)
    let starts = try integers("\(name)_starts").map { Int($0) }
    guard starts.first == 0, starts.last == values.count, starts == starts.sorted() else {
      throw Self.mismatch
    }
    return zip(starts, starts.dropFirst()).map { Array(values[$0..<$1]) }
  }

  func integers(_ name: String) throws -> [Int32] {
    guard let tensor = tensors[name], tensor.type == .integer else { throw Self.mismatch }
    let bytes = [UInt8](tensor.bytes)
    return stride(from: 0, to: bytes.count, by: 4).map { place in
      (0..<4).reduce(Int32(0)) {
        $0 | Int32(bitPattern: UInt32(bytes[place + $1]) << (8 * UInt32($1)))
      }
    }
  }

  /// Single-precision numbers of the given count.
  func numbers(_ name: String, count: Int) throws -> [Float] {
    guard let tensor = tensors[name], tensor.type == .single, tensor.bytes.count == 4 * count else {
      throw Self.mismatch
    }
    return try FloatBytes.decode(tensor.bytes)
  }
}
