package import Foundation
import LabCore
import Synchronization

/// A new folder, which is removed with this object, and at the latest with the process.
package final class TemporaryFolder: Sendable {
  package let url: URL

  /// With these text files in it.
  package init(_ files: [String: String] = [:]) throws {
    url = FileManager.default.temporaryDirectory
      .appendingPathComponent("kglab-test-\(UUID().uuidString)").resolvingSymlinksInPath()
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    _ = Self.isCleanedUp
    Self.left.withLock { _ = $0.insert(url) }
    for (path, text) in files { try write(text, to: path) }
  }

  deinit {
    try? FileManager.default.removeItem(at: url)
    Self.left.withLock { _ = $0.remove(url) }
  }

  private static let left = Mutex<Set<URL>>([])
  private static let isCleanedUp: Bool = {
    atexit {
      for url in TemporaryFolder.left.withLock({ $0 }) {
        try? FileManager.default.removeItem(at: url)
      }
    }
    return true
  }()

  package subscript(_ path: String) -> URL { url.appendingPathComponent(path) }

  /// Writes a text file, and the folders it lies in.
  @discardableResult package func write(_ text: String, to path: String) throws -> URL {
    let file = self[path]
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
    return file
  }

  /// The bytes of a file.
  package func data(_ path: String) throws -> Data { try Data(contentsOf: self[path]) }

  /// The content of a text file.
  package func text(_ path: String) throws -> String {
    try String(contentsOf: self[path], encoding: .utf8)
  }

  /// The content hash of a file.
  package func hash(_ path: String) throws -> String { try ContentHash(ofFile: self[path]).hex }

  /// Whether there is a file or folder.
  package func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: self[path].path)
  }

  /// Every file and folder below `path`, hidden ones too, but for the locks.
  package func names(in path: String = ".") throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: self[path].path)
      .filter { !$0.hasSuffix(".lock") }.sorted()
  }

  /// Removes a file or folder.
  package func remove(_ path: String) throws { try FileManager.default.removeItem(at: self[path]) }

  /// The object that a JSON file holds.
  package func object(_ path: String) throws -> [String: Any] { try jsonObject(data(path)) }

  /// Changes the object that a JSON file holds.
  package func edit(_ path: String, _ change: (inout [String: Any]) throws -> Void) throws {
    try editJSON(self[path], change)
  }
}
