/// `value` with a change, for options that a test states in one expression.
package func with<T>(_ value: T, _ change: (inout T) throws -> Void) rethrows -> T {
  var value = value
  try change(&value)
  return value
}
