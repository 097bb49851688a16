/// A value in a file of its own, with the hash of its canonical JSON beside its fields as "sha256".
///
/// Read back, the value must have that hash. Files of earlier versions have none and are taken as
/// they are.
package struct Sealed<Value: Codable & Sendable>: Codable, Sendable {
  package let value: Value

  private enum CodingKeys: String, CodingKey { case hash = "sha256" }

  package init(_ value: Value) { self.value = value }

  /// Throws `LabError` where the value is not the one that was written.
  package init(from decoder: any Decoder) throws {
    value = try Value(from: decoder)
    let stated = try decoder.container(keyedBy: CodingKeys.self)
      .decodeIfPresent(String.self, forKey: .hash)
    guard let stated else { return }
    let found = try CanonicalJSON.hash(value).hex
    guard found == stated else {
      throw LabError("it was altered (its fields have SHA-256 \(found), \(stated) was written)")
    }
  }

  package func encode(to encoder: any Encoder) throws {
    try value.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(CanonicalJSON.hash(value).hex, forKey: .hash)
  }
}
