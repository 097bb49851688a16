/// The text of the error that `work` ends with; empty where it ends without one.
package func failure<T>(_ work: () throws -> T) -> String {
  do {
    _ = try work()
    return ""
  } catch {
    return "\(error)"
  }
}
