import Foundation
import LabCore
import LanguageModel

/// The checkpoints in a run's folder, by step, to take weights from.
struct CheckpointReader {
  private let folder: URL

  /// The part of a checkpoint's state.json that its weights are held to.
  private struct Hashes: Decodable {
    let weights: String

    enum CodingKeys: String, CodingKey { case weights = "model_sha256" }
  }

  init(run: URL) { folder = run.appendingPathComponent("checkpoints") }

  /// Steps with a whole checkpoint, in order.
  var steps: [Int] { names.keys.sorted() }

  private var names: [Int: String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    let numbered = names.filter { $0.hasPrefix("step-") }.sorted().compactMap { name in
      Int(name.dropFirst("step-".count)).map { ($0, name) }
    }
    return Dictionary(numbered) { first, _ in first }
  }

  /// The weights of a step in `steps`, held to their hash.
  ///
  /// Throws `LabError` naming the file that is missing, truncated or altered.
  func values(at step: Int, _ model: ModelConfiguration) throws -> [Float] {
    let checkpoint = folder.appendingPathComponent(names[step] ?? "step-\(step)")
    let state = checkpoint.appendingPathComponent("state.json")
    guard let hashes = try? JSONDecoder().decode(Hashes.self, from: Data(contentsOf: state)) else {
      throw LabError("\(state.path) is missing or not a checkpoint's state; choose another step")
    }
    let weights = checkpoint.appendingPathComponent(ModelFiles.weights)
    guard try ContentHash(ofFile: weights).hex == hashes.weights else {
      throw LabError("\(weights.path) is truncated or altered; choose another step")
    }
    return try ModelFiles.values(model, from: checkpoint)
  }
}
