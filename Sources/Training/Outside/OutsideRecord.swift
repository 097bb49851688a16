package import Compute
import Corpus
import Foundation
package import KnowledgeGraph
import LabCore

/// A model that was trained elsewhere and stays in its folder, where Python computes it.
package struct OutsideRecord: Codable, Hashable, Sendable {
  /// What is known of its training.
  package enum Training: String, Codable, Sendable {
    /// Nothing: every query's visibility is `unknown`.
    case unknown
    /// That it was the visible triples of the graph.
    case graph
  }

  /// The folder of the model, from the root.
  package var folder: String
  /// Its class in transformers, such as GPTNeoXForCausalLM.
  package var architecture: String
  /// SHA-256 of each of its files that decide what it computes, by their names.
  package var files: [String: String]
  /// Texts that end an answer, beside the model's own end token; nil for a model with kglab's
  /// tokenizer.
  package var ends: [String]?
  package var training: Training
  package var precision: Precision
  /// The device that was asked for; nil for the first accelerator, or else the processor.
  package var device: String?
  /// The Python that was asked for; nil for the one that is found.
  package var python: String?
  /// Versions of Python's packages when it was first asked.
  package var versions: [String: String]?

  enum CodingKeys: String, SnakeCaseKey {
    case folder, architecture, ends, training, precision, device, python, versions
    case files = "files_sha256"
  }

  /// What decides the model's numbers, in place of the hash of a run's weights.
  var weightsHash: String {
    get throws {
      struct Identity: Encodable {
        let files: [String: String]
        let ends: [String]?
        let precision: Precision
      }
      return try CanonicalJSON.hash(
        Identity(files: files, ends: ends, precision: precision)
      ).hex
    }
  }

  /// The same for the files of its tokenizer.
  var tokenizerHash: String {
    get throws {
      try CanonicalJSON.hash(
        OutsideTokens(files: files.filter { !OutsideFolder.isWeights($0.key) }, ends: ends)
      ).hex
    }
  }

  private struct OutsideTokens: Encodable {
    let files: [String: String]
    let ends: [String]?
  }

  /// Texts that usually end an answer.
  private static let usualEnds = ["\n", ".", ",", ";"]

  /// The texts that end answers about a graph: the usual ones that are in no name, or those asked
  /// for.
  ///
  /// Throws `LabError` naming one that is in a name, or where none is left.
  package static func ends(_ asked: [String], for graph: KnowledgeGraph) throws -> [String] {
    func name(with end: String) -> String? {
      graph.entities.first { $0.name.contains(end) }?.name
    }
    for end in asked {
      guard !end.isEmpty else {
        throw LabError("an empty --end ends nothing; leave it out", .usage)
      }
      if let name = name(with: end) {
        throw LabError(
          "--end \(end.debugDescription) is in the name \(name.debugDescription), which could then not be answered; "
            + "choose another", .usage)
      }
    }
    let ends = asked.isEmpty ? usualEnds.filter { name(with: $0) == nil } : asked
    guard !ends.isEmpty else {
      throw LabError(
        "names of the graph have all that usually ends an answer (full stops, commas, semicolons, new lines); give "
          + "another text by --end", .usage)
    }
    return ends
  }
}

/// The folder of a Hugging Face model.
struct OutsideFolder {
  let url: URL
  /// The class of the model.
  let architecture: String

  /// Looks whether a folder holds a causal language model with a tokenizer.
  ///
  /// Throws `LabError` naming what is missing.
  init(_ url: URL) throws {
    self.url = url.resolvingSymlinksInPath().standardizedFileURL
    let path = url.relativePath
    let names = try? FileManager.default.contentsOfDirectory(atPath: url.path)
    guard let names else {
      throw LabError(
        "\(path) is no folder; give --model the folder of a Hugging Face model, with config.json, tokenizer and weights"
      )
    }
    guard names.contains("config.json") else {
      throw LabError("\(path) has no config.json; give --model the folder of a Hugging Face model")
    }
    struct Configuration: Decodable { let architectures: [String]? }
    let data = try? Data(contentsOf: url.appendingPathComponent("config.json"))
    guard let data, let file = try? JSONDecoder().decode(Configuration.self, from: data) else {
      throw LabError("\(path)/config.json is no JSON object of a model; download the model again")
    }
    guard let architecture = file.architectures?.first else {
      throw LabError(
        "\(path)/config.json names no class in 'architectures', so that it is not known to be a causal language model; "
          + "save the model again with save_pretrained")
    }
    guard architecture.hasSuffix("ForCausalLM") || architecture.hasSuffix("LMHeadModel") else {
      throw LabError(
        "\(path) holds a \(architecture), which is no causal language model; give one whose class ends with ForCausalLM "
          + "or LMHeadModel")
    }
    guard names.contains(where: Self.tokenizers.contains) else {
      throw LabError(
        "\(path) has no tokenizer (\(Self.tokenizers.joined(separator: ", "))); save it there with "
          + "tokenizer.save_pretrained")
    }
    guard names.contains(where: Self.isWeights) else {
      throw LabError(
        "\(path) has no weights (model.safetensors or pytorch_model.bin); download the model again")
    }
    self.architecture = architecture
  }

  private static let tokenizers = ["tokenizer.json", "tokenizer.model", "vocab.json"]
  private static let others = [
    "config.json", "generation_config.json", "tokenizer_config.json", "special_tokens_map.json",
    "added_tokens.json", "merges.txt",
  ]

  /// Whether a file of this name holds weights.
  static func isWeights(_ name: String) -> Bool {
    name.hasPrefix("model") && name.hasSuffix(".safetensors")
      || name.hasPrefix("pytorch_model") && name.hasSuffix(".bin")
  }

  /// SHA-256 of each file that decides what the model computes.
  func hashes() throws -> [String: String] {
    let names = try FileManager.default.contentsOfDirectory(atPath: url.path).filter {
      Self.isWeights($0) || Self.tokenizers.contains($0) || Self.others.contains($0)
    }
    return try Dictionary(
      uniqueKeysWithValues: names.map {
        ($0, try ContentHash(ofFile: url.appendingPathComponent($0)).hex)
      })
  }

  /// The tokenizer, where it is one of kglab's.
  var ownTokenizer: (any Tokenizer)? { try? TokenizerFile.load(from: url) }
}
