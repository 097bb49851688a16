import TestSupport
import Testing

extension CommandResult {
  /// Holds a failed command to the rules: its code, and one sentence that says what, where and what
  /// to do.
  ///
  /// `mentions` are pieces of that sentence. Code 64 may add the usage lines below it.
  func expectFailure(
    _ code: Int32, mentions pieces: [String], sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(end == .exited(code), "\(end): \(messages)", sourceLocation: sourceLocation)
    let errors = messageLines.filter { $0.lowercased().hasPrefix("error:") }
    #expect(errors.count == 1, "\(messages)", sourceLocation: sourceLocation)
    let sentence = errors.first ?? ""
    #expect(sentence.hasPrefix("error: "), sourceLocation: sourceLocation)
    let rest = messageLines.drop { $0 != sentence }.dropFirst()
    #expect(
      code == 64 || rest.isEmpty, "more follows the sentence: \(messages)",
      sourceLocation: sourceLocation)
    for piece in pieces {
      #expect(
        sentence.contains(piece), "'\(piece)' is not in: \(sentence)",
        sourceLocation: sourceLocation)
    }
    for noise in ["Fatal error", "Error Domain", "Swift.", "NSCocoa", "Optional("] {
      #expect(
        !messages.contains(noise), "'\(noise)' is in: \(messages)", sourceLocation: sourceLocation)
    }
  }

  /// Holds a finished command to the rules: code 0, and last what it wrote and what to run next.
  @discardableResult func expectSuccess(
    wrote path: String?, sourceLocation: SourceLocation = #_sourceLocation
  ) -> CommandResult {
    expectEnd(sourceLocation: sourceLocation)
    let closing = lines.suffix(2)
    #expect(
      closing.last?.hasPrefix("next: kglab ") ?? false, "\(closing)",
      sourceLocation: sourceLocation)
    if let path {
      #expect(
        closing.first?.hasPrefix("wrote \(path) ") ?? false, "\(closing)",
        sourceLocation: sourceLocation)
    }
    #expect(
      !messages.contains("error:") && !messages.contains("wrote "), "\(messages)",
      sourceLocation: sourceLocation)
    return self
  }

  /// The words after "next: kglab", as a shell takes them.
  var nextWords: [String] {
    var words: [String] = []
    var isQuoted = false
    for part in (lines.last ?? "").dropFirst("next: kglab ".count).split(separator: "'") {
      words += isQuoted ? [String(part)] : part.split(separator: " ").map(String.init)
      isQuoted.toggle()
    }
    return words
  }

  /// Holds a finished command to code 0.
  @discardableResult
  func expectEnd(sourceLocation: SourceLocation = #_sourceLocation) -> CommandResult {
    #expect(end == .exited(0), "\(end): \(messages)", sourceLocation: sourceLocation)
    return self
  }
}
