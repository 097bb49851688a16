import Foundation
import TestSupport

/// The project's own files, read from where this file was compiled.
enum SourceTree {
  /// A Swift file of a target.
  struct File: Sendable {
    /// From the project's folder: "Sources/LabCore/Seed.swift".
    let path: String
    let lines: [String]
    /// Words and signs of each line, without comments and text in quotes; an attribute is one word.
    let code: [[String]]

    var target: String { String(path.split(separator: "/")[1]) }
    var name: String { path.split(separator: "/").last.map(String.init) ?? path }

    init(path: String, text: String) {
      self.path = path
      lines = text.components(separatedBy: "\n")
      var isInText = false
      code = lines.map { Words.split(Array($0.utf8), isInText: &isInText) }
    }
  }

  /// The folders of targets, tests aside; each target is a folder in one of them.
  static let folders = ["Sources", "Benchmarks"]

  /// Every Swift file of the targets, in order of path; none where they cannot be read.
  static let swiftFiles: [File] = folders.flatMap { folder in
    let paths = try? FileManager.default.subpathsOfDirectory(
      atPath: Repository.file(folder).path)
    return (paths ?? []).filter { $0.hasSuffix(".swift") }.sorted().compactMap { path in
      (try? Repository.text("\(folder)/\(path)")).map { File(path: "\(folder)/\(path)", text: $0) }
    }
  }
}

/// Cuts a line of Swift into words and signs.
enum Words {
  private static let quote = UInt8(ascii: "\"")
  private static let slash = UInt8(ascii: "/")
  private static let space = UInt8(ascii: " ")

  /// Drops comments and text in quotes; `isInText` carries over whether a `"""` is open.
  static func split(_ line: [UInt8], isInText: inout Bool) -> [String] {
    var words: [String] = []
    var isInQuotes = false
    var index = 0
    while index < line.count {
      let byte = line[index]
      if line[index...].starts(with: [quote, quote, quote]) {
        isInText.toggle()
        index += 3
      } else if isInText || isInQuotes {
        if byte == UInt8(ascii: "\\") { index += 1 }
        if byte == quote { isInQuotes = false }
        index += 1
      } else if byte == quote {
        isInQuotes = true
        index += 1
      } else if line[index...].starts(with: [slash, slash]) {
        break
      } else if byte == space {
        index += 1
      } else {
        var end = index + 1
        if isPartOfWord(byte) || byte == UInt8(ascii: "@") {
          while end < line.count, isPartOfWord(line[end]) { end += 1 }
        }
        words.append(String(decoding: line[index..<end], as: UTF8.self))
        index = end
      }
    }
    return words
  }

  private static func isPartOfWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "`"), 0x80...:
      true
    default: false
    }
  }
}
