/// Checks shared by figures and tables.
enum Validation {
  static func identifier(_ text: String) throws(ReportError) {
    guard !text.isEmpty, text.utf8.allSatisfy({ isLowerOrDigit($0) || $0 == UInt8(ascii: "-") })
    else { throw .identifierInvalid(text) }
  }

  static func columns(_ data: Records, of user: String) throws(ReportError) {
    guard !data.columns.isEmpty else { throw .columnsMissing(in: user) }
    var seen = Set<String>()
    for column in data.columns {
      let isPlain = column.name.utf8.allSatisfy { isLowerOrDigit($0) || $0 == UInt8(ascii: "_") }
      guard isPlain, !column.name.isEmpty else {
        throw .columnNameInvalid(name: column.name, in: user)
      }
      guard seen.insert(column.name).inserted else {
        throw .columnRepeated(name: column.name, in: user)
      }
    }
  }

  private static func isLowerOrDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
      || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }
}
