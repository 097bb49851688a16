import Foundation
import LabCore
import LanguageModel

/// The contents of kglab.json, which an export has beside the files of Hugging Face: where its
/// weights come from.
package struct ExportRecord: Codable, Hashable, Sendable {
  /// The file's name in a folder.
  package static let name = "kglab.json"

  /// Version of this file's format.
  package var formatVersion = 1
  /// Steps of training behind the weights; 0 is the initial model.
  package var step: Int
  /// SHA-256 of model.safetensors as it was exported.
  package var weightsHash: String
  /// The run exported; its graph's place is left out.
  package var run: RunRecord

  enum CodingKeys: String, SnakeCaseKey {
    case formatVersion, step, run
    case weightsHash = "weights_sha256"
  }

  /// The class of transformers that loads the export.
  package var architecture: String {
    run.configuration.model.queryKeyNorm ? "Qwen3ForCausalLM" : "LlamaForCausalLM"
  }

  /// The record in a folder, or nil where there is none or it cannot be understood.
  static func read(_ folder: URL) -> ExportRecord? {
    guard let data = try? Data(contentsOf: folder.appendingPathComponent(name)) else { return nil }
    guard let record = try? CanonicalJSON.decode(ExportRecord.self, from: data),
      (try? record.run.validate()) != nil, (0...1_000_000_000).contains(record.step)
    else { return nil }
    return record
  }
}
