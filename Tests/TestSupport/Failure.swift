package import LabCore
package import Testing

/// The text of the error that `work` ends with; empty where it ends without one.
package func failure<T>(_ work: () throws -> T) -> String {
  do {
    _ = try work()
    return ""
  } catch { return "\(error)" }
}

/// Holds `work` to end with a failure for users: one sentence, with these words in it.
package func expectFailure<T>(
  _ words: String..., status: LabCore.ExitStatus? = nil,
  sourceLocation: SourceLocation = #_sourceLocation, _ work: () throws -> T
) { expectFailure(words, status: status, sourceLocation: sourceLocation, work) }

/// The same with a list of words.
package func expectFailure<T>(
  _ words: [String], status: LabCore.ExitStatus? = nil,
  sourceLocation: SourceLocation = #_sourceLocation, _ work: () throws -> T
) {
  do {
    _ = try work()
    Issue.record("nothing failed", sourceLocation: sourceLocation)
  } catch {
    let failure = error as? any LabFailure
    let text = "\(error)"
    #expect(failure != nil && !text.contains("\n"), "\(text)", sourceLocation: sourceLocation)
    for word in words { #expect(text.contains(word), "\(text)", sourceLocation: sourceLocation) }
    #expect(status == nil || failure?.exitStatus == status, sourceLocation: sourceLocation)
  }
}
