package import Foundation
import LabCore

/// How triples are written as text; docs/import-export.md describes each.
package enum TripleFormat: String, Codable, CaseIterable, Sendable {
  /// Tab-separated names.
  case tsv
  /// Ids, with names in files of their own (OpenKE).
  case openke
  /// N-Triples of the W3C.
  case ntriples = "nt"
  /// One JSON object a line.
  case jsonl
  /// Training text, one JSON object a line; it can be written only.
  case text

  private static let endings: [String: TripleFormat] = [
    "tsv": .tsv, "txt": .tsv, "nt": .ntriples, "jsonl": .jsonl, "ndjson": .jsonl,
  ]

  /// Formats of other tools, and how to bring them in.
  private static let foreign: [String: String] = [
    "ttl": "convert it to N-Triples, for example with rdfpipe -o nt",
    "rdf": "convert it to N-Triples, for example with rdfpipe -o nt",
    "owl": "convert it to N-Triples, for example with rdfpipe -o nt",
    "nq": "N-Quads name a graph in each line; keep the first three terms as N-Triples",
    "csv": "give tab-separated columns, for example with csvformat -T",
    "json": "give one object a line (.jsonl), for example with jq -c '.[]'",
    "parquet": "write it as .tsv or .jsonl, for example with duckdb",
    "sqlite": "a graph file needs no import; kglab export writes it as text",
  ]

  /// The ending of a file's name that says its format, without that of compression.
  package static func ending(of url: URL) -> String {
    let plain = isCompressed(url) ? url.deletingPathExtension() : url
    return plain.pathExtension.lowercased()
  }

  /// Whether a file's name says that it is compressed.
  package static func isCompressed(_ url: URL) -> Bool { url.pathExtension.lowercased() == "gz" }

  /// The format that a file's name says, nil where it says none.
  package static func named(by url: URL) -> TripleFormat? { endings[ending(of: url)] }

  /// The format of a file to read: TSV unless its name says otherwise.
  ///
  /// Throws `LabError` for names of formats that cannot be read.
  static func toRead(_ url: URL) throws -> TripleFormat {
    if let advice = foreign[ending(of: url)] {
      throw LabError(
        "\(url.relativePath): .\(ending(of: url)) cannot be read; \(advice), or say what it is with "
          + "--format")
    }
    return named(by: url) ?? .tsv
  }

  /// The ending of the files that hold triples in this format.
  var fileEnding: String {
    switch self {
    case .tsv, .openke: "txt"
    case .ntriples: "nt"
    case .jsonl, .text: "jsonl"
    }
  }
}
