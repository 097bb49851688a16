package import Foundation
package import LabCore

/// A tokenizer as Hugging Face's `tokenizer.json`, which Python's `tokenizers` and `transformers`
/// load.
///
/// For the training text `<S> subject <P> predicate <O> object <E>` Python gives the same ids,
/// unless with `bpe` and `byte` a name holds a special token's text, or begins or ends with white
/// space.
package struct TokenizerFile: Sendable {
  /// The file's name in a folder.
  package static let name = "tokenizer.json"
  /// The name of the file that tells `transformers` how to use it.
  package static let configurationName = "tokenizer_config.json"

  let contents: TokenizerContents

  /// The bytes of `tokenizer.json`, which depend on the tokenizer alone.
  private var data: Data { get throws { try CanonicalJSON.pretty(contents) } }

  /// SHA-256 of the `tokenizer.json` that `save` writes.
  package var hash: ContentHash { get throws { ContentHash(of: try data) } }

  /// Writes `tokenizer.json` and `tokenizer_config.json` into a folder, each whole or not at all.
  ///
  /// The bytes depend on the tokenizer alone. Throws `LabError` when the folder cannot be written.
  package static func save(_ tokenizer: any Tokenizer, to folder: URL) throws {
    try AtomicFile.write(
      CanonicalJSON.pretty(TokenizerConfiguration()),
      to: folder.appendingPathComponent(configurationName))
    try AtomicFile.write(
      tokenizer.file.data, to: folder.appendingPathComponent(name))
  }

  /// Reads and checks the `tokenizer.json` in a folder.
  ///
  /// Throws `CorpusError.tokenizerFile` naming the file and the fault: missing, not JSON, a model
  /// or setting that gives other tokens than ours, ids with gaps, special tokens elsewhere,
  /// impossible merges.
  package static func load(from folder: URL) throws(CorpusError) -> any Tokenizer {
    let url = folder.appendingPathComponent(name)
    do {
      let data = try Data(contentsOf: url)
      return try JSONDecoder().decode(TokenizerReading.self, from: data).tokenizer()
    } catch let fault as TokenizerFault {
      throw .tokenizerFile(path: url.path, reason: fault.reason)
    } catch let error as DecodingError {
      throw .tokenizerFile(path: url.path, reason: Self.reason(error))
    } catch {
      let isThere = FileManager.default.fileExists(atPath: url.path)
      throw .tokenizerFile(
        path: url.path, reason: isThere ? "it cannot be read" : "there is no such file")
    }
  }

  private static func reason(_ error: DecodingError) -> String {
    func place(_ path: [any CodingKey]) -> String {
      guard !path.isEmpty else { return "the top level" }
      return path.dropFirst().reduce(path[0].stringValue) { place, key in
        key.intValue.map { "\(place)[\($0)]" } ?? "\(place).\(key.stringValue)"
      }
    }
    switch error {
    case .keyNotFound(let key, let context):
      return "'\(key.stringValue)' is missing at \(place(context.codingPath))"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      return "the value at \(place(context.codingPath)) has the wrong type"
    case .dataCorrupted(let context) where !context.codingPath.isEmpty:
      return "\(context.debugDescription) at \(place(context.codingPath))"
    default:
      return "it is not valid JSON"
    }
  }
}

/// What is wrong with a file's contents.
struct TokenizerFault: Error {
  let reason: String
}

/// `tokenizer_config.json`: which tokens `transformers` shall call what.
private struct TokenizerConfiguration: Encodable {
  private enum CodingKeys: String, SnakeCaseKey {
    case tokenizerClass, paddingSide
    case beginning = "bos_token"
    case end = "eos_token"
    case padding = "pad_token"
    case unknown = "unk_token"
    case isCleaned = "clean_up_tokenization_spaces"
    case inputNames = "model_input_names"
  }

  let tokenizerClass = "PreTrainedTokenizerFast"
  let beginning = SpecialToken.subject.text
  let end = SpecialToken.end.text
  let padding = SpecialToken.padding.text
  let unknown = SpecialToken.unknown.text
  let isCleaned = false
  /// Without token_type_ids, which versions before 5 make and `generate` then refuses.
  let inputNames = ["input_ids", "attention_mask"]
  /// Answers are continuations, so prompts of a batch must end together.
  let paddingSide = "left"
}
