package import Compute
package import Foundation
package import LabCore

/// A model in a folder: model.safetensors beside Hugging Face's config.json.
package enum ModelFiles {
  package static let weights = "model.safetensors"
  package static let configuration = "config.json"

  /// The tensors of a model, in the order of its parameter block.
  package static func entries(_ configuration: ModelConfiguration) -> [Safetensors.Entry] {
    ParameterLayout(configuration).tensors.map { Safetensors.Entry(name: $0.name, shape: $0.shape) }
  }

  /// Writes the weights and config.json into `folder`, each atomically; returns the weights' hash.
  @discardableResult
  package static func save(_ model: LanguageModel, to folder: URL) throws -> ContentHash {
    let hash = try Safetensors.write(
      entries(model.configuration), [model.parameters], to: folder.appendingPathComponent(weights))
    let json = HuggingFaceConfiguration.json(model.configuration)
    try AtomicFile.write(json, to: folder.appendingPathComponent(configuration))
    return hash
  }

  /// Loads the weights of a model of known shape from `folder`.
  ///
  /// Throws `LabError` naming the file when it is missing, truncated, altered or of another shape.
  package static func load(
    _ configuration: ModelConfiguration, from folder: URL, on device: Device
  ) throws -> LanguageModel {
    let url = folder.appendingPathComponent(weights)
    guard let data = try? Data(contentsOf: url) else {
      throw LabError("cannot read \(url.path); has the training run finished?")
    }
    let values = try Safetensors.decode(data, entries(configuration), file: url.path)
    return try LanguageModel(configuration, values: values, on: device)
  }
}
