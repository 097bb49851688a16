import Foundation
import LabCore

/// Detectors that are trained together, between two steps of their training.
struct DisjointState: Codable {
  struct Member: Codable {
    /// Parameters and both moments of the optimiser, as little-endian single precision.
    let values: Data
    let first: Data
    let second: Data
    let readOut: [Float]
    let readOutOptimizer: ReadOutOptimizer
    let best: Best?
  }

  /// What had the least validation loss.
  struct Best: Codable {
    let values: Data
    let readOut: [Float]
    let loss: Double
    let step: Int
  }

  /// Steps that are done.
  let step: Int
  let members: [Member]

  private static let hashLength = 64

  /// Writes the state behind the SHA-256 of its bytes, whole or not at all.
  func write(to file: URL) throws {
    let data = try CanonicalJSON.compact(self)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try AtomicFile.write(Data(ContentHash(of: data).hex.utf8) + data, to: file)
  }

  /// The state in a file; nil where there is none, or one that was altered.
  static func read(_ file: URL) -> DisjointState? {
    guard let contents = try? Data(contentsOf: file), contents.count > hashLength else {
      return nil
    }
    let data = Data(contents.dropFirst(hashLength))
    guard Data(ContentHash(of: data).hex.utf8) == contents.prefix(hashLength) else { return nil }
    return try? CanonicalJSON.decode(from: data)
  }
}
