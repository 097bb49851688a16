/// A triple by its names, with the line of the file that it is from.
package struct NamedTriple: Hashable, Sendable {
  package let subject: String
  package let predicate: String
  package let object: String
  /// From 1.
  package let line: Int
}
