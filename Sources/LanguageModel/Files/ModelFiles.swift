package import Compute
package import Foundation
package import LabCore

/// A model in a folder: model.safetensors beside Hugging Face's configuration files.
package enum ModelFiles {
  package static let weights = "model.safetensors"
  package static let configuration = "config.json"
  package static let generation = "generation_config.json"

  /// The tensors of a model, in the order of its parameter block.
  package static func entries(_ configuration: ModelConfiguration) -> [Safetensors.Entry] {
    ParameterLayout(configuration).tensors.map { Safetensors.Entry(name: $0.name, shape: $0.shape) }
  }

  /// Writes the three files of a model into `folder`, each atomically; returns the weights' hash.
  @discardableResult
  package static func save(_ model: LanguageModel, to folder: URL) throws -> ContentHash {
    try save(model.configuration, model.parameters, to: folder)
  }

  /// The same for parameters in the order of a model's layout.
  ///
  /// The bytes depend on shape and values alone.
  @discardableResult
  package static func save(
    _ model: ModelConfiguration, _ parameters: FloatSlice, to folder: URL
  ) throws -> ContentHash {
    let hash = try Safetensors.write(
      entries(model), [parameters], to: folder.appendingPathComponent(weights))
    try AtomicFile.write(
      HuggingFaceConfiguration.json(model), to: folder.appendingPathComponent(configuration))
    try AtomicFile.write(
      HuggingFaceConfiguration.generationJSON(model), to: folder.appendingPathComponent(generation))
    return hash
  }

  /// Loads the weights of a model of known shape from `folder`.
  ///
  /// Throws `LabError` naming the file when it is missing, truncated, altered or of another shape.
  package static func load(
    _ configuration: ModelConfiguration, from folder: URL, on device: Device
  ) throws -> LanguageModel {
    let values = try values(configuration, from: folder)
    return try LanguageModel(configuration, values: values, on: device)
  }

  /// The parameter values of a model of known shape in `folder`, in the order of its layout.
  ///
  /// `numberTypes` are the types of numbers to take. Throws like `load(_:from:on:)`.
  package static func values(
    _ configuration: ModelConfiguration, from folder: URL,
    numberTypes: Set<Safetensors.NumberType> = [.single]
  ) throws -> [Float] {
    let url = folder.appendingPathComponent(weights)
    guard let data = try? Data(contentsOf: url) else {
      throw LabError("cannot read \(url.path); has the training run finished?")
    }
    let entries = entries(configuration)
    // transformers saves one tensor for tied embeddings; other programs write it under both names.
    let copies = entries.first.map { embedding in
      [Safetensors.Entry(name: ParameterLayout.readOutName, shape: embedding.shape): embedding]
    }
    return try Safetensors.decode(
      data, entries, file: url.path, numberTypes: numberTypes,
      copies: configuration.tiedEmbeddings ? copies ?? [:] : [:])
  }

  /// The shape that a folder's config.json describes, whoever wrote it.
  ///
  /// Throws `LabError` naming the file, the field and what is supported for anything that kglab's
  /// models do not compute.
  package static func readConfiguration(from folder: URL) throws -> ModelConfiguration {
    let url = folder.appendingPathComponent(configuration)
    guard let data = try? Data(contentsOf: url) else {
      throw LabError("cannot read \(url.path): a Hugging Face model folder has that file")
    }
    return try HuggingFaceReader(data, file: url.path).model()
  }
}
