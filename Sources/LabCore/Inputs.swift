package import Foundation

/// Keeps a command from writing over what it reads.
package enum Inputs {
  /// Throws `LabError` where `out` is, by whatever name or link, one of `inputs`, or stands in a
  /// way that replacing it would take an input with it: a folder as input is every file in it, a
  /// folder as output everything below it.
  package static func refuse(_ out: URL, writingOver inputs: [URL]) throws {
    guard let target = Posix.identity(out.standardizedFileURL.path) else { return }
    for input in inputs where isPart(target, of: input) {
      throw LabError(
        "--out \(out.relativePath) is \(input.relativePath), which this command reads; give --out another name",
        .usage)
    }
  }

  private static func isPart(_ target: [UInt64], of input: URL) -> Bool {
    var above = input.resolvingSymlinksInPath()
    while above.path != "/" {
      if Posix.identity(above.path) == target { return true }
      above.deleteLastPathComponent()
    }
    guard FileKind.of(input) == .folder else { return false }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: input.path)) ?? []
    return names.contains { Posix.identity(input.appendingPathComponent($0).path) == target }
  }
}
