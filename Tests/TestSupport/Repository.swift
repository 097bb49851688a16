package import Foundation

/// The project's own files, read from where this file was compiled.
package enum Repository {
  package static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// A file by its path from the project's folder.
  package static func file(_ path: String) -> URL { root.appendingPathComponent(path) }

  /// The content of a text file of the project.
  package static func text(_ path: String) throws -> String {
    try String(contentsOf: file(path), encoding: .utf8)
  }

  /// A value from JSON in the folder Fixtures of the test target that asks.
  package static func fixture<Value: Decodable>(
    _ name: String, as type: Value.Type = Value.self, from test: String = #filePath
  ) throws -> Value {
    let file = URL(fileURLWithPath: test).deletingLastPathComponent()
      .appendingPathComponent("Fixtures/\(name)")
    return try JSONDecoder().decode(type, from: Data(contentsOf: file))
  }
}
