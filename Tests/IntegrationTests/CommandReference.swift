import Foundation

/// docs/cli.md: an introduction written by hand, then the recorded help of every command.
struct CommandReference: Equatable {
  static let path = "docs/cli.md"
  private static let start = "<!-- The rest of this page is recorded from the program. -->"

  struct Section: Equatable {
    /// The whole command: "kglab train".
    let name: String
    let help: String
  }

  let introduction: String
  let sections: [Section]

  struct MarkerMissing: Error, CustomStringConvertible {
    let description = "\(CommandReference.path) has no line '\(CommandReference.start)'"
  }

  init(introduction: String, sections: [Section]) {
    self.introduction = introduction
    self.sections = sections
  }

  /// Reads the page as it is written by `text`.
  init(_ page: String) throws {
    guard let marker = page.range(of: Self.start) else { throw MarkerMissing() }
    introduction = String(page[..<marker.lowerBound])
    var sections: [Section] = []
    var name: String?
    var block: [Substring]?
    for line in page[marker.upperBound...].split(separator: "\n", omittingEmptySubsequences: false)
    {
      if let lines = block {
        if line == "```" {
          sections.append(
            Section(name: name ?? "", help: lines.map { $0 + "\n" }.joined()))
          block = nil
        } else {
          block = lines + [line]
        }
      } else if line.hasPrefix("## ") {
        name = String(line.dropFirst(3))
      } else if line == "```text" {
        block = []
      }
    }
    self.sections = sections
  }

  /// The page.
  var text: String {
    introduction + Self.start + "\n"
      + sections.map { "\n## \($0.name)\n\n```text\n\($0.help)```\n" }.joined()
  }
}
