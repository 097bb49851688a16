package import Foundation
import Testing

/// The object that JSON is.
package func jsonObject(_ data: Data) throws -> [String: Any] {
  try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
}

/// Changes the object that a JSON file holds.
package func editJSON(_ file: URL, _ change: (inout [String: Any]) throws -> Void) throws {
  var object = try jsonObject(Data(contentsOf: file))
  try change(&object)
  try JSONSerialization.data(withJSONObject: object).write(to: file)
}
